//! The facts that settlement tells.

use bojagi_api::settlement::{PayoutFailed, PayoutPaid, PayoutReturned, StatementClosed, StatementSettled};
use bojagi_chassis::wire;
use bojagi_events::tell;
use bojagi_kernel::{Moment, Money};
use bojagi_store::{Error, Tx};

use crate::domain::{Payout, Settlement, Statement, StatementId, Step};

/// A statement was made.
///
/// # Errors
/// What the database says.
pub(crate) async fn statement_closed(tx: &mut Tx, statement: &Statement, now: Moment) -> Result<(), Error> {
    let currency = statement.net.currency();
    let amount = |minor| Some(wire::money(Money::new(currency, minor)));
    let fact = StatementClosed {
        statement_id: statement.id.to_string(),
        seller_id: statement.seller_id.to_string(),
        business_date: statement.business_date.clone(),
        cut_off: Some(wire::timestamp(statement.cut_off)),
        gross: amount(statement.amounts.gross),
        refunds: amount(statement.refunds),
        commission: amount(statement.amounts.commission),
        seller_discount: amount(statement.amounts.seller_discount),
        platform_subsidy: amount(statement.amounts.platform_subsidy),
        net: amount(statement.net.minor()),
        capture_count: statement.capture_count,
        refund_count: statement.refund_count,
    };
    tell(tx, statement.id.into(), &fact, now).await.map(drop)
}

/// A statement became part of a settlement.
///
/// # Errors
/// What the database says.
pub(crate) async fn statement_settled(
    tx: &mut Tx,
    statement_id: StatementId,
    net: Money,
    settlement: &Settlement,
    now: Moment,
) -> Result<(), Error> {
    let fact = StatementSettled {
        statement_id: statement_id.to_string(),
        seller_id: settlement.seller_id.to_string(),
        settlement_id: settlement.id.to_string(),
        net: Some(wire::money(net)),
        payout_id: settlement.payout.as_ref().map(|payout| payout.id.to_string()).unwrap_or_default(),
        settled_at: Some(wire::timestamp(now)),
    };
    tell(tx, statement_id.into(), &fact, now).await.map(drop)
}

/// A payout took a step at the bank. That the bank took it is nobody else's business.
///
/// # Errors
/// What the database says.
pub(crate) async fn payout_moved(
    tx: &mut Tx,
    payout: &Payout,
    step: Step,
    reason: &str,
    at: Moment,
    now: Moment,
) -> Result<(), Error> {
    let payout_id = payout.id.to_string();
    let seller_id = payout.seller_id.to_string();
    let amount = Some(wire::money(payout.amount));
    let (reason, at) = (reason.to_owned(), Some(wire::timestamp(at)));
    let told = match step {
        Step::Take => return Ok(()),
        Step::Pay => {
            let fact = PayoutPaid { payout_id, seller_id, amount, paid_at: at };
            tell(tx, payout.id.into(), &fact, now).await
        }
        Step::Fail => {
            let fact = PayoutFailed { payout_id, seller_id, amount, reason, failed_at: at };
            tell(tx, payout.id.into(), &fact, now).await
        }
        Step::Return => {
            let fact = PayoutReturned { payout_id, seller_id, amount, reason, returned_at: at };
            tell(tx, payout.id.into(), &fact, now).await
        }
    };
    told.map(drop)
}
