//! The checkout saga: carries an order from PENDING to its end.
//!
//! # Parameters
//! An order with everything its customer was shown, held by a lease. Nothing of the caller comes along: neither its deadline
//! nor its token nor its going away. What has to be known to go on is in the order, never in the journal of a run.
//!
//! # Steps
//! | step | do | undo |
//! |---|---|---|
//! | reserve stock | item `ReserveStock` | item hears `OrderFailed` or `OrderCancelled` and tells `StockReleased` |
//! | reserve redemptions | coupon `ReserveRedemptions` | coupon hears the same and tells `CouponReleased` |
//! | authorise | payment `Authorize` | payment `Void` |
//! | capture, **the pivot** | payment `Capture` | payment `Refund`, by way of CANCELLING |
//! | confirm | one commit: CONFIRMED, its parcels, `OrderConfirmed` | `CancelOrder`, while no parcel has left |
//!
//! # Plan
//! ```text
//! PENDING ─┬─ reserve stock ∥ reserve redemptions ∥ authorise ─ capture ──────────▶ CONFIRMED
//!          │        │ refused, too late, cancelled                 ▲                    │ cancelled
//!          │        ▼                                              │                    ▼
//!          └────── void ── captured after all ─────────────────────┘               CANCELLING
//!                   │ nothing is or will be captured                                    │ refund
//!                   ▼                                                                   ▼
//!                 FAILED ──────── stock and coupons have told their release ──────▶ CANCELLED
//! ```
//! `Order::task` decides what comes next from the order alone. Every ask is keyed by the order, so after a crash the same
//! task is simply done again; a healthy order is stored twice, when it is placed and when it is confirmed. Attempts and
//! errors are recorded when something was refused or did not answer.
//!
//! Only payment decides whether an order fails: `Void` is asked first, and FAILED is stored only after its answer. While
//! payment does not know (UNRESOLVED) the order stays PENDING with everything held, its deadline does not count, and the
//! operator sees it parked.
//!
//! An order that is CONFIRMED or COMPLETED rests, until a seller approves a refund: then it is driven once more, for the money of
//! its refunds alone (`saga/give_back.rs`), and rests again.
//!
//! # Bodies
//! [`drive`](Orders::drive) below, `saga/pay.rs`, `saga/undo.rs`, `saga/give_back.rs`; who drives, and when, is in `saga/sweep.rs`.

mod give_back;
mod pay;
mod sweep;
mod undo;

use std::time::Duration;

use bojagi_kernel::{Failure, Moment};
use bojagi_store::{LockKey, Tx};
use bojagi_telemetry::{Span, SpanKind};

use crate::domain::{Direction, Fault, Life, Order, OwnFailure, StepKind, StepState, Task};
use crate::notices::Watcher;
use crate::orders::Orders;
use crate::participants::Setback;
use crate::store::{self, Saved, StepReport};
use crate::{NAME, counted, trace};

/// The pause before a commit is tried again that the store could not take.
const STORE_PAUSE: Duration = Duration::from_millis(100);

impl Orders {
    /// Drives an order that this process holds, until it is let go: at rest, waiting for its next attempt, or parked.
    pub(crate) async fn drive(&self, mut order: Order) {
        let mut span = Span::begin(NAME, SpanKind::Internal, "saga", trace::of(&order));
        span.describe(|details| details.set("bojagi.order.id", order.id.to_string()));
        span.context()
            .scope(async {
                let mut sights = self.notices.watch(order.id);
                while order.saga.lease_owner == Some(self.instance) {
                    let (was, lease_end) = (order.life, order.saga.wake_at);
                    let reports = self.advance(&mut order, &mut sights).await;
                    match self.commit(order, reports, lease_end).await {
                        Some(stored) => order = stored,
                        None => return,
                    }
                    if was == Life::Pending && order.life != Life::Pending {
                        counted::decided(&order, self.now());
                    }
                }
                span.describe(|details| {
                    details.set("bojagi.order.state", order.life.name());
                    details.set("bojagi.saga.state", order.saga.state.to_string());
                });
                // A cancelled order is confirmed and has its refund before it at once.
                if order.saga.wake_at.is_some_and(|due| due <= self.now()) {
                    self.nudge.notify_one();
                }
            })
            .await;
    }

    /// Does what is to be done next, and changes the order accordingly. Answers what is to be recorded of it.
    async fn advance(&self, order: &mut Order, sights: &mut Watcher) -> Vec<StepReport> {
        let now = self.now();
        match order.task(now) {
            Task::Pay => {
                let version = order.version;
                tokio::select! {
                    biased;
                    reports = self.pay(order, now) => return reports,
                    // Nobody needs the answers any more. What was asked may happen all the same, and the void undoes it.
                    () = turned_round(sights, version) => {}
                }
            }
            Task::Void => return self.void(order, now).await,
            Task::Refund => return self.refund(order, now).await,
            Task::GiveBack(refund_id) => self.give_back(order, refund_id).await,
            Task::TimeOut => order.turn(OwnFailure::OrderTimedOut.into(), &self.policy(), now),
            Task::MissReleases => order.park(order.missing_releases()),
            Task::Rest => order.let_go(&self.policy(), now),
        }
        Vec::new()
    }

    /// Stores the order. Answers it as it is stored now, which is how somebody else changed it if they were faster; nothing
    /// when this process does not hold it any more.
    async fn commit(&self, order: Order, reports: Vec<StepReport>, lease_end: Option<Moment>) -> Option<Order> {
        let epoch = order.saga.lease_epoch;
        loop {
            match self.try_commit(order.clone(), reports.clone()).await {
                Ok(stored) => {
                    self.notices.show(&stored);
                    if stored.saga.lease_epoch != epoch {
                        tracing::warn!(order = %stored.id, epoch, now = stored.saga.lease_epoch, "an order was taken over");
                        return None;
                    }
                    return Some(stored);
                }
                Err(failure) if lease_end.is_some_and(|end| self.now() < end) => {
                    tracing::warn!(order = %order.id, %failure, "an order could not be stored; trying again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                Err(failure) => {
                    tracing::error!(order = %order.id, %failure, "an order could not be stored while it was held");
                    return None;
                }
            }
        }
    }

    async fn try_commit(&self, mut order: Order, reports: Vec<StepReport>) -> Result<Order, Failure> {
        let now = self.now();
        // An order that fails gives its lines back to the cart that they came from.
        let cart = (order.life == Life::Failed).then(|| LockKey::of(order.customer_id));
        let locked = [LockKey::of(order.id)].into_iter().chain(cart);
        self.context
            .store
            .write_locking(locked, async move |tx: &mut Tx| match store::save(tx, &mut order, now).await? {
                Saved::Now => {
                    store::report(tx, order.id, &reports, now).await?;
                    Ok(order)
                }
                Saved::Stale => match store::load(tx, order.id).await? {
                    Some(changed) => Ok(changed),
                    None => Err(Failure::broken(format!("order {} has vanished", order.id))),
                },
            })
            .await
    }

    /// A step before the end did not come to what was asked for: the order turns round, waits, or is parked.
    fn set_back(&self, order: &mut Order, kind: StepKind, setback: Setback, started_at: Moment) -> StepReport {
        let (policy, now) = (self.policy(), self.now());
        let report = report_of(kind, &setback, started_at);
        match setback {
            Setback::Refused(refusal) => order.refused(&refusal, &policy, now),
            Setback::Unanswered(error) => order.attempt_failed(Fault::Unanswered, &error, &policy, now),
            Setback::Unresolved => order.payment_is_unresolved(&policy, now),
        }
        tracing::info!(order = %order.id, step = ?kind, error = report.error, "a step did not go through");
        report
    }
}

/// What is recorded of a step before the end that did not come to what was asked for.
fn report_of(kind: StepKind, setback: &Setback, started_at: Moment) -> StepReport {
    let (state, error) = match setback {
        Setback::Refused(refusal) => (StepState::Refused, refusal.to_string()),
        Setback::Unanswered(error) => (StepState::Open, error.clone()),
        Setback::Unresolved => (StepState::Open, "the outcome is unknown".to_owned()),
    };
    StepReport { kind, state, error, started_at }
}

/// Waits until somebody else has turned the order round since `version`: its customer, the operator, a closed account.
async fn turned_round(sights: &mut Watcher, version: i64) {
    loop {
        let seen = sights.next().await;
        if seen.version > version && seen.saga.direction == Direction::Backward {
            return;
        }
    }
}
