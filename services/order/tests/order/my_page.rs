//! The page of a customer. Of the contexts that it asks only coupon is there; the whole is seen in `e2e`.

use bojagi_api::order::{MyPagePart, OrderState};
use bojagi_order::Config;
use bojagi_testkit::eventually;

use crate::house::{House, basket, impatient};
use crate::peers::Fault;

const NOT_THERE: [MyPagePart; 3] = [MyPagePart::Profile, MyPagePart::Points, MyPagePart::Wishlist];

#[tokio::test]
async fn a_page_has_what_is_open_and_what_is_on_its_way() {
    let house = House::open().await;
    let done = house.place(basket()).await.unwrap();
    house.cancel(&done.id).await.unwrap();
    house.until(&done.id, OrderState::Cancelled).await;
    let open = house.place(basket()).await.unwrap();

    let page = house.page_of(&house.customer).await.unwrap();
    assert_eq!(page.open_orders, [house.order(&open.id).await]);
    let parcels: Vec<_> = page.recent_deliveries.iter().map(|parcel| parcel.order_id.as_str()).collect();
    assert_eq!(parcels, [&open.id, &open.id, &done.id, &done.id]);
    assert_eq!((page.coupons.len(), page.coupon_count), (1, 3));
    assert_eq!(page.coupons[0].customer_id, house.customer.account_id.to_string());
    assert_eq!(page.missing().collect::<Vec<_>>(), NOT_THERE);

    let stranger = house.page_of(&house.sellers[0]).await.unwrap();
    assert_eq!((stranger.open_orders.len(), stranger.recent_deliveries.len()), (0, 0));
}

#[tokio::test]
async fn a_part_that_does_not_come_is_left_out_and_named() {
    let house = House::with(Config { page_patience_milliseconds: 20, ..impatient() }).await;
    house.place(basket()).await.unwrap();
    for fault in [Fault::Hang, Fault::Unavailable] {
        house.coupons.usable.then([fault]);
        let page = house.page_of(&house.customer).await.unwrap();
        assert_eq!(page.open_orders.len(), 1);
        assert_eq!((page.coupons.len(), page.coupon_count), (0, 0));
        let [profile, points, wishlist] = NOT_THERE;
        let missing: Vec<_> = page.missing().collect();
        assert_eq!(missing, [profile, points, MyPagePart::Coupons, wishlist]);
    }
    eventually("coupon is back", async || house.page_of(&house.customer).await.unwrap().missing().eq(NOT_THERE)).await;
}

#[tokio::test]
async fn a_page_is_answered_before_its_caller_stops_waiting() {
    let margin = 10_000;
    let config = Config { page_patience_milliseconds: 60_000, answer_margin_milliseconds: margin, ..impatient() };
    let house = House::with(config).await;
    house.coupons.usable.then([Fault::Hang]);
    let mut request = tonic::Request::new(bojagi_api::order::GetMyPageRequest {});
    request.set_timeout(std::time::Duration::from_millis(margin + 100));
    let page = house.pages(&house.customer).get_my_page(request).await.unwrap().into_inner();
    assert!(page.missing().any(|part| part == MyPagePart::Coupons));
}
