//! A cart over the whole mesh: filled, compared with the catalogue, ordered in part, and given back when the card is declined.

use bojagi_api::item::{DeleteItemRequest, GetItemRequest, OptionDraft, UpdateItemRequest};
use bojagi_api::order::cart_change::Change;
use bojagi_api::order::{
    AddCartLineRequest, CartItemGone, CartPriceChange, CheckOutCartRequest, GetCartRequest, GetCartResponse, Order,
    OrderState,
};
use bojagi_api::policy::Role;
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_testkit::reason;
use futures::future::join_all;
use tonic::{Code, Status};
use uuid::Uuid;

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

async fn add(person: &Person, offer: &Offer, quantity: i64) {
    let request = AddCartLineRequest { request_id: new_id(), option_id: offer.option_id.clone(), quantity };
    person.carts().add_cart_line(request).await.unwrap();
}

async fn look(person: &Person) -> GetCartResponse {
    let shown = person.carts().get_cart(GetCartRequest::default()).await.unwrap().into_inner();
    assert!(shown.compared);
    shown
}

async fn contents(person: &Person) -> Vec<(String, i64)> {
    let cart = look(person).await.cart.unwrap();
    cart.lines.into_iter().map(|line| (line.option_id, line.quantity)).collect()
}

/// Everything that is said of an order of the cart, paid by a card.
fn check_out_of(revision: i64, offers: &[&Offer], card: &str) -> CheckOutCartRequest {
    let wish = Wish { card: card.to_owned(), ..Wish::default() }.request();
    CheckOutCartRequest {
        request_id: new_id(),
        seen_revision: revision,
        option_ids: offers.iter().map(|offer| offer.option_id.clone()).collect(),
        tender: wish.tender,
        delivery_address: wish.delivery_address,
        ..Default::default()
    }
}

async fn check_out(person: &Person, request: CheckOutCartRequest) -> Result<Order, Status> {
    Ok(person.carts().check_out_cart(request).await?.into_inner().order.unwrap())
}

/// The seller asks another price.
async fn price(seller: &Person, offer: &Offer, price: i64) {
    let mut catalogue = seller.catalogue();
    let item = catalogue.get_item(GetItemRequest { item_id: offer.item_id.clone() }).await.unwrap().into_inner();
    let option = item.item.unwrap().options.remove(0);
    let kept =
        OptionDraft { option_id: option.option_id, name: option.name, price: Some(won(price)), ..Default::default() };
    let request = UpdateItemRequest {
        request_id: new_id(),
        item_id: offer.item_id.clone(),
        options: vec![kept],
        ..Default::default()
    };
    catalogue.update_item(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_is_seen_before_it_is_ordered_and_the_rest_stays() {
    let shop = Shop::open().await;
    let (seller, tea) = shop.offer(10_000, 10).await;
    let (_, cup) = shop.offer(5_000, 10).await;
    let (potter, bowl) = shop.offer(7_000, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    for (offer, quantity) in [(&tea, 1), (&cup, 3), (&bowl, 1), (&tea, 1)] {
        add(&buyer, offer, quantity).await;
    }
    let seen = look(&buyer).await.cart.unwrap();
    assert_eq!(seen.totals, [won(42_000)]);

    price(&seller, &tea, 12_000).await;
    potter.catalogue().delete_item(DeleteItemRequest { item_id: bowl.item_id.clone() }).await.unwrap();
    let refused = check_out(&buyer, check_out_of(seen.revision, &[&tea], &card)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CART_CHANGED"));
    let shown = look(&buyer).await;
    let changes: Vec<_> = shown.changes.into_iter().map(|change| (change.option_id, change.change.unwrap())).collect();
    let dearer = CartPriceChange { before: Some(won(10_000)), now: Some(won(12_000)) };
    assert_eq!(
        changes,
        [
            (tea.option_id.clone(), Change::PriceChanged(dearer)),
            (bowl.option_id.clone(), Change::ItemGone(CartItemGone {})),
        ]
    );
    assert!(look(&buyer).await.changes.is_empty());

    let request = check_out_of(shown.cart.unwrap().revision, &[&tea], &card);
    let order = check_out(&buyer, request.clone()).await.unwrap();
    assert_eq!((order.state(), order.totals.clone().unwrap().net), (OrderState::Confirmed, Some(won(24_000))));
    assert_eq!(contents(&buyer).await, [(cup.option_id.clone(), 3), (bowl.option_id.clone(), 1)]);
    assert_eq!(check_out(&buyer, request).await.unwrap().id, order.id);
    shop.verify().await;
    assert_eq!(shop.stock(&tea).await.sold, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_brings_the_lines_back() {
    let shop = Shop::open().await;
    let (_, tea) = shop.offer(10_000, 10).await;
    let (_, cup) = shop.offer(5_000, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let (declined, good) = (buyer.card("tok_decline_insufficient_funds").await, buyer.card("tok_approve").await);
    add(&buyer, &tea, 2).await;
    add(&buyer, &cup, 1).await;
    let filled = [(tea.option_id.clone(), 2), (cup.option_id.clone(), 1)];
    let revision = look(&buyer).await.cart.unwrap().revision;
    let order = check_out(&buyer, check_out_of(revision, &[], &declined)).await.unwrap();
    assert_eq!(order.failure.as_ref().map(|failure| failure.reason.as_str()), Some("PAYMENT_DECLINED"));
    assert_eq!(contents(&buyer).await, filled);
    buyer.wait_for(&order.id, OrderState::Cancelled).await;
    let revision = look(&buyer).await.cart.unwrap().revision;
    let order = check_out(&buyer, check_out_of(revision, &[], &good)).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    assert_eq!(contents(&buyer).await, []);
    shop.verify().await;
}

/// As R1, out of carts: who gets nothing has their cart again.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_carts_and_few_pieces_each_is_ordered_or_kept() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 5).await;
    let buyers: Vec<_> = (0..16).map(|_| shop.person(&[Role::Customer])).collect();
    let bought = join_all(buyers.iter().map(async |buyer| {
        let card = buyer.card("tok_approve").await;
        add(buyer, &offer, 1).await;
        let revision = look(buyer).await.cart.unwrap().revision;
        let ordered = check_out(buyer, check_out_of(revision, &[], &card)).await;
        let confirmed = match ordered {
            Ok(order) if order.state() == OrderState::Confirmed => true,
            Ok(order) => {
                assert_eq!(order.failure.unwrap().reason, "OUT_OF_STOCK");
                false
            }
            Err(refused) => {
                let reason = reason(&refused);
                assert!(["CART_CHANGED", "CART_LINE_NOT_AVAILABLE"].contains(&reason.as_str()), "{refused:?}");
                false
            }
        };
        assert_eq!(contents(buyer).await.len(), usize::from(!confirmed));
        usize::from(confirmed)
    }))
    .await;
    assert_eq!(bought.iter().sum::<usize>(), 5);
    shop.verify().await;
    assert_eq!(shop.stock(&offer).await.available, 0);
}
