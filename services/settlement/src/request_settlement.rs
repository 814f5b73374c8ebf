//! A seller asks to be paid: open statements of a period become one settlement in each currency, netted with what earlier
//! settlements left over and what the bank put back.

use std::collections::BTreeMap;

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Currency, Failure, Moment, Money, MoneyError};
use bojagi_store::Tx;

use crate::domain::{
    self, Cause, Payout, PayoutId, PayoutState, Settlement, SettlementId, SettlementRefusal, StatementId,
};
use crate::{events, store};

/// Settles the open statements whose business date is in `period`, both ends included. Answers one settlement a currency.
///
/// # Errors
/// `NOTHING_TO_SETTLE`, `PAYOUT_ACCOUNT_MISSING`.
pub(crate) async fn settle(
    tx: &mut Tx,
    seller_id: AccountId,
    period: (&str, &str),
    now: Moment,
) -> Result<Vec<Settlement>, Failure> {
    // First of all, because it makes settlements of the same seller wait for each other.
    let number = store::next_number(tx, seller_id).await?;
    let brought: BTreeMap<_, _> =
        store::carried(tx, seller_id).await?.into_iter().map(|carried| (carried.currency(), carried)).collect();
    let mut statements: BTreeMap<Currency, Vec<(StatementId, Money)>> = BTreeMap::new();
    for (id, net) in store::settle_statements(tx, seller_id, period, now).await? {
        statements.entry(net.currency()).or_default().push((id, net));
    }
    for put_back in brought.values().filter(|carried| carried.is_positive()) {
        statements.entry(put_back.currency()).or_default();
    }
    if statements.is_empty() {
        return Err(SettlementRefusal::NothingToSettle.into());
    }

    let mut settlements = Vec::with_capacity(statements.len());
    for (currency, settled) in statements {
        let brought_forward = brought.get(&currency).copied().unwrap_or(Money::zero(currency));
        let settlement = settle_currency(tx, seller_id, &settled, brought_forward, now).await?;
        store::insert_settlement(tx, &settlement, number, now).await?;
        for (statement_id, net) in &settled {
            events::statement_settled(tx, *statement_id, *net, &settlement, now).await?;
        }
        settlements.push(settlement);
    }
    Ok(settlements)
}

async fn settle_currency(
    tx: &mut Tx,
    seller_id: AccountId,
    statements: &[(StatementId, Money)],
    brought_forward: Money,
    now: Moment,
) -> Result<Settlement, Failure> {
    let does_not_fit = |error: MoneyError| Failure::broken(format!("a settlement of {seller_id}: {error}"));
    let nets = statements.iter().map(|(_, net)| *net);
    let statements_net = Money::sum(brought_forward.currency(), nets).map_err(does_not_fit)?;
    let netting = domain::net(statements_net, brought_forward).map_err(does_not_fit)?;
    let mut settlement = Settlement {
        id: SettlementId::generate(),
        seller_id,
        statement_ids: statements.iter().map(|(id, _)| *id).collect(),
        statements_net,
        brought_forward,
        carried_forward: netting.carried_forward,
        payout: None,
    };
    if netting.payout.is_positive() {
        settlement.payout = Some(pay_out(tx, &settlement, netting.payout, now).await?);
    }
    Ok(settlement)
}

async fn pay_out(tx: &mut Tx, settlement: &Settlement, amount: Money, now: Moment) -> Result<Payout, Failure> {
    let account = store::payout_account(tx, settlement.seller_id).await?;
    let (token, account) = account.ok_or(SettlementRefusal::PayoutAccountMissing)?;
    let payout = Payout {
        id: PayoutId::generate(),
        seller_id: settlement.seller_id,
        settlement_id: settlement.id,
        state: PayoutState::Pending,
        amount,
        account,
        statement_ids: settlement.statement_ids.clone(),
        failure_reason: String::new(),
        created_at: now,
        sent_at: None,
        paid_at: None,
        ended_at: None,
    };
    store::insert_payout(tx, &payout, &token).await?;
    let cause = Cause { source_id: payout.id.into(), order_id: None, booked_at: now };
    let trace_id = tx.trace().map(|trace| trace.trace_id()).unwrap_or_default();
    store::book(tx, &[domain::make_payout(&payout, cause)?], &trace_id).await?;
    Ok(payout)
}
