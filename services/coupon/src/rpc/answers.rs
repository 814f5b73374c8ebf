//! What the rules speak of, as it is on the wire.

use bojagi_api::{common, coupon};
use bojagi_chassis::wire;
use bojagi_kernel::Moment;

use crate::domain::{Benefit, Coupon, CouponState, IssuedState, Scope, Window};
use crate::store::pieces::PieceOfCoupon;

/// A coupon.
pub(super) fn coupon(coupon: &Coupon) -> coupon::Coupon {
    let (details, terms) = (&coupon.details, &coupon.terms);
    let benefit = match terms.benefit {
        Benefit::Fixed(fixed) => coupon::coupon::Benefit::FixedAmount(wire::money(fixed)),
        Benefit::Percent { rate, cap } => coupon::coupon::Benefit::Percent(coupon::PercentBenefit {
            rate_bps: rate.points(),
            cap: cap.map(wire::money),
        }),
    };
    let scope = match terms.scope {
        Scope::Item => coupon::CouponScope::Item,
        Scope::Order => coupon::CouponScope::Order,
    };
    let state = match coupon.state {
        CouponState::Active => coupon::CouponState::Active,
        CouponState::Retired => coupon::CouponState::Retired,
    };
    coupon::Coupon {
        coupon_id: coupon.coupon_id.to_string(),
        name: details.name.clone(),
        benefit: Some(benefit),
        scope: scope.into(),
        valid_window: window(details.valid_window),
        issued_valid_days: i32::try_from(details.issued_valid_days).unwrap_or(i32::MAX),
        issue_window: window(details.issue_window),
        issue_limit: details.issue_limit.unwrap_or_default(),
        minimum_spend: terms.minimum_spend.map(wire::money),
        seller_share_bps: terms.seller_share.points(),
        state: state.into(),
        issued_count: coupon.issued_count,
        created_at: Some(wire::timestamp(coupon.created_at)),
        updated_at: Some(wire::timestamp(coupon.updated_at)),
    }
}

/// A piece as it is at a moment.
pub(crate) fn piece(held: &PieceOfCoupon, now: Moment) -> coupon::IssuedCoupon {
    let piece = &held.piece;
    let state = match piece.state_at(now) {
        IssuedState::Available => coupon::IssuedCouponState::Available,
        IssuedState::Reserved => coupon::IssuedCouponState::Reserved,
        IssuedState::Used => coupon::IssuedCouponState::Used,
        IssuedState::Expired => coupon::IssuedCouponState::Expired,
    };
    coupon::IssuedCoupon {
        issued_coupon_id: piece.issued_coupon_id.to_string(),
        customer_id: piece.customer_id.to_string(),
        state: state.into(),
        issued_at: Some(wire::timestamp(piece.issued_at)),
        expires_at: Some(wire::timestamp(piece.expires_at)),
        order_id: piece.order_id.map(|order_id| order_id.to_string()).unwrap_or_default(),
        used_at: piece.used_at.map(wire::timestamp),
        coupon: Some(coupon(&held.coupon)),
    }
}

fn window(window: Window) -> Option<common::TimeRange> {
    let range = common::TimeRange {
        starts_at: window.starts_at.map(wire::timestamp),
        ends_at: window.ends_at.map(wire::timestamp),
    };
    (window != Window::default()).then_some(range)
}
