//! What an account has in points.

use bojagi_kernel::Moment;
use bojagi_kernel::id::OrderId;

use super::ChargeId;

bojagi_kernel::typed_id! {
    /// A movement of points.
    WalletEntryId
}

/// What a wallet holds, in points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Balance {
    /// What can be spent.
    pub(crate) available: i64,
    /// What is held for orders that are pending.
    pub(crate) held: i64,
}

impl Balance {
    /// What the account owns.
    pub(crate) const fn owned(self) -> i64 {
        self.available + self.held
    }
}

/// What moved points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalletEntryKind {
    /// They were bought.
    Charge,
    /// They paid for an order.
    Use,
    /// They came back from an order.
    Refund,
}

/// One movement of points.
#[derive(Debug, Clone)]
pub(crate) struct WalletEntry {
    pub(crate) id: WalletEntryId,
    pub(crate) kind: WalletEntryKind,
    pub(crate) amount: i64,
    pub(crate) balance_after: i64,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) charge_id: Option<ChargeId>,
    pub(crate) created_at: Moment,
}
