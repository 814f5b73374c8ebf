//! What is to be done next for an order, when, and by whom.

use std::fmt;
use std::time::Duration;

use bojagi_kernel::{Moment, Refusal};

use super::{CancelReason, FailureCause, InstanceId, Life, Order, OrderRefusal, RefundId, StepKind};

/// Whether a saga still moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SagaState {
    Running,
    Parked,
    Done,
}

impl fmt::Display for SagaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "RUNNING",
            Self::Parked => "PARKED",
            Self::Done => "DONE",
        })
    }
}

/// Which way a saga goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// What is known of the payment of a pending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentKnown {
    /// Nothing is known to be captured, and the deadline counts.
    Open,
    /// The provider's answer is unknown: the deadline does not count, everything stays held.
    Unresolved,
    /// Payment has said that the total is captured: there is no way but forward.
    Captured,
}

/// The driving of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saga {
    pub(crate) state: SagaState,
    pub(crate) direction: Direction,
    pub(crate) payment: PaymentKnown,
    /// Failed attempts in a row at what is to be done now.
    pub(crate) failed_attempts: i64,
    /// How many of them, the last ones, were refused.
    pub(crate) refusals: i64,
    pub(crate) parked_reason: Option<String>,
    pub(crate) operator_reason: Option<String>,
    /// Who drives it at the moment.
    pub(crate) lease_owner: Option<InstanceId>,
    /// How often it has changed hands.
    pub(crate) lease_epoch: i64,
    /// When it is driven by whoever comes first: the end of the lease, or the next attempt. Never, when there is none.
    pub(crate) wake_at: Option<Moment>,
    /// Until when a capture may be attempted.
    pub(crate) deadline: Moment,
}

impl Saga {
    /// It moves again, and nothing that failed before counts.
    pub(super) fn move_on(&mut self) {
        (self.state, self.parked_reason) = (SagaState::Running, None);
        (self.failed_attempts, self.refusals) = (0, 0);
    }

    /// There is nothing to do any more: it is not driven again.
    pub(super) const fn rest(&mut self) {
        (self.state, self.lease_owner, self.wake_at) = (SagaState::Done, None, None);
    }
}

/// How patient a saga is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    pub(crate) deadline: Duration,
    pub(crate) lease: Duration,
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
    /// Failed attempts in a row before parking.
    pub(crate) attempts: i64,
    /// Refusals in a row before parking.
    pub(crate) refusals: i64,
    /// The pause between attempts of an order that is parked and may go on by itself.
    pub(crate) recheck: Duration,
    pub(crate) release_overdue: Duration,
}

impl RetryPolicy {
    /// The pause after the given number of failed attempts.
    pub(crate) fn pause(&self, failed_attempts: i64) -> Duration {
        let doublings = u32::try_from((failed_attempts - 1).clamp(0, 20)).unwrap_or_default();
        self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause)
    }
}

/// What kept a step from being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer, or one that says nothing for good.
    Unanswered,
    /// The peer said no.
    Refused,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Reserve, authorise, capture, confirm.
    Pay,
    /// The deadline has passed: turn round.
    TimeOut,
    /// Ask payment to make sure that nothing is captured, then fail.
    Void,
    /// Ask payment to give everything back.
    Refund,
    /// Ask payment to give back the money of a refund that was approved.
    GiveBack(RefundId),
    /// Item and coupon have not told their release in time.
    MissReleases,
    /// Nothing.
    Rest,
}

impl Order {
    /// What is to be done for the order now.
    pub(crate) fn task(&self, now: Moment) -> Task {
        match self.life {
            Life::Pending => match (self.saga.payment, self.saga.direction) {
                (PaymentKnown::Captured, _) | (PaymentKnown::Unresolved, Direction::Forward) => Task::Pay,
                (PaymentKnown::Open | PaymentKnown::Unresolved, Direction::Backward) => Task::Void,
                (PaymentKnown::Open, Direction::Forward) if now >= self.saga.deadline => Task::TimeOut,
                (PaymentKnown::Open, Direction::Forward) => Task::Pay,
            },
            Life::Cancelling if !self.back.money => Task::Refund,
            Life::Failed | Life::Cancelling => Task::MissReleases,
            Life::Confirmed | Life::Completed => self.due_give_back(now).map_or(Task::Rest, Task::GiveBack),
            Life::Cancelled => Task::Rest,
        }
    }

    /// A refusal for good, or the deadline, turns a pending order round. The driver goes on with it.
    pub(crate) fn turn(&mut self, cause: FailureCause, policy: &RetryPolicy, now: Moment) {
        self.data.failure.get_or_insert(cause);
        self.data.saga.direction = Direction::Backward;
        self.go_on(policy, now);
    }

    /// A step forward was refused for good. Before the pivot that turns the order round; once the money is captured only the
    /// operator can help.
    pub(crate) fn refused(&mut self, refusal: &Refusal, policy: &RetryPolicy, now: Moment) {
        if self.saga.payment == PaymentKnown::Captured {
            self.park(format!("the money is captured, and still: {refusal}"));
        } else {
            self.turn(FailureCause::from(refusal), policy, now);
        }
    }

    /// Payment has said that the total is captured. The driver goes on.
    pub(crate) fn payment_was_captured(&mut self, policy: &RetryPolicy, now: Moment) {
        self.data.saga.payment = PaymentKnown::Captured;
        self.data.saga.direction = Direction::Forward;
        self.go_on(policy, now);
    }

    fn go_on(&mut self, policy: &RetryPolicy, now: Moment) {
        let saga = &mut self.data.saga;
        saga.move_on();
        saga.wake_at = Some(now + policy.lease);
    }

    /// Payment has said that it does not know. Its facts, or the next question, decide; until then the operator sees it.
    pub(crate) fn payment_is_unresolved(&mut self, policy: &RetryPolicy, now: Moment) {
        self.data.saga.payment = PaymentKnown::Unresolved;
        let reason = "the outcome of the payment is unknown until its provider answers";
        self.park_and_look_again(reason.to_owned(), policy, now);
    }

    /// An ask has failed: the next attempt comes after a pause, or the operator has to see it. Whoever refuses will go on
    /// refusing; who does not answer may be back at any moment.
    pub(crate) fn attempt_failed(&mut self, fault: Fault, error: &str, policy: &RetryPolicy, now: Moment) {
        let bounded_by_deadline = self.is_bounded_by_deadline();
        let saga = &mut self.data.saga;
        saga.failed_attempts += 1;
        saga.refusals = match fault {
            Fault::Unanswered => 0,
            Fault::Refused => saga.refusals + 1,
        };
        if saga.refusals >= policy.refusals && !bounded_by_deadline {
            return self.park(error.to_owned());
        }
        if saga.failed_attempts >= policy.attempts && !bounded_by_deadline {
            return self.park_and_look_again(error.to_owned(), policy, now);
        }
        let next = now + policy.pause(saga.failed_attempts);
        saga.wake_at = Some(if bounded_by_deadline { next.min(saga.deadline) } else { next });
        saga.state = SagaState::Running;
        saga.parked_reason = None;
        saga.lease_owner = None;
    }

    /// Whether the attempts end at the deadline, however many failed: nothing is captured as far as is known.
    fn is_bounded_by_deadline(&self) -> bool {
        let saga = &self.saga;
        self.life == Life::Pending && saga.direction == Direction::Forward && saga.payment == PaymentKnown::Open
    }

    /// The operator sees it, and after a pause it is tried again all the same.
    fn park_and_look_again(&mut self, reason: String, policy: &RetryPolicy, now: Moment) {
        self.park(reason);
        self.data.saga.wake_at = Some(now + policy.recheck);
    }

    /// Nothing more is done until the operator says so, or a fact brings news.
    pub(crate) fn park(&mut self, reason: String) {
        let saga = &mut self.data.saga;
        saga.state = SagaState::Parked;
        saga.parked_reason = Some(reason);
        saga.lease_owner = None;
        saga.wake_at = None;
    }

    /// There is nothing to do now: it is not driven again, unless money has to go back later.
    pub(crate) fn let_go(&mut self, policy: &RetryPolicy, now: Moment) {
        if self.gives_back() {
            self.go_on_giving_back(policy, now);
        } else {
            self.data.saga.rest();
        }
    }

    /// What is missing of an order whose releases are overdue, in words for the operator.
    pub(crate) fn missing_releases(&self) -> String {
        let missing: Vec<_> = [("item", self.back.stock), ("coupon", self.back.coupons)]
            .into_iter()
            .filter_map(|(context, is_back)| (!is_back).then_some(context))
            .collect();
        format!("{} has not told the release of what it held", missing.join(" and "))
    }

    pub(super) fn await_releases(&mut self, policy: &RetryPolicy, now: Moment) {
        let saga = &mut self.data.saga;
        saga.move_on();
        (saga.lease_owner, saga.wake_at) = (None, Some(now + policy.release_overdue));
    }

    /// Turns a pending order round by somebody's wish. A driver in this process sees it at once, another at its next commit.
    pub(super) fn turn_round(&mut self, now: Moment) {
        if self.saga.payment != PaymentKnown::Captured {
            self.data.saga.direction = Direction::Backward;
        }
        self.wake(now);
    }

    /// Makes it due at once unless somebody drives it.
    fn wake(&mut self, now: Moment) {
        let saga = &mut self.data.saga;
        let driven = saga.lease_owner.is_some() && saga.wake_at.is_some_and(|end| end > now);
        if !driven {
            saga.wake_at = Some(now);
        }
        saga.move_on();
    }

    /// The operator has it driven again.
    ///
    /// # Errors
    /// `SAGA_NOT_PARKED`.
    pub(crate) fn retry(&mut self, policy: &RetryPolicy, now: Moment) -> Result<(), OrderRefusal> {
        self.must_be_parked()?;
        if self.gives_back() {
            self.give_back_again(now);
        } else {
            self.drive_again(policy, now);
        }
        Ok(())
    }

    fn drive_again(&mut self, policy: &RetryPolicy, now: Moment) {
        match self.task(now) {
            Task::MissReleases => self.await_releases(policy, now),
            _ => self.wake(now),
        }
    }

    /// The operator turns it round.
    ///
    /// # Errors
    /// `SAGA_DONE`, `DELIVERY_BEGUN`.
    pub(crate) fn compensate(&mut self, reason: String, policy: &RetryPolicy, now: Moment) -> Result<(), OrderRefusal> {
        match self.life {
            Life::Cancelled => return Err(OrderRefusal::SagaDone { order_id: self.id }),
            Life::Failed | Life::Cancelling => self.drive_again(policy, now),
            Life::Pending if self.cancel.is_some() => self.turn_round(now),
            Life::Pending | Life::Confirmed | Life::Completed => self.cancel(CancelReason::Operator, policy, now)?,
        }
        self.data.saga.operator_reason = Some(reason);
        Ok(())
    }

    /// The operator has settled outside the shop what it stopped at; of approved refunds those that are named, or were refused for
    /// good. Answers the steps that are taken as done.
    ///
    /// # Errors
    /// `SAGA_NOT_PARKED`, `REFUND_NOT_FOUND`, `REFUND_NOT_PARKED`, `PAYMENT_UNDECIDED`.
    pub(crate) fn resolve(
        &mut self,
        settled: &[RefundId],
        reason: String,
        policy: &RetryPolicy,
        now: Moment,
    ) -> Result<Vec<StepKind>, OrderRefusal> {
        self.must_be_parked()?;
        if self.gives_back() {
            self.resolve_give_backs(settled, now)?;
            self.data.saga.operator_reason = Some(reason);
            return Ok(Vec::new());
        }
        if let Some(refund_id) = settled.first().copied() {
            return Err(OrderRefusal::RefundNotFound { refund_id });
        }
        let mut resolved = Vec::new();
        match self.task(now) {
            Task::Refund => {
                resolved.push(StepKind::Refund);
                self.data.back.money = true;
            }
            Task::MissReleases => {
                let open = [
                    (StepKind::AwaitStockRelease, std::mem::replace(&mut self.data.back.stock, true)),
                    (StepKind::AwaitCouponRelease, std::mem::replace(&mut self.data.back.coupons, true)),
                ];
                resolved.extend(open.into_iter().filter_map(|(kind, was_done)| (!was_done).then_some(kind)));
            }
            Task::Pay | Task::TimeOut | Task::Void | Task::GiveBack(_) | Task::Rest => {
                return Err(OrderRefusal::PaymentUndecided { order_id: self.id });
            }
        }
        self.data.saga.operator_reason = Some(reason);
        self.await_releases(policy, now);
        self.rest_if_all_is_back(policy, now);
        Ok(resolved)
    }

    const fn must_be_parked(&self) -> Result<(), OrderRefusal> {
        match self.data.saga.state {
            SagaState::Parked => Ok(()),
            state => Err(OrderRefusal::SagaNotParked { order_id: self.data.id, state }),
        }
    }
}

#[cfg(test)]
mod tests;
