//! Capturing: the external leg is taken first; its success and the use of the points are one unit of work.

use std::sync::Arc;

use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Clock, Currency, Failure, Refusal, Violation};
use bojagi_store::Tx;

use crate::NAME;
use crate::desk::{Desk, Stop, uninterrupted};
use crate::domain::{Allocations, Payment, PaymentRefusal, UnderWay};
use crate::settle::follow;
use crate::store::payments;

/// What order asks to be taken.
pub(crate) struct Capture {
    pub(crate) order_id: OrderId,
    pub(crate) allocations: Allocations,
    /// The lines' currency, and what their net amounts add up to.
    pub(crate) currency: Currency,
    pub(crate) allocated: i64,
}

impl Desk {
    /// Takes what was held for an order, and answers where its payment stands.
    pub(crate) async fn capture(self: &Arc<Self>, ask: Capture) -> Result<Payment, Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let (order_id, ask) = (ask.order_id, Arc::new(ask));
            let unit = async move |tx: &mut Tx, has_wallet, clock: &dyn Clock| begin(tx, &ask, has_wallet, clock).await;
            let payment = desk.on_payment(order_id, unit).await?;
            desk.see_through(payment, UnderWay::Capture).await
        })
        .await
    }
}

async fn begin(tx: &mut Tx, ask: &Capture, has_wallet: bool, clock: &dyn Clock) -> Result<Payment, Stop> {
    let order_id = ask.order_id;
    let changed: Result<_, Stop> = payments::change(tx, order_id, None, |payment| {
        // What points alone pay for is taken at once.
        if payment.external == 0 {
            Stop::without_wallet(payment, has_wallet)?;
        }
        if payment.customer_id.is_some() && payment.currency != ask.currency {
            return Err(in_another_currency("allocations", payment).into());
        }
        Ok(payment.capture(&ask.allocations, ask.allocated, clock.now())?)
    })
    .await;
    let Some((payment, turn)) = changed? else {
        return Err(PaymentRefusal::OrderWithoutPayment { order_id }.into());
    };
    if let Some(turn) = turn {
        follow(tx, &payment, turn).await?;
    }
    Ok(payment)
}

/// The refusal of amounts in another currency than the payment's.
pub(crate) fn in_another_currency(field: &str, payment: &Payment) -> Failure {
    let description = format!("the payment is in {}", payment.currency);
    Refusal::invalid(NAME, vec![Violation::new(field, description)]).into()
}
