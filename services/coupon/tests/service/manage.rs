//! What an admin does with coupons.

use std::time::Duration;

use bojagi_api::common::{Money, TimeRange};
use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{
    Coupon, CouponScope, CouponState, CreateCouponRequest, GetCouponRequest, PercentBenefit, RetireCouponRequest,
    UpdateCouponRequest,
};
use bojagi_chassis::wire;
use bojagi_kernel::Clock;
use bojagi_testkit::reason;
use prost_types::FieldMask;
use tonic::{Code, Status};

use crate::shop::{Shop, fields, fixed, metadata, new_id, percent, won};

#[tokio::test]
async fn a_coupon_is_kept_as_it_was_created() {
    let shop = Shop::open().await;
    let now = shop.rig.clock.now();
    let window = TimeRange {
        starts_at: Some(wire::timestamp(now)),
        ends_at: Some(wire::timestamp(now + Duration::from_secs(60))),
    };
    let wanted = Coupon {
        name: "봄맞이 할인".into(),
        benefit: Some(Benefit::Percent(PercentBenefit { rate_bps: 1_500, cap: Some(won(5_000)) })),
        scope: CouponScope::Order.into(),
        valid_window: Some(window),
        issued_valid_days: 7,
        issue_window: Some(TimeRange { ends_at: None, ..window }),
        issue_limit: 100,
        minimum_spend: Some(won(30_000)),
        seller_share_bps: 2_500,
        ..Default::default()
    };
    let created = shop.create(wanted.clone()).await;
    let expected = Coupon {
        coupon_id: created.coupon_id.clone(),
        state: CouponState::Active.into(),
        created_at: Some(wire::timestamp(now)),
        updated_at: Some(wire::timestamp(now)),
        ..wanted
    };
    assert_eq!(created, expected);

    let shop = shop.crash().await;
    let request = GetCouponRequest { coupon_id: created.coupon_id };
    assert_eq!(shop.admin().get_coupon(request).await.unwrap().into_inner().coupon, Some(expected));
}

#[tokio::test]
async fn a_coupon_that_says_little_gets_the_defaults() {
    let shop = Shop::open().await;
    let created = shop.create(fixed(1_000)).await;
    assert_eq!((created.issued_valid_days, created.issue_limit, created.seller_share_bps), (30, 0, 0));
    assert_eq!((created.valid_window, created.issue_window, created.minimum_spend), (None, None, None));
}

#[tokio::test]
async fn creating_twice_under_one_request_id_creates_one() {
    let shop = Shop::open().await;
    let request = CreateCouponRequest { request_id: new_id(), coupon: Some(fixed(1_000)) };
    let first = shop.admin().create_coupon(request.clone()).await.unwrap().into_inner();
    assert_eq!(shop.admin().create_coupon(request.clone()).await.unwrap().into_inner(), first);
    let other = CreateCouponRequest { coupon: Some(fixed(2_000)), ..request };
    assert_eq!(reason(&shop.admin().create_coupon(other).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let shop = Shop::open().await;
    let percent_with = |rate_bps, cap| Some(Benefit::Percent(PercentBenefit { rate_bps, cap }));
    let dollars = Money { currency_code: "USD".into(), minor_units: 1 };
    let backwards = TimeRange {
        starts_at: Some(prost_types::Timestamp { seconds: 2, nanos: 0 }),
        ends_at: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
    };
    let in_the_last_year =
        TimeRange { starts_at: Some(prost_types::Timestamp { seconds: 253_402_300_000, nanos: 0 }), ends_at: None };
    let good = || fixed(1_000);
    let cases = [
        (Coupon { name: " ".into(), ..good() }, "coupon.name"),
        (Coupon { name: "가".repeat(101), ..good() }, "coupon.name"),
        (Coupon { benefit: None, ..good() }, "coupon.benefit"),
        (fixed(0), "coupon.fixed_amount.minor_units"),
        (fixed(-1), "coupon.fixed_amount.minor_units"),
        (fixed(1_000_000_000_001), "coupon.fixed_amount.minor_units"),
        (
            Coupon {
                benefit: Some(Benefit::FixedAmount(Money { currency_code: "won".into(), minor_units: 1 })),
                ..good()
            },
            "coupon.fixed_amount.currency_code",
        ),
        (percent(499), "coupon.percent.rate_bps"),
        (percent(9_501), "coupon.percent.rate_bps"),
        (Coupon { benefit: percent_with(1_000, Some(won(0))), ..good() }, "coupon.percent.cap.minor_units"),
        (Coupon { scope: 0, ..good() }, "coupon.scope"),
        (Coupon { scope: 99, ..good() }, "coupon.scope"),
        (Coupon { valid_window: Some(backwards), ..good() }, "coupon.valid_window"),
        (Coupon { valid_window: Some(in_the_last_year), ..good() }, "coupon.valid_window.starts_at"),
        (Coupon { issue_window: Some(backwards), ..good() }, "coupon.issue_window"),
        (Coupon { issued_valid_days: -1, ..good() }, "coupon.issued_valid_days"),
        (Coupon { issued_valid_days: 3_651, ..good() }, "coupon.issued_valid_days"),
        (Coupon { issue_limit: -1, ..good() }, "coupon.issue_limit"),
        (Coupon { issue_limit: i64::MAX, ..good() }, "coupon.issue_limit"),
        (Coupon { minimum_spend: Some(won(0)), ..good() }, "coupon.minimum_spend.minor_units"),
        (Coupon { minimum_spend: Some(dollars), ..good() }, "coupon.minimum_spend.currency_code"),
        (Coupon { seller_share_bps: 10_001, ..good() }, "coupon.seller_share_bps"),
        (Coupon { seller_share_bps: -1, ..good() }, "coupon.seller_share_bps"),
    ];
    for (coupon, field) in cases {
        let request = CreateCouponRequest { request_id: new_id(), coupon: Some(coupon) };
        let refusal = shop.admin().create_coupon(request).await.unwrap_err();
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
        assert_eq!(fields(&refusal), [field]);
    }
    let nothing = CreateCouponRequest::default();
    let refusal = shop.admin().create_coupon(nothing).await.unwrap_err();
    assert_eq!(fields(&refusal), ["request_id", "coupon.name", "coupon.benefit", "coupon.scope"]);
}

async fn update(shop: &Shop, coupon: Coupon, paths: &[&str]) -> Result<Coupon, Status> {
    let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = (!paths.is_empty()).then_some(FieldMask { paths });
    let request = UpdateCouponRequest { coupon: Some(coupon), update_mask };
    Ok(shop.admin().update_coupon(request).await?.into_inner().coupon.unwrap())
}

#[tokio::test]
async fn a_mask_says_what_changes() {
    let shop = Shop::open().await;
    let before = shop.create(Coupon { issue_limit: 5, issued_valid_days: 7, ..fixed(1_000) }).await;
    let coupon_id = before.coupon_id.clone();
    let named = Coupon { coupon_id: coupon_id.clone(), name: "새 이름".into(), ..Default::default() };

    let renamed = update(&shop, named.clone(), &[]).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.issue_limit, renamed.issued_valid_days), ("새 이름", 5, 7));
    let unlimited = update(&shop, named.clone(), &["issue_limit", "issued_valid_days"]).await.unwrap();
    assert_eq!((unlimited.name.as_str(), unlimited.issue_limit, unlimited.issued_valid_days), ("새 이름", 0, 30));

    let fixed_for_ever = update(&shop, named, &["minimum_spend"]).await.unwrap_err();
    assert_eq!(fields(&fixed_for_ever), ["update_mask"]);
    let blank = update(&shop, Coupon { coupon_id, ..Default::default() }, &["name"]).await.unwrap_err();
    assert_eq!(fields(&blank), ["coupon.name"]);
}

#[tokio::test]
async fn a_change_leaves_issued_pieces_as_they_are() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1_000)).await;
    let coupon_id = piece.coupon.as_ref().unwrap().coupon_id.clone();
    update(&shop, Coupon { coupon_id: coupon_id.clone(), issued_valid_days: 1, ..Default::default() }, &[])
        .await
        .unwrap();
    assert_eq!(shop.pieces_of(&customer).await[0].expires_at, piece.expires_at);

    shop.issue(&shop.customer(), &coupon_id).await.unwrap();
    let refusal = update(&shop, Coupon { coupon_id, issue_limit: 1, ..Default::default() }, &[]).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "ISSUE_LIMIT_BELOW_ISSUED"));
    assert_eq!(metadata(&refusal, "issued_count"), "2");
}

#[tokio::test]
async fn a_retired_coupon_is_final() {
    let shop = Shop::open().await;
    let coupon = shop.create(fixed(1_000)).await;
    let request = RetireCouponRequest { coupon_id: coupon.coupon_id.clone() };
    let retired = shop.admin().retire_coupon(request.clone()).await.unwrap().into_inner().coupon.unwrap();
    assert_eq!(retired.state(), CouponState::Retired);
    shop.rig.clock.advance(Duration::from_secs(1));
    assert_eq!(shop.admin().retire_coupon(request).await.unwrap().into_inner().coupon, Some(retired));
    let refusal = update(&shop, Coupon { name: "x".into(), ..coupon }, &["name"]).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "COUPON_RETIRED"));
}

#[tokio::test]
async fn only_an_admin_manages_and_unknown_coupons_are_not_found() {
    let shop = Shop::open().await;
    let request = CreateCouponRequest { request_id: new_id(), coupon: Some(fixed(1)) };
    let mut customer = shop.calling_as(&shop.customer());
    assert_eq!(customer.create_coupon(request).await.unwrap_err().code(), Code::PermissionDenied);
    let request = RetireCouponRequest { coupon_id: new_id() };
    let unknown = shop.admin().retire_coupon(request).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "COUPON_NOT_FOUND"));
    let named = Coupon { coupon_id: new_id(), name: "x".into(), ..Default::default() };
    assert_eq!(update(&shop, named, &[]).await.unwrap_err().code(), Code::NotFound);
}
