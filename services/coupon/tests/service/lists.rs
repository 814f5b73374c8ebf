//! Lists.

use std::time::Duration;

use bojagi_api::common::TimeRange;
use bojagi_api::coupon::{
    Coupon, CouponScope, CouponState, IssuedCouponState, ListCouponsRequest, ListMyCouponsRequest,
    ListUsableCouponsRequest, RetireCouponRequest,
};
use bojagi_chassis::wire::timestamp;
use bojagi_kernel::Clock;
use bojagi_testkit::reason;
use tonic::Code;

use crate::shop::{Shop, ask, fields, fixed, for_order, with_piece};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn listed(shop: &Shop, request: ListCouponsRequest) -> Vec<String> {
    let answer = shop.admin().list_coupons(request).await.unwrap().into_inner();
    answer.coupons.into_iter().map(|coupon| coupon.coupon_id).collect()
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_while_coupons_come() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        // Two of them at the same moment: the id decides.
        ids.push(shop.create(fixed(1)).await.coupon_id);
        ids.push(shop.create(fixed(1)).await.coupon_id);
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    ids.reverse();

    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCouponsRequest { page_size: 3, page_token, ..Default::default() };
        let page = shop.admin().list_coupons(request).await.unwrap().into_inner();
        seen.extend(page.coupons.into_iter().map(|coupon| coupon.coupon_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        shop.create(fixed(1)).await;
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn coupons_are_listed_by_scope_state_and_whether_they_are_open() {
    let shop = Shop::open().await;
    let item = shop.create(fixed(1)).await.coupon_id;
    let order = shop.create(for_order(fixed(1))).await.coupon_id;
    let retired = shop.create(fixed(1)).await.coupon_id;
    shop.admin().retire_coupon(RetireCouponRequest { coupon_id: retired.clone() }).await.unwrap();
    let sold_out = shop.create(Coupon { issue_limit: 1, ..fixed(1) }).await.coupon_id;
    shop.issue(&shop.customer(), &sold_out).await.unwrap();

    let of_order = ListCouponsRequest { scope: CouponScope::Order.into(), ..Default::default() };
    assert_eq!(listed(&shop, of_order).await, std::slice::from_ref(&order));
    let gone = ListCouponsRequest { state: CouponState::Retired.into(), ..Default::default() };
    assert_eq!(listed(&shop, gone).await, [retired]);
    let open = ListCouponsRequest { only_issuable: true, ..Default::default() };
    assert_eq!(listed(&shop, open).await, [order, item]);
}

#[tokio::test]
async fn ones_own_pieces_are_listed_by_their_state_now() {
    let shop = Shop::open().await;
    let (customer, other) = (shop.customer(), shop.customer());
    shop.piece(&other, fixed(1)).await;
    let free = shop.piece(&customer, Coupon { issued_valid_days: 3, ..fixed(1_000) }).await;
    let short = shop.piece(&customer, Coupon { issued_valid_days: 1, ..fixed(1_000) }).await;
    let taken = shop.piece(&customer, fixed(1_000)).await;
    let taken_by = ask(&customer, &[10_000]);
    shop.reserve(with_piece(taken_by.clone(), 0, &taken, 1_000)).await.unwrap();
    let listed = async |state: IssuedCouponState| {
        let request = ListMyCouponsRequest { state: state.into(), ..Default::default() };
        let answer = shop.calling_as(&customer).list_my_coupons(request).await.unwrap().into_inner();
        let ids = answer.issued_coupons.into_iter().map(|piece| {
            assert!(state == IssuedCouponState::Unspecified || piece.state() == state);
            piece.issued_coupon_id
        });
        ids.collect::<Vec<_>>()
    };

    let all = [&taken, &short, &free].map(|piece| piece.issued_coupon_id.clone());
    assert_eq!(listed(IssuedCouponState::Unspecified).await, all);
    assert_eq!(listed(IssuedCouponState::Available).await, all[1..]);
    assert_eq!(listed(IssuedCouponState::Reserved).await, all[..1]);
    // Nobody has written it down yet, or somebody has: it is expired all the same.
    shop.rig.clock.advance(DAY);
    assert_eq!(listed(IssuedCouponState::Available).await, all[2..]);
    assert_eq!(listed(IssuedCouponState::Expired).await, all[1..2]);
    assert_eq!(listed(IssuedCouponState::Used).await, [] as [String; 0]);
}

#[tokio::test]
async fn what_a_customer_can_use_is_listed_for_order_by_its_end() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    shop.piece(&shop.customer(), fixed(1)).await;
    let late = shop.piece(&customer, Coupon { issued_valid_days: 9, ..fixed(1) }).await;
    let soon = shop.piece(&customer, Coupon { issued_valid_days: 1, ..fixed(1) }).await;
    let middle = shop.piece(&customer, Coupon { issued_valid_days: 5, ..fixed(1) }).await;
    let to_come = TimeRange { starts_at: Some(timestamp(shop.rig.clock.now() + DAY)), ends_at: None };
    shop.piece(&customer, Coupon { valid_window: Some(to_come), ..fixed(1) }).await;
    let taken = shop.piece(&customer, fixed(1_000)).await;
    shop.reserve(with_piece(ask(&customer, &[10_000]), 0, &taken, 1_000)).await.unwrap();

    let usable = async |page_size: i32| {
        let request = ListUsableCouponsRequest { customer_id: customer.account_id.to_string(), page_size };
        let answer = shop.order().list_usable_coupons(request).await.unwrap().into_inner();
        let ids = answer.issued_coupons.into_iter().map(|piece| piece.issued_coupon_id);
        (ids.collect::<Vec<_>>(), answer.total)
    };
    let [soon, middle, late] = [soon, middle, late].map(|piece| piece.issued_coupon_id);
    assert_eq!(usable(0).await, (vec![soon.clone(), middle.clone(), late.clone()], 3));
    assert_eq!(usable(2).await, (vec![soon, middle.clone()], 3));
    shop.rig.clock.advance(DAY);
    assert_eq!(usable(1).await.0, [middle]);

    let wrong = ListUsableCouponsRequest { customer_id: "x".into(), page_size: -1 };
    let refusal = shop.order().list_usable_coupons(wrong).await.unwrap_err();
    assert_eq!(fields(&refusal), ["customer_id", "page_size"]);
}

#[tokio::test]
async fn ones_own_pieces_come_in_pages() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(shop.piece(&customer, fixed(1)).await.issued_coupon_id);
    }
    ids.reverse();
    let mut client = shop.calling_as(&customer);
    let request = ListMyCouponsRequest { page_size: 3, ..Default::default() };
    let first = client.list_my_coupons(request).await.unwrap().into_inner();
    let request =
        ListMyCouponsRequest { page_size: 3, page_token: first.next_page_token.clone(), ..Default::default() };
    let second = client.list_my_coupons(request.clone()).await.unwrap().into_inner();
    assert_eq!(second.next_page_token, "");
    let seen = first.issued_coupons.iter().chain(&second.issued_coupons);
    assert_eq!(seen.map(|piece| piece.issued_coupon_id.clone()).collect::<Vec<_>>(), ids);

    let stolen = shop.calling_as(&shop.customer()).list_my_coupons(request).await.unwrap_err();
    assert_eq!((stolen.code(), reason(&stolen).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
    assert_eq!(fields(&stolen), ["page_token"]);
}

#[tokio::test]
async fn a_list_that_is_asked_for_wrongly_says_where() {
    let shop = Shop::open().await;
    let request =
        ListCouponsRequest { scope: 9, state: 9, page_size: -1, page_token: "x".into(), only_issuable: false };
    let refusal = shop.admin().list_coupons(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["scope", "state", "page_size", "page_token"]);
    let request = ListMyCouponsRequest { state: -1, page_size: -1, page_token: "x".into() };
    let refusal = shop.calling_as(&shop.customer()).list_my_coupons(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["state", "page_size", "page_token"]);
}
