//! Placing an order: stored in one commit, then carried by its saga while the caller watches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::refusal::Refuses;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{Error, LockKey, Tx};
use bojagi_telemetry::TraceContext;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::domain::{InstanceId, Life, MadeOf, NewOrder, Order, OrderRefusal, RetryPolicy};
use crate::edit_draft::own_draft;
use crate::notices::Watcher;
use crate::orders::Orders;
use crate::store::{self, carts, drafts};

/// When a caller that was refused for want of room may come again.
const OVERLOAD_DELAY: Duration = Duration::from_millis(250);

/// What placing came to.
enum Placed {
    /// The order is stored, and this process drives it.
    Now(Box<Order>),
    /// The request came before.
    Before(OrderId),
}

impl Orders {
    /// Places an order and, if the caller waits, answers it once it is confirmed or has failed, or as it is shortly before the
    /// caller's deadline. A request that came before joins the order that it placed.
    ///
    /// # Errors
    /// `OVERLOADED`, `ACCOUNT_NOT_ACTIVE`, `TENDER_MISMATCH`, `IDEMPOTENCY_KEY_REUSED`; `CART_CHANGED` of one that is made of a
    /// cart; `DRAFT_CHANGED` and `ORDER_NOT_DRAFT` of one that is made of a draft. Once the order is stored there is nothing to refuse any more.
    pub(crate) async fn place(&self, new: NewOrder, key: Key, waits: bool) -> Result<Arc<Order>, Failure> {
        self.place_in(self.room_for_one()?, new, key, waits).await
    }

    /// Room for one more order on its way.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub(crate) fn room_for_one(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        room.map_err(|_| OrderRefusal::Overloaded.refusal().retry_after(OVERLOAD_DELAY).into())
    }

    /// As [`place`](Orders::place), in room that was found before.
    ///
    /// # Errors
    /// As `place`, but for `OVERLOADED`.
    pub(crate) async fn place_in(
        &self,
        room: OwnedSemaphorePermit,
        new: NewOrder,
        key: Key,
        waits: bool,
    ) -> Result<Arc<Order>, Failure> {
        let answer_at = self.answer_at();
        let watcher = self.notices.watch(new.id);
        let (reply, placed) = oneshot::channel();
        let (orders, trace) = (self.clone(), TraceContext::current());
        // From here on nothing depends on the caller: if it goes away, the order is placed and driven all the same.
        self.start(async move {
            let _room = room;
            match in_trace(trace, orders.store_new(new, key)).await {
                Ok(Placed::Now(order)) => {
                    drop(reply.send(Ok(Placed::Now(order.clone()))));
                    Box::pin(orders.drive(*order)).await;
                }
                other => drop(reply.send(other)),
            }
        });

        match placed.await.unwrap_or_else(|_| Err(Failure::Unavailable("the shop is closing".into())))? {
            Placed::Now(order) if waits => Ok(wait_for_outcome(watcher, Arc::from(order), answer_at).await),
            Placed::Now(order) => Ok(Arc::from(order)),
            Placed::Before(order_id) => self.join(order_id, waits, answer_at).await,
        }
    }

    async fn store_new(&self, new: NewOrder, key: Key) -> Result<Placed, Failure> {
        let (instance, policy, now) = (self.instance, self.policy(), self.now());
        // That the account is not blocked is only read: whoever blocks it locks the store.
        let customer = (new.made_of != MadeOf::Request).then(|| LockKey::of(new.customer_id));
        let locked = [LockKey::of(new.id), key.lock()].into_iter().chain(customer);
        let unit = async move |tx: &mut Tx| place(tx, new, &key, instance, &policy, now).await;
        self.context.store.write_locking(locked, unit).await
    }

    /// Answers the order that an earlier call of the same request placed.
    pub(crate) async fn join(
        &self,
        order_id: OrderId,
        waits: bool,
        answer_at: Option<Instant>,
    ) -> Result<Arc<Order>, Failure> {
        let watcher = self.notices.watch(order_id);
        let found = self.context.store.read(async move |tx: &mut Tx| store::load(tx, order_id).await).await;
        let order = found
            .map_err(|error: Error| Failure::from(error))?
            .ok_or_else(|| Failure::broken(format!("order {order_id} has vanished")))?;
        let order = Arc::new(order);
        if waits { Ok(wait_for_outcome(watcher, order, answer_at).await) } else { Ok(order) }
    }
}

/// One unit: the request is remembered and the order is stored, or neither.
async fn place(
    tx: &mut Tx,
    new: NewOrder,
    key: &Key,
    driver: InstanceId,
    policy: &RetryPolicy,
    now: Moment,
) -> Result<Placed, Failure> {
    if let Some(order_id) = placed_before(tx, key).await? {
        return Ok(Placed::Before(order_id));
    }
    if store::is_blocked(tx, new.customer_id).await? {
        return Err(OrderRefusal::AccountNotActive.into());
    }
    let made_of = new.made_of.clone();
    let mut order = Order::place(new, driver, policy, now)?;
    store::insert(tx, &mut order, now).await?;
    match made_of {
        MadeOf::Request => {}
        MadeOf::Cart(part) => carts::order(tx, order.customer_id, &part, order.id, now).await?,
        MadeOf::Draft { id, version } => {
            own_draft(tx, order.customer_id, id).await?.may_be_confirmed(version)?;
            drafts::became(tx, id, order.id).await?;
        }
    }
    // The order is what is remembered, not how it looked: whoever comes again is told how it is.
    idempotency::remember(tx, key, order.id.to_string().as_bytes(), now).await?;
    Ok(Placed::Now(Box::new(order)))
}

/// The order that an earlier call of the same request placed.
///
/// # Errors
/// `IDEMPOTENCY_KEY_REUSED`.
pub(crate) async fn placed_before(tx: &mut Tx, key: &Key) -> Result<Option<OrderId>, Failure> {
    match idempotency::recall(tx, key).await? {
        Recalled::New => Ok(None),
        Recalled::Reused => Err(CommonRefusal::IdempotencyKeyReused.into()),
        Recalled::Answered(order_id) => {
            let order_id = String::from_utf8(order_id).ok().and_then(|text| text.parse().ok());
            let unreadable = || Failure::broken("the order of a request that came before is unreadable");
            order_id.map(Some).ok_or_else(unreadable)
        }
    }
}

/// Waits until the order is not PENDING any more, or until it is time to answer.
async fn wait_for_outcome(mut watcher: Watcher, order: Arc<Order>, answer_at: Option<Instant>) -> Arc<Order> {
    let mut latest = order;
    let outcome = async {
        while latest.life == Life::Pending {
            latest = watcher.next().await;
        }
    };
    match answer_at {
        Some(answer_at) => drop(tokio::time::timeout_at(answer_at.into(), outcome).await),
        None => outcome.await,
    }
    latest
}

async fn in_trace<F: Future>(trace: Option<TraceContext>, work: F) -> F::Output {
    match trace {
        Some(trace) => trace.scope(work).await,
        None => work.await,
    }
}
