//! The life of an order: DRAFT → PENDING, or PENDING at once; PENDING → CONFIRMED → COMPLETED, PENDING → FAILED → CANCELLED, or CONFIRMED → CANCELLING → CANCELLED.

use std::fmt;

use bojagi_kernel::Moment;

use super::{CancelReason, DeliveryId, Direction, Order, RefundId, RetryPolicy, Sold};

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Pending,
    Confirmed,
    Completed,
    Failed,
    Cancelling,
    Cancelled,
}

impl Life {
    pub(crate) const ALL: [Self; 6] =
        [Self::Pending, Self::Confirmed, Self::Completed, Self::Failed, Self::Cancelling, Self::Cancelled];

    /// The word that the world has for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether nothing will happen any more.
    pub(crate) const fn at_rest(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where something that is ordered is in its life, from its draft on, which is no order yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Draft,
    Placed(Life),
}

/// One word, as a version before drafts has it in its page tokens.
impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draft => f.write_str("Draft"),
            Self::Placed(life) => fmt::Debug::fmt(life, f),
        }
    }
}

/// Where the money of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoneyState {
    Unpaid,
    Paid,
    PartiallyRefunded,
    Refunded,
}

/// What has happened to an order since it was last stored: becomes history and facts in the same commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Placed,
    Confirmed,
    Failed,
    Cancelling(CancelReason),
    Cancelled,
    Completed,
    DeliveryBegun(DeliveryId),
    DeliveryCompleted(DeliveryId),
    RefundRequested(RefundId),
    RefundWithdrawn(RefundId),
    RefundApproved(RefundId),
    RefundRejected(RefundId),
    /// Something about the money of a refund, which is nobody else's concern: payment tells when it went back.
    RefundMoved(RefundId),
}

impl Order {
    /// Payment has captured the total. With a wish to cancel it is confirmed and goes back in one step.
    pub(crate) fn confirm(&mut self, sold: Vec<Sold>, captured_at: Moment, policy: &RetryPolicy, now: Moment) {
        for (line, sold) in self.data.lines.iter_mut().zip(sold) {
            line.sold = Some(sold);
        }
        self.data.captured_at = Some(captured_at);
        // It did not fail after all, whatever it was on the way to.
        self.data.failure = None;
        self.pack(now);
        self.enter(Life::Confirmed, policy, now);
        self.news.push(News::Confirmed);
        if let Some(reason) = self.data.cancel {
            self.go_back(reason, policy, now);
        }
    }

    /// Payment has answered that nothing was or will be captured.
    pub(crate) fn fail(&mut self, policy: &RetryPolicy, now: Moment) {
        if self.data.failure.is_none() {
            self.data.failure = self.data.cancel.map(CancelReason::failure);
        }
        self.data.back.money = true;
        self.enter(Life::Failed, policy, now);
        self.news.push(News::Failed);
    }

    /// The captured money has gone back.
    pub(crate) fn money_is_back(&mut self, amount: i64, refunded_at: Moment, policy: &RetryPolicy, now: Moment) {
        self.data.refunded = amount;
        self.data.refunded_at = Some(refunded_at);
        self.data.back.money = true;
        self.await_releases(policy, now);
        self.rest_if_all_is_back(policy, now);
    }

    /// Payment has told that the captured money went back. Says whether that was new. It is taken down even when the operator
    /// had settled the refund outside the shop, so that the books of order and payment agree.
    pub(crate) fn money_went_back(&mut self, refunded_at: Moment, policy: &RetryPolicy, now: Moment) -> bool {
        if self.captured_at.is_none() || self.refunded_at.is_some() {
            return false;
        }
        if self.back.money {
            self.data.refunded = self.totals.net();
            self.data.refunded_at = Some(refunded_at);
        } else {
            self.money_is_back(self.totals.net(), refunded_at, policy, now);
        }
        true
    }

    /// Item has told that it holds nothing for the order any more. Says whether that was new.
    pub(crate) fn stock_is_back(&mut self, policy: &RetryPolicy, now: Moment) -> bool {
        let was_back = std::mem::replace(&mut self.data.back.stock, true);
        self.rest_if_all_is_back(policy, now);
        !was_back
    }

    /// Coupon has told that it keeps nothing for the order any more. Says whether that was new.
    pub(crate) fn coupons_are_back(&mut self, policy: &RetryPolicy, now: Moment) -> bool {
        let were_back = std::mem::replace(&mut self.data.back.coupons, true);
        self.rest_if_all_is_back(policy, now);
        !were_back
    }

    pub(super) fn rest_if_all_is_back(&mut self, policy: &RetryPolicy, now: Moment) {
        let going_back = matches!(self.life, Life::Failed | Life::Cancelling);
        if going_back && self.back.money && self.back.stock && self.back.coupons {
            self.enter(Life::Cancelled, policy, now);
            self.news.push(News::Cancelled);
        }
    }

    /// Enters a state of life and arranges what the saga has to do in it.
    pub(super) fn enter(&mut self, life: Life, policy: &RetryPolicy, now: Moment) {
        let data = &mut self.data;
        data.life = life;
        if life.at_rest() {
            data.ended_at = Some(now);
        }
        if life == Life::Completed {
            // Nothing has been driven since the confirmation, unless money is on its way back for pieces that were sent before.
            return self.arrange_give_backs(now);
        }
        let saga = &mut data.saga;
        saga.move_on();
        saga.lease_owner = None;
        match life {
            Life::Pending => saga.wake_at = Some(now),
            Life::Confirmed => {
                data.confirmed_at = Some(now);
                saga.direction = Direction::Forward;
                saga.rest();
            }
            Life::Failed => {
                saga.direction = Direction::Backward;
                saga.wake_at = Some(now + policy.release_overdue);
            }
            Life::Cancelling => {
                saga.direction = Direction::Backward;
                saga.wake_at = Some(now);
            }
            Life::Completed | Life::Cancelled => saga.rest(),
        }
    }
}

#[cfg(test)]
mod tests;
