//! A charge of points: points are bought, so that there is always money behind them.

use bojagi_kernel::id::{AccountId, RequestId};
use bojagi_kernel::{Moment, Money};

use super::{ChargeId, DeclineReason, Outcome, PaidWith, ProviderKey};

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChargeState {
    /// The provider's answer is awaited.
    Pending,
    /// Paid; the points are in the wallet.
    Completed,
    /// Refused for good.
    Declined,
    /// The provider's answer is unknown.
    Unresolved,
}

/// One purchase of points.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: ChargeId,
    pub(crate) account_id: AccountId,
    /// What the client named the request, and a digest of it.
    pub(crate) request_id: RequestId,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) state: ChargeState,
    pub(crate) amount: Money,
    pub(crate) decline_reason: Option<DeclineReason>,
    pub(crate) paid_with: PaidWith,
    /// The provider's id of the payment, once it took the money.
    pub(crate) reference: Option<String>,
    /// When the provider was last asked; none once its answer is known.
    pub(crate) asked_at: Option<Moment>,
    pub(crate) created_at: Moment,
    pub(crate) completed_at: Option<Moment>,
}

impl Charge {
    /// The key of the charge at the provider, while its answer is not known.
    pub(crate) fn open_key(&self) -> Option<ProviderKey> {
        self.asked_at.map(|_| ProviderKey::Charge(self.id))
    }

    /// Takes over what the provider says. False when that changes nothing: the first definite answer stands.
    pub(crate) fn conclude(&mut self, outcome: &Outcome, now: Moment) -> bool {
        if self.asked_at.is_none() {
            return false;
        }
        match outcome {
            Outcome::Approved { reference } => {
                self.state = ChargeState::Completed;
                self.reference = Some(reference.clone());
                self.completed_at = Some(now);
                self.asked_at = None;
            }
            Outcome::Declined(reason) => {
                self.state = ChargeState::Declined;
                self.decline_reason = Some(*reason);
                self.asked_at = None;
            }
            Outcome::Unknown => {
                self.state = ChargeState::Unresolved;
                self.asked_at = Some(now);
            }
        }
        true
    }
}
