//! Cancelling: by whose wish, and when it is too late.

use std::fmt;

use bojagi_kernel::Moment;

use super::{DeliveryState, FailureCause, Life, News, Order, OrderRefusal, OwnFailure, RetryPolicy};

/// By whose wish an order is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelReason {
    Customer,
    AccountClosed,
    Operator,
}

impl CancelReason {
    /// The word that facts and histories have for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "CANCELLED_BY_CUSTOMER",
            Self::AccountClosed => "ACCOUNT_CLOSED",
            Self::Operator => "CANCELLED_BY_OPERATOR",
        }
    }

    /// What an order shows that failed because of it.
    pub(crate) fn failure(self) -> FailureCause {
        FailureCause::from(match self {
            Self::Customer => OwnFailure::CancelledByCustomer,
            Self::AccountClosed => OwnFailure::AccountClosed,
            Self::Operator => OwnFailure::CancelledByOperator,
        })
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Order {
    /// Whether a wish to cancel would be granted.
    ///
    /// # Errors
    /// `ALREADY_CANCELLED`, `DELIVERY_BEGUN`.
    pub(crate) fn may_be_cancelled(&self) -> Result<(), OrderRefusal> {
        let already = OrderRefusal::AlreadyCancelled { order_id: self.id, state: self.life };
        let delivery_begun = OrderRefusal::DeliveryBegun { order_id: self.id };
        match self.life {
            Life::Pending if self.cancel.is_some() => Err(already),
            Life::Failed | Life::Cancelling | Life::Cancelled => Err(already),
            Life::Completed => Err(delivery_begun),
            Life::Confirmed if self.deliveries.iter().any(|parcel| parcel.state != DeliveryState::Awaiting) => {
                Err(delivery_begun)
            }
            Life::Pending | Life::Confirmed => Ok(()),
        }
    }

    /// Takes the wish to cancel. A pending order turns round, and payment decides what comes of it; a confirmed one goes back.
    ///
    /// # Errors
    /// As [`may_be_cancelled`](Self::may_be_cancelled).
    pub(crate) fn cancel(
        &mut self,
        reason: CancelReason,
        policy: &RetryPolicy,
        now: Moment,
    ) -> Result<(), OrderRefusal> {
        self.may_be_cancelled()?;
        self.data.cancel = Some(reason);
        if self.life == Life::Pending {
            self.turn_round(now);
        } else {
            self.go_back(reason, policy, now);
        }
        Ok(())
    }

    /// A confirmed order becomes CANCELLING, its parcels CANCELLED: what was taken goes back.
    pub(super) fn go_back(&mut self, reason: CancelReason, policy: &RetryPolicy, now: Moment) {
        for parcel in &mut self.data.deliveries {
            parcel.state = DeliveryState::Cancelled;
            parcel.cancelled_at = Some(now);
        }
        self.enter(Life::Cancelling, policy, now);
        self.news.push(News::Cancelling(reason));
    }
}
