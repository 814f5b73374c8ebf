//! The first page that a customer sees, over all contexts.

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::item::{AddWishlistEntryRequest, WishlistEntry};
use bojagi_api::order::{GetMyPageRequest, MyPagePart, OrderState};
use bojagi_e2e::{Shop, Wish, won};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_every_context_keeps_about_its_caller() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 100).await;
    let (buyer, other) = (shop.buyer(50_000).await, shop.buyer(1).await);
    let off = Coupon {
        name: "Off".into(),
        benefit: Some(Benefit::FixedAmount(won(1_000))),
        scope: CouponScope::Item.into(),
        ..Coupon::default()
    };
    let issued = buyer.take_coupon(&shop.coupon(off).await).await.unwrap();
    let wish = AddWishlistEntryRequest {
        request_id: Uuid::now_v7().to_string(),
        option_id: offer.option_id.clone(),
        quantity: 2,
    };
    let wish = buyer.wishes().add_wishlist_entry(wish).await.unwrap().into_inner().entry.unwrap();
    let order = buyer.place(&Wish { points: 10_000, ..Wish::of(&offer, 1, "") }).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");

    let page = buyer.pages().get_my_page(GetMyPageRequest {}).await.unwrap().into_inner();
    assert_eq!(page.points, Some(buyer.balance().await.unwrap()));
    assert_eq!(page.coupons.iter().map(|piece| &piece.issued_coupon_id).collect::<Vec<_>>(), [&issued]);
    assert_eq!(page.coupon_count, 1);
    let WishlistEntry { option_id, quantity, .. } = &page.wishlist[0];
    assert_eq!((option_id, *quantity, page.wishlist_count), (&wish.option_id, 2, 1));
    assert_eq!(page.open_orders, [buyer.order(&order.id).await]);
    assert_eq!(page.recent_deliveries[0].order_id, order.id);
    // This buyer has a token and was never signed up, so user knows no account of theirs.
    assert_eq!(page.missing().collect::<Vec<_>>(), [MyPagePart::Profile]);

    let page = other.pages().get_my_page(GetMyPageRequest {}).await.unwrap().into_inner();
    assert_eq!((page.coupons.len(), page.open_orders.len(), page.recent_deliveries.len()), (0, 0, 0));
}
