//! The way of the money of approved refunds: which is asked for next, and what comes of it.
//!
//! Each refund has its own attempts and its own parking, so that one which does not get through holds up no other of its order.
//! The order is under way as long as one of them is owed, and shown to the operator as long as one of them is parked.

use bojagi_kernel::Moment;

use super::{Fault, Life, News, Order, OrderRefusal, RefundId, RefundMoney, RetryPolicy, SagaState};

impl Order {
    /// Whether what is left to do for the order is about its refunds alone.
    pub(super) const fn gives_back(&self) -> bool {
        matches!(self.data.life, Life::Confirmed | Life::Completed)
    }

    /// The refund whose money payment is to be asked for now, the one that has waited longest.
    pub(super) fn due_give_back(&self, now: Moment) -> Option<RefundId> {
        let due =
            self.refunds.iter().filter(|refund| refund.owes() && refund.asking.next_at.is_some_and(|at| at <= now));
        due.min_by_key(|refund| (refund.asking.next_at, refund.id)).map(|refund| refund.id)
    }

    /// Payment has answered that the money of a refund went back. The driver goes on if more is due.
    pub(crate) fn gave_back(&mut self, refund_id: RefundId, refunded_at: Moment, policy: &RetryPolicy, now: Moment) {
        self.change_refund(refund_id, |refund| refund.asking.attempts += 1);
        self.take_down(refund_id, refunded_at);
        self.go_on_giving_back(policy, now);
    }

    /// Payment has told that the money of a refund went back. Says whether that was new. It is taken down even when the
    /// operator had settled the refund outside the shop, so that the books of order and payment agree.
    pub(crate) fn refund_went_back(&mut self, refund_id: RefundId, refunded_at: Moment, now: Moment) -> bool {
        let is_new = self.take_down(refund_id, refunded_at);
        if is_new {
            self.arrange_give_backs(now);
        }
        is_new
    }

    fn take_down(&mut self, refund_id: RefundId, refunded_at: Moment) -> bool {
        let Some(amount) = self.refund(refund_id).filter(|refund| is_to_come(refund.money)).map(super::Refund::amount)
        else {
            return false;
        };
        self.change_refund(refund_id, |refund| {
            (refund.money, refund.refunded_at) = (RefundMoney::Refunded, Some(refunded_at));
            refund.asking.next_at = None;
        });
        self.data.refunded += amount;
        self.data.refunded_at = self.data.refunded_at.max(Some(refunded_at));
        self.news.push(News::RefundMoved(refund_id));
        true
    }

    /// An ask for the money of a refund has failed: the next one comes after a pause, or the operator has to see it. Whoever
    /// refuses will go on refusing; who does not answer may be back at any moment.
    pub(crate) fn give_back_failed(
        &mut self,
        refund_id: RefundId,
        fault: Fault,
        error: &str,
        policy: &RetryPolicy,
        now: Moment,
    ) {
        self.change_refund(refund_id, |refund| {
            let asking = &mut refund.asking;
            asking.attempts += 1;
            asking.failed_attempts += 1;
            asking.refusals = match fault {
                Fault::Unanswered => 0,
                Fault::Refused => asking.refusals + 1,
            };
            error.clone_into(&mut asking.last_error);
            (refund.money, asking.next_at) = if asking.refusals >= policy.refusals {
                (RefundMoney::Parked, None)
            } else if asking.failed_attempts >= policy.attempts {
                (RefundMoney::Parked, Some(now + policy.recheck))
            } else {
                (RefundMoney::Refunding, Some(now + policy.pause(asking.failed_attempts)))
            };
        });
        self.news.push(News::RefundMoved(refund_id));
        self.go_on_giving_back(policy, now);
    }

    /// The driver goes on with the next refund that is due, or lets the order go until one is.
    pub(super) fn go_on_giving_back(&mut self, policy: &RetryPolicy, now: Moment) {
        if self.due_give_back(now).is_some() {
            self.data.saga.wake_at = Some(now + policy.lease);
        } else {
            self.data.saga.lease_owner = None;
        }
        self.arrange_give_backs(now);
    }

    /// Arranges when the order is driven for its refunds. Whoever drives it already sees at its next commit what was added.
    pub(super) fn arrange_give_backs(&mut self, now: Moment) {
        let owed: Vec<_> = self.refunds.iter().filter(|refund| refund.owes()).collect();
        let next_at = owed.iter().filter_map(|refund| refund.asking.next_at).min();
        let mut parked = owed.iter().filter(|refund| refund.money == RefundMoney::Parked);
        let parked_reason = parked.next().map(|refund| {
            let reason = format!("refund {}: {}", refund.id, refund.asking.last_error);
            match parked.count() {
                0 => reason,
                more => format!("{reason}; and {more} more"),
            }
        });
        let nothing_is_owed = owed.is_empty();
        let saga = &mut self.data.saga;
        let driven = saga.lease_owner.is_some() && saga.wake_at.is_some_and(|end| end > now);
        saga.state = match &parked_reason {
            Some(_) => SagaState::Parked,
            None if nothing_is_owed && !driven => SagaState::Done,
            None => SagaState::Running,
        };
        saga.parked_reason = parked_reason;
        if !driven {
            (saga.lease_owner, saga.wake_at) = (None, next_at);
        }
    }

    /// Takes up refunds that a process of the version before let go, which knows nothing of them. Says whether there were any.
    pub(crate) fn take_up_give_backs(&mut self, now: Moment) -> bool {
        let let_go =
            self.gives_back() && self.saga.state == SagaState::Done && self.refunds.iter().any(super::Refund::owes);
        if let_go {
            self.arrange_give_backs(now);
        }
        let_go
    }

    /// The operator has everything that is parked asked for again, attempts counted from 0.
    pub(super) fn give_back_again(&mut self, now: Moment) {
        for refund_id in self.parked_refunds() {
            self.change_refund(refund_id, |refund| {
                refund.money = RefundMoney::Refunding;
                refund.asking.attempts = 0;
                (refund.asking.failed_attempts, refund.asking.refusals) = (0, 0);
                refund.asking.next_at = Some(now);
            });
            self.news.push(News::RefundMoved(refund_id));
        }
        self.arrange_give_backs(now);
    }

    /// The operator has settled refunds outside the shop: the named ones, or, if none is named, those that were refused for good.
    /// Who did not answer may still give the money back, so such a refund is settled by its name alone.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_PARKED`, `PAYMENT_UNDECIDED`; then nothing is settled.
    pub(super) fn resolve_give_backs(&mut self, named: &[RefundId], now: Moment) -> Result<(), OrderRefusal> {
        for refund_id in named.iter().copied() {
            match self.refund(refund_id).map(|refund| refund.money) {
                Some(RefundMoney::Parked) => {}
                Some(money) => return Err(OrderRefusal::RefundNotParked { refund_id, money }),
                None => return Err(OrderRefusal::RefundNotFound { refund_id }),
            }
        }
        let settled = if named.is_empty() { self.refused_refunds() } else { named.to_vec() };
        if settled.is_empty() {
            return Err(OrderRefusal::PaymentUndecided { order_id: self.id });
        }
        for refund_id in settled {
            self.change_refund(refund_id, |refund| {
                refund.money = RefundMoney::Resolved;
                refund.asking.next_at = None;
            });
            self.news.push(News::RefundMoved(refund_id));
        }
        self.arrange_give_backs(now);
        Ok(())
    }

    fn parked_refunds(&self) -> Vec<RefundId> {
        let parked = self.refunds.iter().filter(|refund| refund.money == RefundMoney::Parked);
        parked.map(|refund| refund.id).collect()
    }

    /// Parked refunds that nobody asks for any more.
    fn refused_refunds(&self) -> Vec<RefundId> {
        let parked = self.refunds.iter().filter(|refund| refund.money == RefundMoney::Parked);
        parked.filter(|refund| refund.asking.next_at.is_none()).map(|refund| refund.id).collect()
    }
}

/// Whether payment may still give the money back, as far as is known.
const fn is_to_come(money: RefundMoney) -> bool {
    matches!(money, RefundMoney::Refunding | RefundMoney::Parked | RefundMoney::Resolved)
}

#[cfg(test)]
mod tests;
