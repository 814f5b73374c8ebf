//! Authorising: the points are held and the provider holds the rest, all or nothing.

use std::sync::Arc;

use bojagi_kernel::id::PaymentMethodId;
use bojagi_kernel::{Clock, Failure};
use bojagi_store::Tx;

use crate::desk::{self, Desk, uninterrupted};
use crate::domain::{DeclineReason, Payment, PaymentRefusal, PaymentState, Terms, Turn, UnderWay};
use crate::events;
use crate::store::{methods, payments, wallets};

/// What order asks to be held.
pub(crate) struct Authorize {
    pub(crate) terms: Terms,
    /// Pays what the points don't.
    pub(crate) payment_method_id: Option<PaymentMethodId>,
}

impl Desk {
    /// Holds what an order costs, and answers where its payment stands.
    pub(crate) async fn authorize(self: &Arc<Self>, ask: Authorize) -> Result<Payment, Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let Terms { order_id, customer_id, points, .. } = ask.terms;
            let locked = desk::keys(order_id, Some(customer_id), points);
            let clock = Arc::clone(&desk.clock);
            let unit = async move |tx: &mut Tx| begin(tx, &ask, &*clock).await;
            let payment = desk.store.write_locking(locked, unit).await?;
            desk.see_through(payment, UnderWay::Authorize).await
        })
        .await
    }
}

async fn begin(tx: &mut Tx, ask: &Authorize, clock: &dyn Clock) -> Result<Payment, Failure> {
    let Terms { order_id, customer_id, points, total } = ask.terms;
    if let Some(payment) = payments::of_order(tx, order_id).await? {
        payment.answers(&ask.terms)?;
        return Ok(payment);
    }

    let now = clock.now();
    let paid_with = match ask.payment_method_id {
        Some(payment_method_id) => methods::paid_with(tx, customer_id, payment_method_id).await?,
        None => None,
    };
    let refused = if total.minor() > points && paid_with.is_none() {
        Some(DeclineReason::PaymentMethodNotFound)
    } else if points > 0 && !wallets::hold(tx, customer_id, points).await? {
        Some(DeclineReason::PointsNotEnough)
    } else {
        None
    };
    let payment = match refused {
        Some(reason) => Payment::refused(&ask.terms, paid_with, reason, now),
        None => Payment::open(&ask.terms, paid_with, now),
    };
    if !payments::insert(tx, &payment).await? {
        return Err(PaymentRefusal::ConcurrentChange.into());
    }
    match payment.state {
        PaymentState::Authorized => events::payment_turned(tx, &payment, Turn::Authorized).await?,
        PaymentState::Declined => events::payment_turned(tx, &payment, Turn::Declined).await?,
        _ => {}
    }
    Ok(payment)
}
