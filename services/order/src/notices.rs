//! Who waits for an order in this process is told of its changes from memory; the store stays the truth.
//!
//! What another process or a fact changed is not announced here: [`Notices::watched`] says which orders are being waited for,
//! and the sweep reads those whose version has moved.

use std::collections::HashMap;
use std::sync::Arc;

use bojagi_kernel::id::OrderId;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::domain::Order;

type Sight = Option<Arc<Order>>;

/// The latest sight of every order that somebody waits for.
#[derive(Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<HashMap<OrderId, watch::Sender<Sight>>>>);

/// One who waits. When the last of an order goes, its entry goes.
pub(crate) struct Watcher {
    notices: Notices,
    order_id: OrderId,
    /// There until this is dropped.
    sights: Option<watch::Receiver<Sight>>,
}

impl Notices {
    /// Waits for an order from now on. Read the order after this, so that no change falls between.
    pub(crate) fn watch(&self, order_id: OrderId) -> Watcher {
        let mut waiting = self.0.lock();
        let sights = waiting.entry(order_id).or_insert_with(|| watch::channel(None).0).subscribe();
        drop(waiting);
        Watcher { notices: self.clone(), order_id, sights: Some(sights) }
    }

    /// Shows a committed order to those who wait for it. An older sight than the last one is not shown.
    pub(crate) fn show(&self, order: &Order) {
        let waiting = self.0.lock();
        let Some(sender) = waiting.get(&order.id) else { return };
        sender.send_if_modified(|last| {
            let newer = last.as_ref().is_none_or(|last| last.version < order.version);
            if newer {
                *last = Some(Arc::new(order.clone()));
            }
            newer
        });
    }

    /// The orders that somebody waits for, with the version last shown.
    pub(crate) fn watched(&self) -> HashMap<OrderId, i64> {
        let waiting = self.0.lock();
        let version = |sight: &Sight| sight.as_ref().map_or(0, |order| order.version);
        waiting.iter().map(|(order_id, sender)| (*order_id, version(&sender.borrow()))).collect()
    }
}

impl Watcher {
    /// The next sight of the order that was not seen yet; waits for it.
    pub(crate) async fn next(&mut self) -> Arc<Order> {
        while let Some(sights) = &mut self.sights
            && sights.changed().await.is_ok()
        {
            if let Some(order) = sights.borrow_and_update().clone() {
                return order;
            }
        }
        // The sender lives as long as this watcher keeps its entry.
        std::future::pending().await
    }

    /// Waits no more.
    fn leave(&mut self) {
        let mut waiting = self.notices.0.lock();
        // Under the lock and before the count: of two that go at once, the second has to find nobody.
        drop(self.sights.take());
        if waiting.get(&self.order_id).is_some_and(|sender| sender.receiver_count() == 0) {
            waiting.remove(&self.order_id);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples;

    #[tokio::test]
    async fn a_watcher_sees_the_latest_and_nothing_older() {
        let notices = Notices::default();
        let mut order = samples::pending();
        order.store_now(samples::NOW);
        let older = order.clone();
        let mut watcher = notices.watch(order.id);
        order.store_now(samples::NOW);
        notices.show(&order);
        notices.show(&older);
        assert_eq!(watcher.next().await.version, 2);
        assert_eq!(notices.watched()[&order.id], 2);
        drop(watcher);
        assert!(notices.watched().is_empty());
    }

    #[test]
    fn of_watchers_that_go_at_once_the_last_takes_the_entry_along() {
        let notices = Notices::default();
        let order_id = OrderId::generate();
        let (mut one, mut other) = (notices.watch(order_id), notices.watch(order_id));
        // Neither is gone altogether when the other leaves.
        one.leave();
        assert_eq!(notices.watched().len(), 1);
        other.leave();
        assert!(notices.watched().is_empty());
    }
}
