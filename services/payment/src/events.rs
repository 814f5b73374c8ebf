//! Facts told, and facts heard.

use std::sync::Arc;

use bojagi_api::order::OrderFailed;
use bojagi_api::user::AccountClosed;
use bojagi_api::{common, payment as facts};
use bojagi_chassis::wire;
use bojagi_events::{Event, Hears, nothing_more, tell};
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Clock, Currency, Failure, Moment};
use bojagi_store::{LockKey, Tx};

use crate::NAME;
use crate::domain::{Allocations, Charge, Payment, PaymentState, Refund, Turn};
use crate::rpc::{allocations, show};
use crate::store::methods;
use crate::void::void;

/// The topics that payment hears.
pub(crate) const TOPICS: &[&str] = &["bojagi.order.v1", "bojagi.user.v1"];

/// Tells the turn that a payment has just taken, unless nobody would notice it.
pub(crate) async fn payment_turned(tx: &mut Tx, payment: &Payment, turn: Turn) -> Result<(), Failure> {
    let (id, now) = (payment.id.into(), payment.updated_at);
    let (payment_id, order_id) = (payment.id.to_string(), payment.order_id.to_string());
    let customer_id = payment.customer_id.map(|id| id.to_string()).unwrap_or_default();
    let points = Some(wire::money(payment.money(payment.points)));
    let external = Some(wire::money(payment.money(payment.external)));
    let at = Some(wire::timestamp(now));
    match turn {
        Turn::Quiet => return Ok(()),
        Turn::Authorized => {
            let authorized_at = at;
            let fact = facts::PaymentAuthorized { payment_id, order_id, customer_id, points, external, authorized_at };
            tell(tx, id, &fact, now).await?
        }
        Turn::Declined => {
            let reason = show::decline_reason(payment.decline_reason).into();
            let declined_at = at;
            let fact =
                facts::PaymentDeclined { payment_id, order_id, customer_id, points, external, reason, declined_at };
            tell(tx, id, &fact, now).await?
        }
        Turn::Captured => {
            let allocations = told(payment.allocations.as_ref())?;
            let captured_at = at;
            let fact = facts::PaymentCaptured {
                payment_id,
                order_id,
                customer_id,
                points,
                external,
                allocations,
                captured_at,
            };
            tell(tx, id, &fact, now).await?
        }
        Turn::Voided { provider_held } => {
            let points = points.filter(|points| points.minor_units > 0);
            let external = external.filter(|_| provider_held);
            let voided_at = at;
            let fact = facts::PaymentVoided { payment_id, order_id, customer_id, points, external, voided_at };
            tell(tx, id, &fact, now).await?
        }
        Turn::Unresolved => {
            let unresolved_at = at;
            let fact = facts::PaymentUnresolved { payment_id, order_id, customer_id, points, external, unresolved_at };
            tell(tx, id, &fact, now).await?
        }
    };
    Ok(())
}

/// Tells that captured money has gone back.
pub(crate) async fn payment_refunded(
    tx: &mut Tx,
    payment: &Payment,
    refund: &Refund,
    now: Moment,
) -> Result<(), Failure> {
    let fact = facts::PaymentRefunded {
        payment_id: payment.id.to_string(),
        order_id: payment.order_id.to_string(),
        customer_id: payment.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        refund_id: refund.id.to_string(),
        points: Some(wire::money(payment.money(refund.legs.points))),
        external: Some(wire::money(payment.money(refund.legs.external))),
        allocations: told(Some(&refund.allocations))?,
        reason: refund.reason.clone(),
        captured_at: payment.captured_at.map(wire::timestamp),
        refunded_at: Some(wire::timestamp(now)),
    };
    tell(tx, payment.id.into(), &fact, now).await?;
    Ok(())
}

/// Tells that points were bought.
pub(crate) async fn points_charged(tx: &mut Tx, charge: &Charge, now: Moment) -> Result<(), Failure> {
    let fact = facts::PointsCharged {
        charge_id: charge.id.to_string(),
        customer_id: charge.account_id.to_string(),
        amount: Some(wire::money(charge.amount)),
        provider_payment_id: charge.reference.clone().unwrap_or_default(),
        charged_at: Some(wire::timestamp(now)),
    };
    tell(tx, charge.account_id.into(), &fact, now).await?;
    Ok(())
}

fn told(kept: Option<&Allocations>) -> Result<Vec<common::LineAllocation>, Failure> {
    kept.map_or_else(|| Ok(Vec::new()), allocations::decode)
}

/// What payment does when others tell something.
pub(crate) fn hears(currency: Currency, clock: Arc<dyn Clock>) -> Hears {
    let clock_of_accounts = Arc::clone(&clock);
    Hears::new(NAME)
        .on_locking(wallet, async move |tx: &mut Tx, _: &Event, fact: OrderFailed| {
            let order_id: OrderId = fact.order_id.parse().map_err(|error| unreadable("order_id", error))?;
            end_order(tx, order_id, currency, &*clock).await
        })
        .on_locking(nothing_more, async move |tx: &mut Tx, _: &Event, fact: AccountClosed| {
            let account_id: AccountId = fact.account_id.parse().map_err(|error| unreadable("account_id", error))?;
            methods::close_account(tx, account_id, clock_of_accounts.now()).await?;
            Ok(())
        })
}

/// The points of a failed order go back to its customer.
fn wallet(fact: &OrderFailed) -> Vec<LockKey> {
    fact.customer_id.parse::<AccountId>().map(LockKey::of).into_iter().collect()
}

/// Makes sure that nothing can be captured any more for an order that failed. Order fails only after a void, so there is
/// nothing left to do, unless something is wrong: then the fact is parked, and an operator sees it.
async fn end_order(tx: &mut Tx, order_id: OrderId, currency: Currency, clock: &dyn Clock) -> Result<(), Failure> {
    let (payment, _) = void(tx, order_id, currency, true, clock).await?;
    match payment.state {
        PaymentState::Voided | PaymentState::Declined => Ok(()),
        state => Err(Failure::broken(format!("order {order_id} failed while its payment is {state}"))),
    }
}

fn unreadable(field: &str, error: impl std::fmt::Display) -> Failure {
    Failure::broken(format!("{field} of a fact: {error}"))
}
