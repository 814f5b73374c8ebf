//! The order that the customer takes back after it was paid.

use bojagi_api::order::{CancelOrderRequest, DeliveryState, MoneyState, OrderState, Wait};
use bojagi_api::payment::{PaymentState, RefundState};

use super::opening::Shop;
use super::orders;
use super::preparing::{POINTS, Wallet};
use super::shopping::POINTS_USED as POINTS_SPENT;
use super::sign_up::Cast;
use crate::tour::TourError;
use crate::tour::expect;
use crate::tour::purchase::{Purchase, Wanted, new_request_id};
use crate::tour::timeline::{Timeline, Told, krw};

/// The points that pay a part of it and come back, in won.
const POINTS_USED: i64 = 3_000;

/// What was bought and given back.
pub(in crate::tour) async fn play<'a>(
    cast: &Cast,
    shop: &'a Shop,
    wallet: &'a Wallet,
    timeline: &mut Timeline,
) -> Result<Purchase<'a>, TourError> {
    timeline.scene("An order that is cancelled")?;
    let customer = &cast.customer;
    let purchase = Purchase {
        lines: vec![
            Wanted { product: &shop.cake, quantity: 1, coupons: vec![&wallet.comeback] },
            Wanted { product: &shop.notebook, quantity: 1, coupons: vec![] },
        ],
        order_coupon: None,
        points: POINTS_USED,
        payment_method_id: &wallet.card,
    };

    let places = async {
        let quote = purchase.quote(customer).await?;
        let request = purchase.order_request(&quote, Wait::Unspecified);
        let answer = customer.gateway.orders().place_order(request).await?.into_inner();
        let order = expect::there("the order", answer.order)?;
        expect::equal("the state of the order", OrderState::Confirmed, order.state())?;
        purchase.check(&order)?;
        orders::check_points(customer, POINTS - POINTS_SPENT - POINTS_USED).await?;
        let story = format!("order {}, CONFIRMED", order.id);
        Ok(Told::new(order.id, story).and(format!("trace {}", orders::own_trace())))
    };
    let asked = format!("she orders for {} KRW with the coupon that came back, and waits", krw(purchase.net()));
    let order_id = timeline.step(asked, places).await?;

    let cancels = async {
        let request = CancelOrderRequest { request_id: new_request_id(), order_id: order_id.clone() };
        let answer = customer.gateway.orders().cancel_order(request.clone()).await?.into_inner();
        let order = expect::there("the order", answer.order)?;
        expect::equal("the wish is stored", true, order.cancel_requested)?;
        let again = CancelOrderRequest { request_id: new_request_id(), ..request };
        let refused = expect::refused("ALREADY_CANCELLED", customer.gateway.orders().cancel_order(again).await)?;
        Ok(Told::new((), orders::state_word(order.state()))
            .and(format!("another wish to cancel it: refused, {}", refused.reason)))
    };
    timeline.step("she cancels it, twice", cancels).await?;

    timeline.step("she watches it being undone", undone(cast, shop, wallet, &purchase, &order_id)).await?;
    Ok(purchase)
}

async fn undone(
    cast: &Cast,
    shop: &Shop,
    wallet: &Wallet,
    purchase: &Purchase<'_>,
    order_id: &str,
) -> Result<Told<()>, TourError> {
    let customer = &cast.customer;
    let (order, _) = orders::watch_until(customer, order_id, OrderState::Cancelled).await?;
    expect::equal("where the money of the order is", MoneyState::Refunded, order.money_state())?;
    expect::amount("what went back", purchase.net(), order.refunded.as_ref())?;
    let deliveries: Vec<_> = order.deliveries.iter().map(|delivery| delivery.state()).collect();
    expect::equal("the deliveries", vec![DeliveryState::Cancelled; 2], deliveries)?;
    let history = orders::history(customer, order_id).await?;
    let expected = [OrderState::Pending, OrderState::Confirmed, OrderState::Cancelling, OrderState::Cancelled];
    expect::equal("the history of the order", expected.to_vec(), orders::states(&history))?;

    let answer = orders::payment_of(customer, order_id).await?;
    let payment = expect::there("the payment", answer.payment)?;
    expect::equal("the state of the payment", PaymentState::Refunded, payment.state())?;
    let refund = expect::only("the refund", answer.refunds)?;
    expect::equal("the state of the refund", RefundState::Succeeded, refund.state())?;
    expect::amount("the refund", purchase.net(), refund.amount.as_ref())?;
    expect::amount("the points of the refund", POINTS_USED, refund.points.as_ref())?;
    expect::amount("the card's part of the refund", purchase.external(), refund.external.as_ref())?;

    orders::check_stock(customer, &shop.cake, 1).await?;
    orders::check_stock(customer, &shop.notebook, 3).await?;
    orders::check_free(customer, &[&wallet.comeback]).await?;
    orders::check_points(customer, POINTS - POINTS_SPENT).await?;
    let (card, points) = (krw(purchase.external()), krw(POINTS_USED));
    let back = format!("{card} KRW to the card and {points} points are back, with stock and coupon");
    Ok(Told::new((), orders::told(&history)).and(back))
}
