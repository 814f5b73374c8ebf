//! Refunds: captured money that goes back, to the external leg in proportion and the rest to points.

use bojagi_kernel::id::OrderId;
use bojagi_kernel::split::by_cumulative_floor;
use bojagi_kernel::{Currency, Moment};

use super::{Outcome, Payment, ProviderKey, RefundId};

/// How the money of each line is made up, as order passed it and as it is told with the fact. What is in it was checked
/// where it came in; payment keeps it, and knows only that it adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allocations(pub(crate) Vec<u8>);

/// An amount by leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Legs {
    pub(crate) points: i64,
    pub(crate) external: i64,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundState {
    /// The provider's answer is awaited.
    Pending,
    /// The money has gone back.
    Succeeded,
    /// The provider refused it.
    Failed,
}

/// Money of one order that goes back.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: RefundId,
    pub(crate) order_id: OrderId,
    pub(crate) state: RefundState,
    pub(crate) currency: Currency,
    pub(crate) amount: i64,
    pub(crate) legs: Legs,
    pub(crate) reason: String,
    pub(crate) allocations: Allocations,
    /// Counts the attempts at the provider, from 1.
    pub(crate) attempt: i64,
    /// When the provider was last asked; none once its answer is known.
    pub(crate) asked_at: Option<Moment>,
    pub(crate) created_at: Moment,
    pub(crate) refunded_at: Option<Moment>,
}

impl Refund {
    /// The key of the present attempt, while its answer is not known.
    pub(crate) fn open_key(&self) -> Option<ProviderKey> {
        self.asked_at.map(|_| ProviderKey::Refund(self.id, self.attempt))
    }

    /// The refund after another start, with the legs as they are now, because the provider refused the attempt before.
    pub(crate) fn attempted_again(&self, legs: Legs, now: Moment) -> Self {
        let mut again = Self { attempt: self.attempt + 1, ..self.clone() };
        again.begin(legs, now);
        again
    }

    /// Sets out with these legs. Without an external one it is done at once.
    pub(crate) fn begin(&mut self, legs: Legs, now: Moment) {
        self.legs = legs;
        if legs.external == 0 {
            self.succeed(now);
        } else {
            self.state = RefundState::Pending;
            self.asked_at = Some(now);
        }
    }

    /// Takes over what the provider says about an attempt. False when that changes nothing.
    pub(crate) fn conclude(&mut self, attempt: i64, outcome: &Outcome, now: Moment) -> bool {
        if self.asked_at.is_none() || self.attempt != attempt {
            return false;
        }
        match outcome {
            Outcome::Approved { .. } => self.succeed(now),
            Outcome::Declined(_) => {
                self.state = RefundState::Failed;
                self.asked_at = None;
            }
            Outcome::Unknown => self.asked_at = Some(now),
        }
        true
    }

    fn succeed(&mut self, now: Moment) {
        self.state = RefundState::Succeeded;
        self.refunded_at = Some(now);
        self.asked_at = None;
    }
}

/// How `amount` more goes back of a payment of which some is refunded or refunding. After it the external leg has got
/// back the floor of its share of all that went back so far, so that any grouping of refunds adds up to both legs. A
/// refund that failed in between can leave the external leg one unit off that line; the bounds keep each leg within
/// what it paid.
pub(crate) fn split(payment: &Payment, amount: i64) -> Legs {
    let gone = payment.refunded + payment.refunding;
    let external_gone = payment.refunded_external + payment.refunding_external;
    let external_left = payment.external - external_gone;
    let points_left = payment.points - (gone - external_gone);

    let due = by_cumulative_floor(payment.external, payment.captured, 0, gone + amount).unwrap_or_default();
    let (least, most) = (0.max(amount - points_left), amount.min(external_left));
    let external = (due - external_gone).max(least).min(most);
    Legs { points: amount - external, external }
}
