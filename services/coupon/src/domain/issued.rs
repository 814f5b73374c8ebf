//! A piece of a coupon that one customer has.

use std::fmt;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, CouponId, IssuedCouponId, OrderId};

use super::{PieceRefusal, Rule};

/// What can be done with a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IssuedState {
    /// It can be used.
    Available,
    /// It is kept for an order that has not ended.
    Reserved,
    /// It was used in a confirmed order.
    Used,
    /// Its time has passed.
    Expired,
}

impl fmt::Display for IssuedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Available => "AVAILABLE",
            Self::Reserved => "RESERVED",
            Self::Used => "USED",
            Self::Expired => "EXPIRED",
        })
    }
}

/// A piece of a coupon that one customer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuedCoupon {
    pub(crate) issued_coupon_id: IssuedCouponId,
    pub(crate) coupon_id: CouponId,
    pub(crate) customer_id: AccountId,
    /// As stored; see [`state_at`](Self::state_at).
    pub(crate) state: IssuedState,
    pub(crate) issued_at: Moment,
    pub(crate) valid_from: Option<Moment>,
    /// The first moment at which it can no longer be used.
    pub(crate) expires_at: Moment,
    /// The order that it is reserved for or used in.
    pub(crate) order_id: Option<OrderId>,
    pub(crate) used_at: Option<Moment>,
}

impl IssuedCoupon {
    /// Its state at a moment: time passes whether or not anybody has written it down.
    pub(crate) fn state_at(&self, now: Moment) -> IssuedState {
        match self.state {
            IssuedState::Available => Self::state_when_free(self.expires_at, now),
            state => state,
        }
    }

    /// The state of a piece that no order has.
    pub(crate) fn state_when_free(expires_at: Moment, now: Moment) -> IssuedState {
        if expires_at <= now { IssuedState::Expired } else { IssuedState::Available }
    }

    /// Whether it can be used now.
    ///
    /// # Errors
    /// Why not: `Taken`, `Expired`, or `NotApplicable` by the rule `NotYetValid`.
    pub(crate) fn check_usable(&self, now: Moment) -> Result<(), PieceRefusal> {
        let issued_coupon_id = self.issued_coupon_id;
        match self.state_at(now) {
            state @ (IssuedState::Reserved | IssuedState::Used) => Err(PieceRefusal::Taken { issued_coupon_id, state }),
            IssuedState::Expired => Err(PieceRefusal::Expired { issued_coupon_id, expired_at: self.expires_at }),
            IssuedState::Available if self.valid_from.is_some_and(|valid_from| now < valid_from) => {
                Err(PieceRefusal::NotApplicable { issued_coupon_id, rule: Rule::NotYetValid })
            }
            IssuedState::Available => Ok(()),
        }
    }
}
