//! First come, first served.

use std::time::Duration;

use bojagi_api::common::TimeRange;
use bojagi_api::coupon::{Coupon, CouponIssued, GetCouponRequest, IssueCouponRequest, RetireCouponRequest};
use bojagi_chassis::wire;
use bojagi_kernel::Clock;
use bojagi_testkit::reason;
use futures::future::join_all;
use tonic::Code;

use crate::shop::{Shop, fields, fixed, metadata, new_id};

fn limited(issue_limit: i64) -> Coupon {
    Coupon { issue_limit, ..fixed(1_000) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_customers_at_once_get_exactly_the_limit() {
    let shop = Shop::open().await;
    let coupon = shop.create(limited(100)).await;
    let customers: Vec<_> = (0..1_000).map(|_| shop.customer()).collect();
    let outcomes = join_all(customers.iter().map(|customer| shop.issue(customer, &coupon.coupon_id))).await;

    let refusals: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refusals.len(), 900);
    for refusal in refusals {
        assert_eq!((refusal.code(), reason(refusal).as_str()), (Code::FailedPrecondition, "COUPON_SOLD_OUT"));
        assert_eq!(metadata(refusal, "issue_limit"), "100");
    }
    let request = GetCouponRequest { coupon_id: coupon.coupon_id.clone() };
    let after = shop.admin().get_coupon(request).await.unwrap().into_inner().coupon.unwrap();
    assert_eq!(after.issued_count, 100);
    assert_eq!(shop.told::<CouponIssued>().await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_customer_sixty_four_times_at_once_gets_one() {
    let shop = Shop::open().await;
    let coupon = shop.create(limited(10)).await;
    let customer = shop.customer();
    let outcomes = join_all((0..64).map(|_| shop.issue(&customer, &coupon.coupon_id))).await;

    let issued: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(issued.len(), 1);
    for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!((refusal.code(), reason(refusal).as_str()), (Code::AlreadyExists, "COUPON_ALREADY_ISSUED"));
        assert_eq!(metadata(refusal, "issued_coupon_id"), issued[0].issued_coupon_id);
    }
    let request = GetCouponRequest { coupon_id: coupon.coupon_id };
    let after = shop.admin().get_coupon(request).await.unwrap().into_inner().coupon.unwrap();
    assert_eq!(after.issued_count, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_sixty_four_times_at_once_has_one_answer() {
    let shop = Shop::open().await;
    let coupon = shop.create(limited(10)).await;
    let customer = shop.customer();
    let request = IssueCouponRequest { request_id: new_id(), coupon_id: coupon.coupon_id.clone() };
    let answers = join_all((0..64).map(|_| {
        let (mut client, request) = (shop.calling_as(&customer), request.clone());
        async move { client.issue_coupon(request).await.unwrap().into_inner() }
    }))
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(shop.told::<CouponIssued>().await.len(), 1);

    let other = IssueCouponRequest { coupon_id: shop.create(limited(10)).await.coupon_id, ..request };
    let refusal = shop.calling_as(&customer).issue_coupon(other).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test]
async fn who_came_first_is_served_and_it_survives_a_crash() {
    let shop = Shop::open().await;
    let coupon = shop.create(limited(2)).await;
    let customers: Vec<_> = (0..3).map(|_| shop.customer()).collect();
    shop.issue(&customers[0], &coupon.coupon_id).await.unwrap();
    let second = shop.issue(&customers[1], &coupon.coupon_id).await.unwrap();

    let shop = shop.crash().await;
    assert_eq!(reason(&shop.issue(&customers[2], &coupon.coupon_id).await.unwrap_err()), "COUPON_SOLD_OUT");
    let again = shop.issue(&customers[1], &coupon.coupon_id).await.unwrap_err();
    assert_eq!(metadata(&again, "issued_coupon_id"), second.issued_coupon_id);
}

#[tokio::test]
async fn it_is_issued_within_its_window_only() {
    let shop = Shop::open().await;
    let now = shop.rig.clock.now();
    let (opens_at, closes_at) = (now + Duration::from_secs(60), now + Duration::from_secs(120));
    let window = TimeRange { starts_at: Some(wire::timestamp(opens_at)), ends_at: Some(wire::timestamp(closes_at)) };
    let coupon = shop.create(Coupon { issue_window: Some(window), ..limited(10) }).await;
    let customer = shop.customer();

    let early = shop.issue(&customer, &coupon.coupon_id).await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "COUPON_NOT_OPEN"));
    assert_eq!(metadata(&early, "opens_at"), opens_at.to_string());
    shop.rig.clock.set(opens_at);
    shop.issue(&customer, &coupon.coupon_id).await.unwrap();
    shop.rig.clock.set(closes_at);
    let late = shop.issue(&shop.customer(), &coupon.coupon_id).await.unwrap_err();
    assert_eq!(reason(&late), "COUPON_NOT_OPEN");
    assert_eq!(metadata(&late, "closes_at"), closes_at.to_string());
}

#[tokio::test]
async fn what_cannot_be_issued_is_refused_with_its_reason() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let unknown = shop.issue(&customer, &new_id()).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "COUPON_NOT_FOUND"));

    let coupon = shop.create(limited(10)).await;
    let request = RetireCouponRequest { coupon_id: coupon.coupon_id.clone() };
    shop.admin().retire_coupon(request).await.unwrap();
    let retired = shop.issue(&customer, &coupon.coupon_id).await.unwrap_err();
    assert_eq!((retired.code(), reason(&retired).as_str()), (Code::FailedPrecondition, "COUPON_RETIRED"));

    let malformed = IssueCouponRequest { request_id: "1".into(), coupon_id: "2".into() };
    let refusal = shop.calling_as(&customer).issue_coupon(malformed).await.unwrap_err();
    assert_eq!(fields(&refusal), ["request_id", "coupon_id"]);

    let mut anonymous = bojagi_api::coupon::coupon_service_client::CouponServiceClient::new(shop.rig.anonymous());
    let request = IssueCouponRequest { request_id: new_id(), coupon_id: coupon.coupon_id };
    assert_eq!(anonymous.issue_coupon(request.clone()).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(shop.admin().issue_coupon(request).await.unwrap_err().code(), Code::PermissionDenied);
}
