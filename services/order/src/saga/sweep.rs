//! Who drives an order, and when: the one who placed it, then whoever finds it due.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::Failure;
use bojagi_kernel::id::OrderId;
use bojagi_store::{Error, LockKey, Tx};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Order, SagaState};
use crate::orders::Orders;
use crate::store::{self, Work};

/// How long running sagas are waited for when the process is to end. What is left is driven on after the next start.
const GRACE: Duration = Duration::from_secs(5);

impl Orders {
    /// Starts work on a saga that goes on whoever stops waiting for it, and ends only with this context.
    pub(crate) fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        let halt = self.halt.clone();
        self.sagas.spawn(async move {
            tokio::select! {
                biased;
                () = halt.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Makes orders due at once that a former process held: the one that had this one's name, and where no other process
    /// can work on the store, whoever it was.
    pub(crate) async fn take_over_former_leases(&self) -> Result<(), Failure> {
        let (now, former) = (self.now(), self.context.store.is_shared().then_some(self.instance));
        let orders: u64 = self
            .context
            .store
            .write(async move |tx: &mut Tx| store::take_over_former_leases(tx, former, now).await)
            .await
            .map_err(|error: Error| Failure::from(error))?;
        if orders > 0 {
            tracing::info!(orders, "taking over orders of a former process");
        }
        Ok(())
    }

    /// Looks for due orders until the process is to end. When this is dropped, every saga is left where it is.
    pub(crate) async fn sweep_until_stopped(self) {
        let _halt = self.halt.clone().drop_guard();
        let stop = self.context.stop.clone();
        loop {
            if let Err(failure) = self.sweep().await {
                tracing::error!(%failure, "cannot look for orders that are due");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(self.config.sweep()) => {}
            }
        }
        self.sagas.close();
        if tokio::time::timeout(GRACE, self.sagas.wait()).await.is_err() {
            tracing::warn!(sagas = self.sagas.len(), "sagas are left to the next start");
        }
    }

    async fn sweep(&self) -> Result<(), Failure> {
        self.drive_what_is_due().await?;
        self.show_what_others_changed().await
    }

    /// What an outage parked is due again and again as long as it lasts, and each ask takes its whole time: with a room of its
    /// own it neither holds up the orders that still have a deadline, nor waits until there are none. The same goes for refunds:
    /// each comes by here at least once, a provider may take long for them, and they have no deadline.
    async fn drive_what_is_due(&self) -> Result<(), Failure> {
        self.drive_due(SagaState::Running, Work::Order, &self.repair_room).await?;
        self.drive_due(SagaState::Running, Work::Refunds, &self.refund_room).await?;
        self.drive_due(SagaState::Parked, Work::Order, &self.parked_room).await?;
        self.drive_due(SagaState::Parked, Work::Refunds, &self.parked_refund_room).await
    }

    async fn drive_due(&self, state: SagaState, work: Work, places: &Arc<Semaphore>) -> Result<(), Failure> {
        let now = self.now();
        let room = i64::try_from(places.available_permits()).unwrap_or(i64::MAX);
        if room == 0 {
            return Ok(());
        }
        let due = self.context.store.read(async move |tx: &mut Tx| store::due(tx, state, work, now, room).await).await;
        for order_id in due.map_err(|error: Error| Failure::from(error))? {
            let Ok(permit) = Arc::clone(places).try_acquire_owned() else { break };
            let orders = self.clone();
            self.start(async move { orders.take_over(order_id, permit).await });
        }
        Ok(())
    }

    async fn take_over(&self, order_id: OrderId, _permit: OwnedSemaphorePermit) {
        let (instance, now, until) = (self.instance, self.now(), self.now() + self.policy().lease);
        let claimed: Result<Option<Order>, Error> = self
            .context
            .store
            .write_locking([LockKey::of(order_id)], async move |tx: &mut Tx| {
                store::claim(tx, order_id, instance, until, now).await
            })
            .await;
        match claimed {
            Ok(Some(order)) => self.drive(order).await,
            // Somebody else was faster.
            Ok(None) => {}
            Err(error) => tracing::error!(order = %order_id, %error, "an order could not be taken over"),
        }
    }

    /// Facts that were heard, and other processes, change orders without a word to those who wait here.
    async fn show_what_others_changed(&self) -> Result<(), Failure> {
        let watched = self.notices.watched();
        if watched.is_empty() {
            return Ok(());
        }
        let changed: Vec<Order> = self
            .context
            .store
            .read(async move |tx: &mut Tx| {
                let order_ids: Vec<OrderId> = watched.keys().copied().collect();
                let versions = store::versions(tx, &order_ids).await?;
                // Nobody waits to hear of the first version: it is what they were answered.
                let changed = versions.into_iter().filter(|(order_id, version)| *version > watched[order_id].max(1));
                let changed: Vec<_> = changed.map(|(order_id, _)| order_id).collect();
                Ok(store::load_all(tx, &changed).await?.into_values().collect())
            })
            .await
            .map_err(|error: Error| Failure::from(error))?;
        changed.iter().for_each(|order| self.notices.show(order));
        Ok(())
    }
}
