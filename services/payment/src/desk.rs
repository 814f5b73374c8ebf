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
use bojagi_store::{Error, LockKey, Reason, Store, Tx};
use bojagi_telemetry::TraceContext;
use futures::future::Either;

use crate::domain::{Charge, Outcome, Payment, PaymentRefusal, ProviderKey, Refund, UnderWay};
use crate::flights::{Flight, Flights};
use crate::provider::{Asking, Instruction, Manner};
use crate::settle::{Settled, settle};
use crate::store;

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

    /// Runs a unit about the payment of an order, which locks the order, and once more with the wallet locked too if it says that
    /// it needs that: whose wallet it is only the payment says, and nearly always there are no points in it. `unit` is told
    /// whether the wallet is locked, and looks at the clock once it has read the payment: on a server a unit waits for what it
    /// locks with its first statement, and only behind that is nothing younger that was stored about the same payment.
    pub(crate) async fn on_payment<T: Send + 'static>(
        &self,
        order_id: OrderId,
        unit: impl AsyncFn(&mut Tx, bool, &dyn Clock) -> Result<T, Stop> + Clone + Send + 'static,
    ) -> Result<T, Failure> {
        let (order, again) = (LockKey::of(order_id), unit.clone());
        let (clock, later) = (Arc::clone(&self.clock), Arc::clone(&self.clock));
        let unit = async move |tx: &mut Tx| unit(tx, false, &*clock).await;
        let customer_id = match self.store.write_locking([order], unit).await {
            Err(Stop::NeedsWallet(customer_id)) => customer_id,
            done => return Ok(done?),
        };
        let both = [order, LockKey::of(customer_id)];
        let again = async move |tx: &mut Tx| again(tx, true, &*later).await;
        Ok(self.store.write_locking(both, again).await?)
    }

    /// Asks the provider, stores its answer, and says what that came to. Whoever asks for the same meanwhile joins.
    /// `known` is the payment as it was just stored, if it was.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        errand: Errand,
        manner: Manner,
        known: Option<Payment>,
    ) -> Result<Settled, Failure> {
        let desk = Arc::clone(self);
        let Errand { instruction, locked, .. } = errand;
        let flight = self.flights.join_or_start(instruction.key, async move {
            let key = instruction.key;
            let outcome = desk.provider.ask(&instruction, manner).await;
            let holds_or_takes = matches!(key, ProviderKey::Authorize(_) | ProviderKey::Capture(_));
            let may_let_go = holds_or_takes && outcome != Outcome::Unknown;
            let clock = Arc::clone(&desk.clock);
            let unit = async move |tx: &mut Tx| settle(tx, key, &outcome, known, &*clock).await;
            let settled = desk.store.write_locking(locked, unit).await;
            let settled = settled
                .inspect_err(|failure| tracing::error!(%key, %failure, "an answer of the provider was not stored"));
            let settled = settled.ok().flatten();
            // It was voided meanwhile, or cannot be taken: only now is it certain that letting go comes after what it undoes.
            if let Some(Settled::Payment(payment)) = &settled
                && may_let_go
            {
                desk.let_go(payment.clone());
            }
            settled
        });
        landed(flight).await
    }

    /// Asks about what may have moved on since it was read, unless it has: it is over, or somebody else has asked since. That it
    /// is asked is stored before, so that no other process does the same meanwhile, and what undoes it waits long enough. What is
    /// going on in this process is joined. False when it has moved on, so that nobody was asked.
    pub(crate) async fn ask_again(self: &Arc<Self>, errand: Errand) -> Result<bool, Failure> {
        let (key, read, clock) = (errand.instruction.key, errand.asked_at, Arc::clone(&self.clock));
        if let Some(flight) = self.flights.going_on(key) {
            return landed(flight).await.map(|_| true);
        }
        let unit = async move |tx: &mut Tx| store::claim(tx, key, read, &*clock).await;
        let claimed: Result<bool, Error> = self.store.write_locking(errand.locked.clone(), unit).await;
        let claimed =
            claimed.inspect_err(|error| tracing::error!(%key, %error, "the provider could not be asked again"));
        if !claimed? {
            return Ok(false);
        }
        self.ask(errand, Manner::LookUpFirst, None).await.map(|_| true)
    }

    /// Sees `what` through if that is under way with a payment, and answers the payment after it.
    pub(crate) async fn see_through(self: &Arc<Self>, payment: Payment, what: UnderWay) -> Result<Payment, Failure> {
        if payment.under_way != Some(what) {
            return Ok(payment);
        }
        let Some(errand) = of_payment(&payment) else { return Ok(payment) };
        self.ask(errand, Manner::Perform, Some(payment)).await?.payment()
    }

    /// Has the provider let go what it holds, without anybody waiting for it.
    pub(crate) fn let_go(self: &Arc<Self>, payment: Payment) {
        if payment.under_way != Some(UnderWay::Void) {
            return;
        }
        let Some(errand) = of_payment(&payment) else { return };
        let desk = Arc::clone(self);
        tokio::spawn(traced(async move {
            // A failure is logged where it happens; the job asks again.
            drop(desk.ask(errand, Manner::Perform, Some(payment)).await);
        }));
    }
}

async fn landed(flight: Flight) -> Result<Settled, Failure> {
    flight.await.ok_or_else(|| Failure::Unavailable("the provider's answer could not be stored".into()))
}

/// Why a unit about a payment ends without having done anything.
pub(crate) enum Stop {
    /// The wallet of this customer has to be locked first.
    NeedsWallet(AccountId),
    /// It is refused, or something broke.
    Failed(Failure),
}

impl Stop {
    /// Stops a unit that has not locked the wallet that pays.
    pub(crate) fn without_wallet(payment: &Payment, has_wallet: bool) -> Result<(), Self> {
        match payment.wallet() {
            Some(customer_id) if !has_wallet => Err(Self::NeedsWallet(customer_id)),
            _ => Ok(()),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<PaymentRefusal> for Stop {
    fn from(refusal: PaymentRefusal) -> Self {
        Self::Failed(refusal.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::NeedsWallet(_) => Self::broken("a wallet was asked for that is locked"),
            Stop::Failed(failure) => failure,
        }
    }
}

impl Reason for Stop {
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self::NeedsWallet(_) => None,
            Self::Failed(failure) => failure.fault(),
        }
    }
}

/// What the provider is to do, and what its answer is about here.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) instruction: Instruction,
    locked: Vec<LockKey>,
    /// When it was asked last, as it was read.
    asked_at: Moment,
}

/// What a step of a payment locks: the order, and the wallet if there are points in it. The methods of an account are locked with
/// its wallet: one that is removed while a payment without points begins may still pay for it, as if it had begun before.
pub(crate) fn keys(order_id: OrderId, customer_id: Option<AccountId>, points: i64) -> Vec<LockKey> {
    let wallet = customer_id.filter(|_| points > 0);
    iter::once(LockKey::of(order_id)).chain(wallet.map(LockKey::of)).collect()
}

/// The same for a payment that is there.
pub(crate) fn keys_of(payment: &Payment) -> Vec<LockKey> {
    keys(payment.order_id, payment.customer_id, payment.points)
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
pub(crate) fn of_payment(payment: &Payment) -> Option<Errand> {
    let instruction = Instruction {
        key: payment.open_key()?,
        payment: ProviderKey::Authorize(payment.order_id),
        token: payment.paid_with.as_ref()?.token.clone(),
        amount: payment.money(payment.external),
    };
    Some(Errand { instruction, locked: keys_of(payment), asked_at: payment.asked_at? })
}

/// What the provider is to do for a refund of a payment, if it has not answered.
pub(crate) fn of_refund(refund: &Refund, payment: &Payment) -> Option<Errand> {
    let instruction = Instruction {
        key: refund.open_key()?,
        payment: ProviderKey::Authorize(payment.order_id),
        token: payment.paid_with.as_ref()?.token.clone(),
        amount: payment.money(refund.legs.external),
    };
    Some(Errand { instruction, locked: keys_of(payment), asked_at: refund.asked_at? })
}

/// What the provider is to do for a charge of points, if it has not answered.
pub(crate) fn of_charge(charge: &Charge) -> Option<Errand> {
    let key = charge.open_key()?;
    let instruction = Instruction { key, payment: key, token: charge.paid_with.token.clone(), amount: charge.amount };
    Some(Errand { instruction, locked: vec![LockKey::of(charge.account_id)], asked_at: charge.asked_at? })
}
