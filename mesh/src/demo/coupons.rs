//! Coupons of every kind.

use std::collections::HashMap;

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope, CreateCouponRequest, PercentBenefit};
use prost_types::Timestamp;

use super::stores::{from_day, won};
use super::{DemoError, request_id, side_by_side};
use crate::people::Member;

/// Coupon ids by name.
pub(super) type Coupons = HashMap<&'static str, String>;

/// What a coupon takes off; amounts in won, rates in basis points.
enum Takes {
    Fixed(i64),
    Percent { rate_bps: i32, cap: Option<i64> },
}

/// A coupon of the sample shop.
struct CouponEntry {
    name: &'static str,
    takes: Takes,
    scope: CouponScope,
    /// In won; 0 for none.
    minimum_spend: i64,
    /// What the seller pays of it, in basis points.
    seller_share_bps: i32,
    /// Pieces in all; 0 for no limit.
    issue_limit: i64,
    /// For how long a piece can be used, in days.
    issued_valid_days: i32,
    /// Days after the opening of the shop from which pieces are issued; absent for at once.
    issued_after_days: Option<i64>,
}

/// A coupon without conditions, paid by the platform.
const PLAIN: CouponEntry = CouponEntry {
    name: "",
    takes: Takes::Fixed(0),
    scope: CouponScope::Item,
    minimum_spend: 0,
    seller_share_bps: 0,
    issue_limit: 0,
    issued_valid_days: 30,
    issued_after_days: None,
};

const COUPONS: &[CouponEntry] = &[
    CouponEntry { name: "Sweet Start 2,000", takes: Takes::Fixed(2_000), ..PLAIN },
    CouponEntry { name: "Tea Time 10 %", takes: Takes::Percent { rate_bps: 1_000, cap: None }, ..PLAIN },
    CouponEntry {
        name: "Welcome 5,000",
        takes: Takes::Fixed(5_000),
        scope: CouponScope::Order,
        minimum_spend: 30_000,
        ..PLAIN
    },
    CouponEntry {
        name: "Weekend 15 %, up to 10,000",
        takes: Takes::Percent { rate_bps: 1_500, cap: Some(10_000) },
        scope: CouponScope::Order,
        minimum_spend: 20_000,
        ..PLAIN
    },
    CouponEntry {
        name: "Makers' Treat 20 %, half from the maker",
        takes: Takes::Percent { rate_bps: 2_000, cap: Some(8_000) },
        seller_share_bps: 5_000,
        ..PLAIN
    },
    CouponEntry { name: "From the Potter 1,500", takes: Takes::Fixed(1_500), seller_share_bps: 10_000, ..PLAIN },
    CouponEntry {
        name: "First Hundred 3,000",
        takes: Takes::Fixed(3_000),
        scope: CouponScope::Order,
        minimum_spend: 10_000,
        issue_limit: 100,
        ..PLAIN
    },
    CouponEntry {
        name: "Three Days Only 30 %",
        takes: Takes::Percent { rate_bps: 3_000, cap: Some(6_000) },
        issue_limit: 500,
        issued_valid_days: 3,
        ..PLAIN
    },
    CouponEntry {
        name: "Chuseok 한가위 10,000",
        takes: Takes::Fixed(10_000),
        scope: CouponScope::Order,
        minimum_spend: 60_000,
        issue_limit: 1_000,
        issued_after_days: Some(7),
        ..PLAIN
    },
];

pub(super) async fn create(admin: &Member, opened_at: Timestamp) -> Result<Coupons, DemoError> {
    let create = async |entry: &'static CouponEntry| {
        let what = format!("coupon {}", entry.name);
        let coupon = coupon(entry, opened_at);
        let request = CreateCouponRequest { request_id: request_id(&what), coupon: Some(coupon) };
        let answer = admin.gateway.coupons().create_coupon(request).await.map_err(DemoError::refused(&what))?;
        let coupon = answer.into_inner().coupon.ok_or_else(DemoError::incomplete(what))?;
        Ok((entry.name, coupon.coupon_id))
    };
    Ok(side_by_side(COUPONS.iter().map(create)).await?.into_iter().collect())
}

fn coupon(entry: &CouponEntry, opened_at: Timestamp) -> Coupon {
    let benefit = match entry.takes {
        Takes::Fixed(amount) => Benefit::FixedAmount(won(amount)),
        Takes::Percent { rate_bps, cap } => Benefit::Percent(PercentBenefit { rate_bps, cap: cap.map(won) }),
    };
    Coupon {
        name: entry.name.to_owned(),
        benefit: Some(benefit),
        scope: entry.scope.into(),
        issued_valid_days: entry.issued_valid_days,
        issue_window: entry.issued_after_days.map(|days| from_day(opened_at, days)),
        issue_limit: entry.issue_limit,
        minimum_spend: (entry.minimum_spend > 0).then(|| won(entry.minimum_spend)),
        seller_share_bps: entry.seller_share_bps,
        ..Coupon::default()
    }
}
