//! A payment: the money of one order, in at most two legs that share a state.
//!
//! The fields are read everywhere and changed only here. Each verb says what came of it, so that the caller can move
//! points and tell the fact in the same unit of work.

use std::fmt;

use bojagi_kernel::id::{AccountId, OrderId, PaymentId};
use bojagi_kernel::{Currency, Moment, Money};

use super::{Allocations, DeclineReason, Legs, Outcome, PaidWith, PaymentRefusal, ProviderKey, refund};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PaymentState {
    /// The answer to the authorisation is awaited.
    Pending,
    /// The points are held and the provider holds the rest.
    Authorized,
    /// The whole total was taken.
    Captured,
    /// Some of it has gone back.
    PartiallyRefunded,
    /// All of it has gone back.
    Refunded,
    /// Nothing was captured and nothing ever will be.
    Voided,
    /// Refused for good: no points are held, and the provider is told to let go what it may hold.
    Declined,
    /// The provider's answer is unknown.
    Unresolved,
}

impl PaymentState {
    /// Whether money was taken.
    pub(crate) const fn has_captured(self) -> bool {
        matches!(self, Self::Captured | Self::PartiallyRefunded | Self::Refunded)
    }
}

impl fmt::Display for PaymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "PENDING",
            Self::Authorized => "AUTHORIZED",
            Self::Captured => "CAPTURED",
            Self::PartiallyRefunded => "PARTIALLY_REFUNDED",
            Self::Refunded => "REFUNDED",
            Self::Voided => "VOIDED",
            Self::Declined => "DECLINED",
            Self::Unresolved => "UNRESOLVED",
        })
    }
}

/// What the provider was asked to do with the external leg and has not answered for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnderWay {
    /// To hold it.
    Authorize,
    /// To take it.
    Capture,
    /// To let it go.
    Void,
}

/// What a payment is for.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) order_id: OrderId,
    pub(crate) customer_id: AccountId,
    pub(crate) total: Money,
    pub(crate) points: i64,
}

/// What a change of a payment is to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The total is held.
    Authorized,
    /// It was refused for good.
    Declined,
    /// The total was taken.
    Captured,
    /// Nothing will be taken. Says whether the provider was known to hold its leg.
    Voided {
        /// It was.
        provider_held: bool,
    },
    /// The provider's answer is unknown, as of now.
    Unresolved,
    /// Nothing that the world would notice.
    Quiet,
}

/// What came of voiding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voiding {
    /// It was voided now.
    Turned(Turn),
    /// A capture is under way: its outcome decides.
    CaptureDecides,
    /// The state stands as it is.
    Stands,
}

/// The money of one order.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) order_id: OrderId,
    /// None when the order was voided before anything was asked for it.
    pub(crate) customer_id: Option<AccountId>,
    pub(crate) state: PaymentState,
    pub(crate) currency: Currency,
    pub(crate) total: i64,
    pub(crate) points: i64,
    pub(crate) external: i64,
    pub(crate) authorized: i64,
    pub(crate) captured: i64,
    pub(crate) refunding: i64,
    pub(crate) refunded: i64,
    /// The external part of `refunding`.
    pub(crate) refunding_external: i64,
    /// The external part of `refunded`.
    pub(crate) refunded_external: i64,
    pub(crate) decline_reason: Option<DeclineReason>,
    pub(crate) paid_with: Option<PaidWith>,
    pub(crate) under_way: Option<UnderWay>,
    /// When the provider was last asked for what is under way.
    pub(crate) asked_at: Option<Moment>,
    pub(crate) allocations: Option<Allocations>,
    pub(crate) created_at: Moment,
    pub(crate) authorized_at: Option<Moment>,
    pub(crate) captured_at: Option<Moment>,
    pub(crate) updated_at: Moment,
    /// Counts the changes that were stored, from 1.
    pub(crate) version: i64,
}

impl Payment {
    /// Whose wallet pays, if there are points in it.
    pub(crate) fn wallet(&self) -> Option<AccountId> {
        self.customer_id.filter(|_| self.points > 0)
    }

    /// Opens the payment of an order: with an external leg the authorisation is under way, without one it is done.
    pub(crate) fn open(terms: &Terms, paid_with: Option<PaidWith>, now: Moment) -> Self {
        let mut payment = Self::new(terms, paid_with, now);
        if payment.external == 0 {
            payment.authorize(now);
        } else {
            payment.set_out(UnderWay::Authorize, now);
        }
        payment
    }

    /// A payment that was refused before anything was held.
    pub(crate) fn refused(terms: &Terms, paid_with: Option<PaidWith>, reason: DeclineReason, now: Moment) -> Self {
        Self { state: PaymentState::Declined, decline_reason: Some(reason), ..Self::new(terms, paid_with, now) }
    }

    /// A payment with which nothing has been done yet.
    fn new(terms: &Terms, paid_with: Option<PaidWith>, now: Moment) -> Self {
        Self {
            customer_id: Some(terms.customer_id),
            state: PaymentState::Pending,
            total: terms.total.minor(),
            points: terms.points,
            external: terms.total.minor() - terms.points,
            paid_with,
            ..Self::ended(terms.order_id, terms.total.currency(), now)
        }
    }

    /// Stands for an order that was voided before anything was asked for it, so that a late ask finds it ended.
    pub(crate) fn ended(order_id: OrderId, currency: Currency, now: Moment) -> Self {
        Self {
            id: PaymentId::generate(),
            order_id,
            customer_id: None,
            state: PaymentState::Voided,
            currency,
            total: 0,
            points: 0,
            external: 0,
            authorized: 0,
            captured: 0,
            refunding: 0,
            refunded: 0,
            refunding_external: 0,
            refunded_external: 0,
            decline_reason: None,
            paid_with: None,
            under_way: None,
            asked_at: None,
            allocations: None,
            created_at: now,
            authorized_at: None,
            captured_at: None,
            updated_at: now,
            version: 1,
        }
    }

    /// An amount of this payment.
    pub(crate) const fn money(&self, minor: i64) -> Money {
        Money::new(self.currency, minor)
    }

    /// The key of what is under way at the provider.
    pub(crate) fn open_key(&self) -> Option<ProviderKey> {
        self.under_way.map(|under_way| match under_way {
            UnderWay::Authorize => ProviderKey::Authorize(self.order_id),
            UnderWay::Capture => ProviderKey::Capture(self.order_id),
            UnderWay::Void => ProviderKey::Void(self.order_id),
        })
    }

    /// Checks an ask to authorise against what was asked before.
    pub(crate) fn answers(&self, terms: &Terms) -> Result<(), PaymentRefusal> {
        let order_id = self.order_id;
        if self.state == PaymentState::Voided {
            return Err(PaymentRefusal::OrderEnded { order_id });
        }
        let same = self.customer_id == Some(terms.customer_id)
            && self.money(self.total) == terms.total
            && self.points == terms.points;
        if same { Ok(()) } else { Err(PaymentRefusal::PaymentMismatch { order_id }) }
    }

    /// Refuses the payment for good.
    pub(crate) fn decline(&mut self, reason: DeclineReason, now: Moment) -> Turn {
        self.state = PaymentState::Declined;
        self.decline_reason = Some(reason);
        self.arrive(now);
        Turn::Declined
    }

    /// Begins to take what is held; `None` when that was begun before. Without an external leg it is done at once.
    pub(crate) fn capture(
        &mut self,
        allocations: &Allocations,
        allocated: i64,
        now: Moment,
    ) -> Result<Option<Turn>, PaymentRefusal> {
        let (order_id, state) = (self.order_id, self.state);
        match state {
            PaymentState::Voided => return Err(PaymentRefusal::OrderEnded { order_id }),
            PaymentState::Pending => return Err(PaymentRefusal::PaymentNotAuthorized { order_id, state }),
            PaymentState::Unresolved if self.under_way == Some(UnderWay::Authorize) => {
                return Err(PaymentRefusal::PaymentNotAuthorized { order_id, state });
            }
            PaymentState::Authorized if self.under_way.is_none() => {}
            _ => return Ok(None),
        }
        if allocated != self.total {
            return Err(PaymentRefusal::AllocationMismatch { total: self.total, allocated });
        }
        self.allocations = Some(allocations.clone());
        if self.external == 0 {
            return Ok(Some(self.take(now)));
        }
        self.set_out(UnderWay::Capture, now);
        self.touch(now);
        Ok(Some(Turn::Quiet))
    }

    /// Makes sure that nothing is or will be taken, if that can still be had. While only the authorisation is in doubt it
    /// can: money is taken by a capture alone, and none is asked for any more.
    pub(crate) fn void(&mut self, now: Moment) -> Voiding {
        let provider_held = match (self.state, self.under_way) {
            (PaymentState::Authorized, None) => self.external > 0,
            (PaymentState::Pending | PaymentState::Unresolved, Some(UnderWay::Authorize)) => false,
            (PaymentState::Authorized, Some(_)) => return Voiding::CaptureDecides,
            _ => return Voiding::Stands,
        };
        self.state = PaymentState::Voided;
        self.arrive(now);
        if self.external > 0 {
            self.set_out(UnderWay::Void, now);
        }
        Voiding::Turned(Turn::Voided { provider_held })
    }

    /// Takes over what the provider says about something it was asked. `None` when that changes nothing: it is not under
    /// way any more, so the first definite answer, or a void, stands.
    pub(crate) fn conclude(&mut self, asked: UnderWay, outcome: &Outcome, now: Moment) -> Option<Turn> {
        if self.under_way != Some(asked) {
            return None;
        }
        Some(match (asked, outcome) {
            (UnderWay::Authorize, Outcome::Approved { .. }) => {
                self.authorize(now);
                self.touch(now);
                Turn::Authorized
            }
            (UnderWay::Capture, Outcome::Approved { .. }) => self.take(now),
            (UnderWay::Authorize, Outcome::Declined(reason)) => self.decline(*reason, now),
            (UnderWay::Capture, Outcome::Declined(reason)) => {
                let turn = self.decline(*reason, now);
                // It may still be held there.
                self.set_out(UnderWay::Void, now);
                turn
            }
            (UnderWay::Void, Outcome::Approved { .. } | Outcome::Declined(_)) => {
                self.end();
                self.arrive(now);
                Turn::Quiet
            }
            (_, Outcome::Unknown) => self.remain_unknown(now),
        })
    }

    /// Sets `amount` aside to go back, split by leg.
    pub(crate) fn begin_refund(&mut self, amount: i64, now: Moment) -> Result<Legs, PaymentRefusal> {
        let (order_id, state) = (self.order_id, self.state);
        if !state.has_captured() {
            return Err(PaymentRefusal::PaymentNotCaptured { order_id, state });
        }
        let refundable = self.captured - self.refunded - self.refunding;
        if amount > refundable {
            return Err(PaymentRefusal::RefundExceedsCapture { order_id, refundable });
        }
        let legs = refund::split(self, amount);
        self.refunding += amount;
        self.refunding_external += legs.external;
        self.touch(now);
        Ok(legs)
    }

    /// What was set aside has gone back.
    pub(crate) fn finish_refund(&mut self, legs: Legs, now: Moment) {
        self.cancel_refund(legs, now);
        self.refunded += legs.points + legs.external;
        self.refunded_external += legs.external;
        if self.refunded == self.captured {
            self.state = PaymentState::Refunded;
        } else if self.refunded > 0 {
            self.state = PaymentState::PartiallyRefunded;
        }
    }

    /// What was set aside does not go back.
    pub(crate) fn cancel_refund(&mut self, legs: Legs, now: Moment) {
        self.refunding -= legs.points + legs.external;
        self.refunding_external -= legs.external;
        self.touch(now);
    }

    fn authorize(&mut self, now: Moment) {
        self.state = PaymentState::Authorized;
        self.authorized = self.total;
        self.authorized_at = Some(now);
        (self.under_way, self.asked_at) = (None, None);
    }

    fn take(&mut self, now: Moment) -> Turn {
        self.state = PaymentState::Captured;
        self.captured = self.total;
        self.captured_at = Some(now);
        self.arrive(now);
        Turn::Captured
    }

    fn remain_unknown(&mut self, now: Moment) -> Turn {
        self.asked_at = Some(now);
        self.touch(now);
        if matches!(self.state, PaymentState::Unresolved | PaymentState::Voided | PaymentState::Declined) {
            return Turn::Quiet;
        }
        self.state = PaymentState::Unresolved;
        Turn::Unresolved
    }

    /// Is again what it was when its void was begun. An earlier version calls a refused payment unresolved while that is not
    /// answered, and processes of it may work on the same store.
    fn end(&mut self) {
        if self.state == PaymentState::Unresolved {
            self.state = match self.decline_reason {
                Some(_) => PaymentState::Declined,
                None => PaymentState::Voided,
            };
        }
    }

    fn set_out(&mut self, under_way: UnderWay, now: Moment) {
        (self.under_way, self.asked_at) = (Some(under_way), Some(now));
    }

    fn arrive(&mut self, now: Moment) {
        (self.under_way, self.asked_at) = (None, None);
        self.touch(now);
    }

    const fn touch(&mut self, now: Moment) {
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests;
