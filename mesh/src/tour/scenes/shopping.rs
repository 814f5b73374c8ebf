//! The order that goes well: search, quote, order over two stores, watch it.

use bojagi_api::coupon::{IssuedCouponState, QuoteReason};
use bojagi_api::item::{AddWishlistEntryRequest, FollowStoreRequest, HeartItemRequest, ItemOrder, SearchItemsRequest};
use bojagi_api::order::{GetMyPageRequest, MoneyState, OrderState, Wait};
use bojagi_api::payment::PaymentState;

use super::opening::Shop;
use super::orders;
use super::preparing::{POINTS, Wallet};
use super::sign_up::Cast;
use crate::tour::TourError;
use crate::tour::arithmetic::Sums;
use crate::tour::expect;
use crate::tour::patience::until_as_expected;
use crate::tour::purchase::{Product, Purchase, Wanted, new_request_id};
use crate::tour::timeline::{Timeline, Told, krw};

/// The points that pay a part of the order, in won.
pub(super) const POINTS_USED: i64 = 5_000;

/// An order that was paid.
pub(in crate::tour) struct Bought<'a> {
    pub(in crate::tour) purchase: Purchase<'a>,
    pub(in crate::tour) order_id: String,
    pub(in crate::tour) trace_id: String,
}

pub(in crate::tour) async fn play<'a>(
    cast: &Cast,
    shop: &'a Shop,
    wallet: &'a Wallet,
    timeline: &mut Timeline,
) -> Result<Bought<'a>, TourError> {
    timeline.scene("An order over two stores")?;
    let customer = &cast.customer;
    timeline.step(format!("she searches for {:?}, cheapest first", cast.tag), search(cast, shop)).await?;

    timeline.step("she likes the cake, follows its store and wishes for a notebook", likes(cast, shop)).await?;

    let purchase = Purchase {
        lines: vec![
            Wanted { product: &shop.cake, quantity: 1, coupons: vec![&wallet.first_come, &wallet.makers] },
            Wanted { product: &shop.notebook, quantity: 3, coupons: vec![] },
            Wanted { product: &shop.tea, quantity: 2, coupons: vec![] },
        ],
        order_coupon: Some(&wallet.basket),
        points: POINTS_USED,
        payment_method_id: &wallet.card,
    };
    let asks = async {
        let quote = purchase.quote(customer).await?;
        let verdicts: Vec<_> = quote.coupons.iter().map(|coupon| coupon.reason()).collect();
        let expected = vec![QuoteReason::Applied, QuoteReason::Applied, QuoteReason::Clamped];
        expect::equal("what the quote says of the coupons", expected, verdicts)?;
        let story = format!("{} - {} = {} KRW", krw(purchase.gross()), krw(purchase.discount()), krw(purchase.net()));
        Ok(Told::new(quote, story).and_all(told_by_line(&purchase)))
    };
    let quote = timeline.step("she asks what three coupons take off three lines", asks).await?;

    let places = async {
        let request = purchase.order_request(&quote, Wait::None);
        let answer = customer.gateway.orders().place_order(request).await?.into_inner();
        let order = expect::there("the order", answer.order)?;
        let early = [OrderState::Pending, OrderState::Confirmed];
        expect::one_of("the state of the order", &early, &order.state())?;
        let trace_id = orders::own_trace();
        let story = format!("order {}, {}", order.id, orders::state_word(order.state()));
        let trace = format!("trace {trace_id}");
        Ok(Told::new((order.id, trace_id), story).and(trace))
    };
    let (points, card) = (krw(POINTS_USED), krw(purchase.external()));
    let asked = format!("she orders: {points} with points, {card} with the card; without waiting");
    let (order_id, trace_id) = timeline.step(asked, places).await?;
    let bought = Bought { purchase, order_id, trace_id };

    timeline.step("she watches the order", becomes_confirmed(cast, &bought)).await?;
    timeline.step("what followed in the other contexts", aftermath(cast, shop, wallet, &bought)).await?;
    timeline.step("she looks at her page", page(cast, wallet, &bought)).await?;
    Ok(bought)
}

/// All that the shop keeps about her, in one call.
async fn page(cast: &Cast, wallet: &Wallet, bought: &Bought<'_>) -> Result<Told<()>, TourError> {
    // A part that does not come in time is left out, and in the next call it is there.
    until_as_expected(|| all_on_page(cast, wallet, bought)).await?;
    Ok(Told::new(
        (),
        "her account, points, the coupon that is left, a wish, an open order and two deliveries, in one call",
    ))
}

async fn all_on_page(cast: &Cast, wallet: &Wallet, bought: &Bought<'_>) -> Result<(), TourError> {
    let customer = &cast.customer;
    let page = customer.gateway.pages().get_my_page(GetMyPageRequest {}).await?.into_inner();
    expect::equal("the parts of the page that are missing", vec![], page.missing().collect())?;
    let profile = expect::there("the profile", page.profile)?;
    expect::equal("whose page it is", &customer.account.email, &profile.email)?;
    let points = expect::there("the points", page.points)?;
    expect::amount("the points on the page", POINTS - POINTS_USED, points.available.as_ref())?;
    let usable = page.coupons.iter().map(|piece| piece.issued_coupon_id.as_str()).collect();
    expect::equal("the coupons that she has left", vec![wallet.comeback.id()], usable)?;
    let open: Vec<_> = page.open_orders.iter().map(|order| &order.id).collect();
    expect::equal("the open orders", vec![&bought.order_id], open)?;
    expect::equal("the wishes", 1, page.wishlist_count)?;
    expect::equal("the deliveries", 2, page.recent_deliveries.len())
}

async fn search(cast: &Cast, shop: &Shop) -> Result<Told<()>, TourError> {
    let request = SearchItemsRequest {
        keyword: cast.tag.clone(),
        in_stock: true,
        order: ItemOrder::PriceAsc.into(),
        ..SearchItemsRequest::default()
    };
    let found = cast.customer.gateway.catalog().search_items(request).await?.into_inner().items;
    let ids: Vec<&str> = found.iter().map(|item| item.item_id.as_str()).collect();
    let expected = [&shop.tea, &shop.notebook, &shop.cake].map(|product| product.item_id.as_str());
    expect::equal("the items that were found", &expected[..], &ids)?;
    Ok(Told::new((), found.iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join("; ")))
}

/// A heart and a follow count once, however often they are given.
async fn likes(cast: &Cast, shop: &Shop) -> Result<Told<()>, TourError> {
    let gateway = &cast.customer.gateway;
    let (item_id, store_id) = (&shop.cake.item_id, &shop.cake.store_id);
    for _ in 0..2 {
        let heart = HeartItemRequest { request_id: new_request_id(), item_id: item_id.clone() };
        let hearts = gateway.catalog().heart_item(heart).await?.into_inner().hearts;
        expect::equal("the hearts of the cake", 1, hearts)?;
    }
    let follow = FollowStoreRequest { request_id: new_request_id(), store_id: store_id.clone() };
    let followers = gateway.stores().follow_store(follow).await?.into_inner().followers;
    expect::equal("the followers of its store", 1, followers)?;
    let wish = AddWishlistEntryRequest {
        request_id: new_request_id(),
        option_id: shop.notebook.option_id.clone(),
        quantity: 1,
    };
    let added = gateway.wishes().add_wishlist_entry(wish).await?.into_inner();
    let entry = expect::there("the entry of the wishlist", added.entry)?;
    expect::amount("what she wishes for costs", shop.notebook.price, entry.price.as_ref())?;
    Ok(Told::new((), "1 heart, although she gives it twice; 1 follower; 1 wish"))
}

fn told_by_line(purchase: &Purchase<'_>) -> Vec<String> {
    let line = |(wanted, sums): (&Wanted<'_>, Sums)| {
        let Product { name, .. } = wanted.product;
        let [gross, item, order, net, seller, platform] =
            [sums.gross, sums.item_discount, sums.order_discount, sums.net, sums.seller_pays, sums.platform_pays]
                .map(krw);
        let pays = format!("the seller pays {seller}, the platform {platform} of the discount");
        format!("{} x {name}: {gross} - {item} - {order} = {net} KRW ({pays})", wanted.quantity)
    };
    purchase.lines.iter().zip(purchase.sums()).map(line).collect()
}

async fn becomes_confirmed(cast: &Cast, bought: &Bought<'_>) -> Result<Told<()>, TourError> {
    let (order, seen) = orders::watch_until(&cast.customer, &bought.order_id, OrderState::Confirmed).await?;
    bought.purchase.check(&order)?;
    expect::equal("where the money of the order is", MoneyState::Paid, order.money_state())?;
    expect::equal("the deliveries, one a store", 2, order.deliveries.len())?;

    let history = orders::history(&cast.customer, &bought.order_id).await?;
    let expected = vec![OrderState::Pending, OrderState::Confirmed];
    expect::equal("the history of the order", expected, orders::states(&history))?;
    for entry in &history {
        expect::equal("the trace of the order's history", &bought.trace_id, &entry.trace_id)?;
    }
    Ok(Told::new((), format!("seen: {}", seen.join(", "))).and(orders::told(&history)))
}

/// Item, coupon and payment have heard of it, or were asked.
async fn aftermath(cast: &Cast, shop: &Shop, wallet: &Wallet, bought: &Bought<'_>) -> Result<Told<()>, TourError> {
    let customer = &cast.customer;
    until_as_expected(|| async {
        orders::check_stock(customer, &shop.cake, 1).await?;
        orders::check_stock(customer, &shop.notebook, 3).await?;
        orders::check_stock(customer, &shop.tea, 2).await
    })
    .await?;
    until_as_expected(|| async {
        for piece in [&wallet.first_come, &wallet.makers, &wallet.basket] {
            let now = orders::piece_now(customer, piece).await?;
            expect::equal("the state of the coupon", IssuedCouponState::Used, now.state())?;
            expect::equal("the order of the coupon", &bought.order_id, &now.order_id)?;
        }
        Ok(())
    })
    .await?;
    orders::check_points(customer, POINTS - POINTS_USED).await?;

    let answer = orders::payment_of(customer, &bought.order_id).await?;
    let payment = expect::there("the payment", answer.payment)?;
    expect::equal("the state of the payment", PaymentState::Captured, payment.state())?;
    expect::amount("what was captured", bought.purchase.net(), payment.captured.as_ref())?;
    expect::amount("the points of the payment", POINTS_USED, payment.points.as_ref())?;
    expect::amount("the card's part of the payment", bought.purchase.external(), payment.external.as_ref())?;
    let (captured, left) = (krw(bought.purchase.net()), krw(POINTS - POINTS_USED));
    Ok(Told::new((), "item: 1 + 3 + 2 pieces sold; coupon: three pieces used")
        .and(format!("payment: {captured} KRW captured; {left} points are left")))
}
