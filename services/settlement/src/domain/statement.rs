//! Statements, settlements, rates, and where a seller's money is.

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{BasisPoints, Moment, Money, MoneyError};

use super::{Amounts, CommissionRateId, Payout, PayoutId, SettlementId, StatementId};

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementState {
    /// Closed, and not asked for.
    Open,
    /// Part of a settlement.
    Settled,
}

/// What a seller earned up to a cut-off that was in no statement before. Its amounts never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Which.
    pub(crate) id: StatementId,
    /// Whose.
    pub(crate) seller_id: AccountId,
    /// The date of the cut-off in the shop, as YYYY-MM-DD.
    pub(crate) business_date: String,
    /// Everything in it was booked before.
    pub(crate) cut_off: Moment,
    /// Where it stands.
    pub(crate) state: StatementState,
    /// Captures less refunds, except for `gross`, which holds the captures alone.
    pub(crate) amounts: Amounts,
    /// The gross amount of the refunds.
    pub(crate) refunds: i64,
    /// What the seller gets; its currency is that of all amounts.
    pub(crate) net: Money,
    /// How many entries are captures.
    pub(crate) capture_count: i64,
    /// How many entries are refunds.
    pub(crate) refund_count: i64,
    /// The payout that paid it, if one did.
    pub(crate) payout_id: Option<PayoutId>,
    /// When it was closed.
    pub(crate) created_at: Moment,
    /// When it was settled.
    pub(crate) settled_at: Option<Moment>,
}

/// How a settlement comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Netting {
    /// What is paid; 0 or above.
    pub(crate) payout: Money,
    /// What is missing and netted by the next settlement; 0 or below.
    pub(crate) carried_forward: Money,
}

/// Nets statements with what was brought forward: what is above 0 is paid, what is below is carried.
///
/// # Errors
/// When the sum does not fit.
pub(crate) fn net(statements_net: Money, brought_forward: Money) -> Result<Netting, MoneyError> {
    let due = statements_net.plus(brought_forward)?;
    let nothing = Money::zero(due.currency());
    if due.is_positive() {
        return Ok(Netting { payout: due, carried_forward: nothing });
    }
    Ok(Netting { payout: nothing, carried_forward: due })
}

/// What was settled in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// Which.
    pub(crate) id: SettlementId,
    /// Whose.
    pub(crate) seller_id: AccountId,
    /// What it settles, oldest first.
    pub(crate) statement_ids: Vec<StatementId>,
    /// Their sum.
    pub(crate) statements_net: Money,
    /// What earlier settlements left over, and what the bank put back.
    pub(crate) brought_forward: Money,
    /// What the next one nets.
    pub(crate) carried_forward: Money,
    /// The payout, if there is something to pay.
    pub(crate) payout: Option<Payout>,
}

/// Where a seller's money is, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SellerBalance {
    /// Booked and in no statement.
    pub(crate) unsettled: Money,
    /// In open statements.
    pub(crate) open_statements: Money,
    /// Left over from settlements, or put back by the bank.
    pub(crate) carried: Money,
    /// In payouts that have not arrived.
    pub(crate) in_transit: Money,
    /// Arrived and not returned.
    pub(crate) paid_out: Money,
}

/// A commission rate from its moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommissionRate {
    /// Which.
    pub(crate) id: CommissionRateId,
    /// For whom; all sellers without a rate of their own when it is nobody.
    pub(crate) seller_id: Option<AccountId>,
    /// How much.
    pub(crate) rate: BasisPoints,
    /// From when on.
    pub(crate) effective_from: Moment,
    /// When it was set.
    pub(crate) created_at: Moment,
    /// By whom.
    pub(crate) created_by: AccountId,
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::Currency;

    use super::*;

    #[test]
    fn what_is_above_nothing_is_paid_and_what_is_below_is_carried() {
        let won = |minor| Money::new(Currency::KRW, minor);
        for (statements, brought, payout, carried) in
            [(100, 0, 100, 0), (100, -30, 70, 0), (100, -130, 0, -30), (-5, 0, 0, -5), (0, 40, 40, 0), (5, -5, 0, 0)]
        {
            let netting = net(won(statements), won(brought)).unwrap();
            assert_eq!(netting, Netting { payout: won(payout), carried_forward: won(carried) });
        }
    }
}
