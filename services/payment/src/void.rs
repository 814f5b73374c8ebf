//! Voiding: making sure that nothing is or will be captured for an order, if that can still be had.

use std::sync::Arc;

use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Clock, Currency, Failure};
use bojagi_store::Tx;

use crate::desk::{Desk, Stop, uninterrupted};
use crate::domain::{Payment, PaymentRefusal, Turn, UnderWay, Voiding};
use crate::events;
use crate::settle::follow;
use crate::store::payments;

impl Desk {
    /// Voids the payment of an order and answers it as it stands then: voided, or captured because the capture came
    /// first, or unresolved. A capture that is under way decides, so it is waited for.
    pub(crate) async fn void(self: &Arc<Self>, order_id: OrderId) -> Result<Payment, Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let currency = desk.currency;
            let unit = async move |tx: &mut Tx, has_wallet, clock: &dyn Clock| {
                void(tx, order_id, currency, has_wallet, clock).await
            };
            let (payment, voiding) = desk.on_payment(order_id, unit).await?;
            if voiding == Voiding::CaptureDecides {
                return desk.see_through(payment, UnderWay::Capture).await;
            }
            // Letting go must not overtake an authorisation that this process or another one is asking for: whoever asks
            // lets go when it has its answer, and the job does when nobody can be asking any more.
            if payment.authorized_at.is_some() {
                desk.let_go(payment.clone());
            }
            Ok(payment)
        })
        .await
    }
}

/// Voids the payment of an order in a unit of work that is under way; an order without one gets a payment that is voided
/// from the start, so that a late ask is refused.
pub(crate) async fn void(
    tx: &mut Tx,
    order_id: OrderId,
    currency: Currency,
    has_wallet: bool,
    clock: &dyn Clock,
) -> Result<(Payment, Voiding), Stop> {
    let mut voiding = Voiding::Stands;
    let changed: Result<_, Stop> = payments::change(tx, order_id, None, |payment| {
        Stop::without_wallet(payment, has_wallet)?;
        voiding = payment.void(clock.now());
        Ok(match voiding {
            Voiding::Turned(turn) => Some(turn),
            Voiding::CaptureDecides | Voiding::Stands => None,
        })
    })
    .await;
    match changed? {
        Some((payment, turn)) => {
            if let Some(turn) = turn {
                follow(tx, &payment, turn).await?;
            }
            Ok((payment, voiding))
        }
        None => {
            let payment = Payment::ended(order_id, currency, clock.now());
            if !payments::insert(tx, &payment).await? {
                return Err(PaymentRefusal::ConcurrentChange.into());
            }
            let turn = Turn::Voided { provider_held: false };
            events::payment_turned(tx, &payment, turn).await?;
            Ok((payment, Voiding::Turned(turn)))
        }
    }
}
