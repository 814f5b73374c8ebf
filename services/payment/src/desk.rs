//! What every use case of this context works with, and how it asks the provider.
//!
//! A use case stores what it is about to ask, asks outside of any unit of work, and stores the answer in another. Once it
//! has begun it is seen through, whether or not the caller still waits; what a crash cuts short is asked again by
//! [`jobs`](crate::jobs).

use std::iter;
use std::sync::Arc;

use bojagi_chassis::Pager;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Clock, Currency, Failure, Moment};
use bojagi_store::{LockKey, Store, Tx};
use bojagi_telemetry::TraceContext;
use futures::future::Either;

use crate::domain::{Charge, Outcome, Payment, ProviderKey, Refund, UnderWay};
use crate::flights::Flights;
use crate::provider::{Asking, Instruction, Manner};
use crate::settle::{Settled, settle};

/// The store, the time, the provider, and what is going on with it.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pager: Pager,
    pub(crate) currency: Currency,
    pub(crate) provider: Asking,
    pub(crate) flights: Flights,
}

impl Desk {
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Asks the provider, stores its answer, and says what that came to. Whoever asks for the same meanwhile joins.
    /// `known` is the payment as it was just stored, if it was.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        instruction: Instruction,
        manner: Manner,
        known: Option<Payment>,
    ) -> Result<Settled, Failure> {
        let desk = Arc::clone(self);
        let flight = self.flights.join_or_start(instruction.key, async move {
            let key = instruction.key;
            let outcome = desk.provider.ask(&instruction, manner).await;
            let authorisation_ended = matches!(key, ProviderKey::Authorize(_)) && outcome != Outcome::Unknown;
            let now = desk.now();
            let locked = known.as_ref().map(|payment| keys(payment.order_id, payment.customer_id, payment.points));
            let unit = async move |tx: &mut Tx| settle(tx, key, &outcome, known, now).await;
            let settled = match locked {
                Some(locked) => desk.store.write_locking(locked, unit).await,
                None => desk.store.write(unit).await,
            };
            let settled = settled
                .inspect_err(|failure| tracing::error!(%key, %failure, "an answer of the provider was not stored"));
            let settled = settled.ok().flatten();
            // It was voided meanwhile: only now is it certain that letting go comes after what it undoes.
            if let Some(Settled::Payment(payment)) = &settled
                && authorisation_ended
            {
                desk.let_go(payment.clone());
            }
            settled
        });
        flight.await.ok_or_else(|| Failure::Unavailable("the provider's answer could not be stored".into()))
    }

    /// Sees `what` through if that is under way with a payment, and answers the payment after it.
    pub(crate) async fn see_through(self: &Arc<Self>, payment: Payment, what: UnderWay) -> Result<Payment, Failure> {
        if payment.under_way != Some(what) {
            return Ok(payment);
        }
        let Some(instruction) = of_payment(&payment) else { return Ok(payment) };
        match self.ask(instruction, Manner::Perform, Some(payment)).await? {
            Settled::Payment(payment) => Ok(payment),
            Settled::Refund(..) | Settled::Charge(..) => Err(Failure::broken("a payment settled as something else")),
        }
    }

    /// Has the provider let go what it holds, without anybody waiting for it.
    pub(crate) fn let_go(self: &Arc<Self>, payment: Payment) {
        if payment.under_way != Some(UnderWay::Void) {
            return;
        }
        let Some(instruction) = of_payment(&payment) else { return };
        let desk = Arc::clone(self);
        tokio::spawn(traced(async move {
            // A failure is logged where it happens; the job asks again.
            drop(desk.ask(instruction, Manner::Perform, Some(payment)).await);
        }));
    }
}

/// What a step of a payment locks: the order, and the wallet if there are points in it. Whoever removes a method locks the store.
pub(crate) fn keys(order_id: OrderId, customer_id: Option<AccountId>, points: i64) -> impl Iterator<Item = LockKey> {
    let wallet = customer_id.filter(|_| points > 0);
    iter::once(LockKey::of(order_id)).chain(wallet.map(LockKey::of))
}

/// Runs a use case to its end, even if the caller stops waiting, in the caller's trace.
///
/// # Errors
/// What the use case answers.
pub(crate) async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(traced(work)).await.map_err(|error| Failure::Broken(Box::new(error)))?
}

fn traced<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match TraceContext::current() {
        Some(trace) => Either::Left(trace.scope(work)),
        None => Either::Right(work),
    }
}

/// What the provider is to do for a payment, if anything is under way.
pub(crate) fn of_payment(payment: &Payment) -> Option<Instruction> {
    Some(Instruction {
        key: payment.open_key()?,
        payment: ProviderKey::Authorize(payment.order_id),
        token: payment.paid_with.as_ref()?.token.clone(),
        amount: payment.money(payment.external),
    })
}

/// What the provider is to do for a refund of a payment, if it has not answered.
pub(crate) fn of_refund(refund: &Refund, payment: &Payment) -> Option<Instruction> {
    Some(Instruction {
        key: refund.open_key()?,
        payment: ProviderKey::Authorize(payment.order_id),
        token: payment.paid_with.as_ref()?.token.clone(),
        amount: payment.money(refund.legs.external),
    })
}

/// What the provider is to do for a charge of points, if it has not answered.
pub(crate) fn of_charge(charge: &Charge) -> Option<Instruction> {
    let key = charge.open_key()?;
    Some(Instruction { key, payment: key, token: charge.paid_with.token.clone(), amount: charge.amount })
}
