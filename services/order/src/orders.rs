//! What every use case of order works with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bojagi_chassis::{Channel, Context, deadline};
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{LockKey, Tx};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::domain::{InstanceId, Order, OrderRefusal, RetryPolicy};
use crate::my_page::Neighbours;
use crate::notices::Notices;
use crate::participants::Participants;
use crate::store::{self, Saved};

/// The orders of the shop: store, clock, peers, and the sagas that run. Clones share everything.
#[derive(Clone)]
pub(crate) struct Orders(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) context: Context,
    pub(crate) config: Config,
    pub(crate) participants: Participants,
    pub(crate) neighbours: Neighbours,
    pub(crate) notices: Notices,
    /// This process, as a holder of leases.
    pub(crate) instance: InstanceId,
    /// Room for orders on their way.
    pub(crate) room: Arc<Semaphore>,
    /// Room for orders that are taken over and not parked.
    pub(crate) repair_room: Arc<Semaphore>,
    /// Room for parked orders that are tried again.
    pub(crate) parked_room: Arc<Semaphore>,
    /// Room for orders that are driven for their refunds alone, none of which is parked.
    pub(crate) refund_room: Arc<Semaphore>,
    /// Room for those of which one is, too.
    pub(crate) parked_refund_room: Arc<Semaphore>,
    /// The sagas that run.
    pub(crate) sagas: TaskTracker,
    /// Cancelled when running sagas have to be left where they are.
    pub(crate) halt: CancellationToken,
    /// Wakes the sweep before its time.
    pub(crate) nudge: Notify,
}

impl std::ops::Deref for Orders {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Orders {
    pub(crate) fn new(context: Context, channel: Channel, config: Config) -> Self {
        Self(Arc::new(Inner {
            participants: Participants::new(channel.clone(), config.ask_timeout()),
            neighbours: Neighbours::new(channel),
            notices: Notices::default(),
            instance: instance(&config.instance),
            room: Arc::new(Semaphore::new(config.orders_at_once)),
            repair_room: Arc::new(Semaphore::new(config.repairs_at_once)),
            parked_room: Arc::new(Semaphore::new(config.repairs_at_once)),
            refund_room: Arc::new(Semaphore::new(config.repairs_at_once)),
            parked_refund_room: Arc::new(Semaphore::new(config.repairs_at_once)),
            sagas: TaskTracker::new(),
            halt: CancellationToken::new(),
            nudge: Notify::new(),
            context,
            config,
        }))
    }

    pub(crate) fn now(&self) -> Moment {
        self.context.clock.now()
    }

    pub(crate) fn policy(&self) -> RetryPolicy {
        self.config.policy()
    }

    /// When the caller has to be answered, if it waits no longer than that.
    pub(crate) fn answer_at(&self) -> Option<Instant> {
        deadline::current().and_then(|deadline| deadline.checked_sub(self.config.answer_margin()))
    }

    /// Until when another context is waited for: so long, but not until the caller is gone.
    pub(crate) fn wait_until(&self, patience: Duration) -> Instant {
        let until = Instant::now() + patience;
        self.answer_at().map_or(until, |answer_at| answer_at.min(until))
    }

    /// Runs a unit that stores this order, shows it to those who wait for it, and wakes the sweep in case it is due.
    /// `request` is what the unit keeps its answer under.
    ///
    /// # Errors
    /// What the unit answers.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        order_id: OrderId,
        request: LockKey,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<(Order, T), Failure> + Send + 'static,
    ) -> Result<(Order, T), Failure> {
        let (order, answer) = self.context.store.write_locking([LockKey::of(order_id), request], unit).await?;
        self.notices.show(&order);
        self.nudge.notify_one();
        Ok((order, answer))
    }
}

/// Who this process is to others on the store: whoever it was before, if it has a name that comes back with it.
fn instance(name: &str) -> InstanceId {
    if name.is_empty() { InstanceId::generate() } else { InstanceId::derive(&Uuid::nil(), name) }
}

/// Stores an order that a handler changed.
///
/// # Errors
/// `ORDER_CHANGED` when somebody else was faster, which cannot happen to a unit that locks the order.
pub(crate) async fn save(tx: &mut Tx, order: &mut Order, now: Moment) -> Result<(), Failure> {
    match store::save(tx, order, now).await? {
        Saved::Now => Ok(()),
        Saved::Stale => Err(OrderRefusal::OrderChanged.into()),
    }
}
