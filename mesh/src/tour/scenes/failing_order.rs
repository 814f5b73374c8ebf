//! The cart that cannot be paid: everything that was held for its order goes back by itself, and the cart is as before.

use bojagi_api::order::{
    AddCartLineRequest, Cart, CheckOutCartRequest, ClearCartRequest, GetCartRequest, MoneyState, Order, OrderState,
};
use bojagi_api::payment::{DeclineReason, PaymentState};
use tonic::Code;

use super::opening::Shop;
use super::orders;
use super::preparing::{POINTS, Wallet};
use super::shopping::POINTS_USED as POINTS_SPENT;
use super::sign_up::Cast;
use crate::people::Member;
use crate::tour::TourError;
use crate::tour::expect;
use crate::tour::patience::until_as_expected;
use crate::tour::purchase::{Purchase, Wanted, new_request_id};
use crate::tour::timeline::{Timeline, Told, krw};

/// The points that should have paid a part of it, in won.
const POINTS_OFFERED: i64 = 2_000;

pub(in crate::tour) async fn play(
    cast: &Cast,
    shop: &Shop,
    wallet: &Wallet,
    timeline: &mut Timeline,
) -> Result<(), TourError> {
    timeline.scene("A cart that cannot be paid")?;
    let customer = &cast.customer;
    let purchase = Purchase {
        lines: vec![
            Wanted { product: &shop.cake, quantity: 1, coupons: vec![&wallet.comeback] },
            Wanted { product: &shop.notebook, quantity: 2, coupons: vec![] },
        ],
        order_coupon: None,
        points: POINTS_OFFERED,
        payment_method_id: &wallet.empty_card,
    };

    let cart = timeline.step("she puts a cake and two notebooks into her cart", fill(customer, &purchase)).await?;

    let places = async {
        let quote = purchase.quote(customer).await?;
        let request = purchase.check_out_request(&quote, cart.revision);
        let unseen = CheckOutCartRequest { request_id: new_request_id(), seen_revision: 1, ..request.clone() };
        let mut carts = customer.gateway.carts();
        let refused = expect::refused("CART_CHANGED", carts.check_out_cart(unseen).await)?;
        let answer = carts.check_out_cart(request).await?.into_inner();
        let order = expect::there("the order", answer.order)?;
        expect::one_of("the state of the order", &[OrderState::Failed, OrderState::Cancelled], &order.state())?;
        check_failure(&order)?;
        let story = format!("order {}, {}: PAYMENT_DECLINED", order.id, orders::state_word(order.state()));
        Ok(Told::new(order.id, story)
            .and(format!("trace {}", orders::own_trace()))
            .and(format!("from a screen that had not seen all of the cart: refused, {}", refused.reason)))
    };
    let asked = format!(
        "she checks out for {} KRW, {} with points, the rest with the card that has nothing behind it",
        krw(purchase.net()),
        krw(POINTS_OFFERED)
    );
    let order_id = timeline.step(asked, places).await?;

    let undone = async {
        let (order, _) = orders::watch_until(customer, &order_id, OrderState::Cancelled).await?;
        check_failure(&order)?;
        expect::equal("where the money of the order is", MoneyState::Unpaid, order.money_state())?;
        expect::equal("the deliveries of a failed order", 0, order.deliveries.len())?;
        let history = orders::history(customer, &order_id).await?;
        let expected = vec![OrderState::Pending, OrderState::Failed, OrderState::Cancelled];
        expect::equal("the history of the order", expected, orders::states(&history))?;

        // An order at rest has heard from everybody who held something for it, so there is nothing to wait for.
        orders::check_stock(customer, &shop.cake, 1).await?;
        orders::check_stock(customer, &shop.notebook, 3).await?;
        orders::check_free(customer, &[&wallet.comeback]).await?;
        orders::check_points(customer, POINTS - POINTS_SPENT).await?;
        let payment = expect::there("the payment", orders::payment_of(customer, &order_id).await?.payment)?;
        expect::equal("the state of the payment", PaymentState::Declined, payment.state())?;
        expect::equal("why it was declined", DeclineReason::InsufficientFunds, payment.decline_reason())?;
        expect::amount("what was captured", 0, payment.captured.as_ref())?;
        let back = look(customer).await?;
        expect::equal("the lines of the cart", lines(&cart), lines(&back))?;
        customer.gateway.carts().clear_cart(ClearCartRequest { request_id: new_request_id() }).await?;
        Ok(Told::new((), orders::told(&history))
            .and("stock, coupon and points are back; nothing was captured")
            .and("the cart is as it was, and she empties it"))
    };
    timeline.step("she watches it being undone", undone).await
}

/// Puts everything into the cart, and looks at it.
async fn fill(customer: &Member, purchase: &Purchase<'_>) -> Result<Told<Cart>, TourError> {
    for wanted in &purchase.lines {
        let request = AddCartLineRequest {
            request_id: new_request_id(),
            option_id: wanted.product.option_id.clone(),
            quantity: wanted.quantity,
        };
        until_as_expected(|| async {
            match customer.gateway.carts().add_cart_line(request.clone()).await {
                // Item was too slow to say what that is: nothing was put in, and it is asked again.
                Err(status) if status.code() == Code::Unavailable => {
                    Err(TourError::differs("the cart", "a line more", status.message()))
                }
                answer => Ok(answer?),
            }
        })
        .await?;
    }
    let cart = look(customer).await?;
    let wanted = purchase.lines.iter().map(|wanted| (wanted.product.option_id.as_str(), wanted.quantity));
    expect::equal("the lines of the cart", wanted.collect::<Vec<_>>(), lines(&cart))?;
    let total = expect::only("the totals of the cart", cart.totals.clone())?;
    expect::amount("the total of the cart", purchase.gross(), Some(&total))?;
    let names = cart.lines.iter().map(|line| format!("{} x {}", line.quantity, line.item_name));
    let story = format!("{}: {} KRW", names.collect::<Vec<_>>().join(", "), krw(purchase.gross()));
    Ok(Told::new(cart, story))
}

/// The cart, compared with the catalogue.
async fn look(customer: &Member) -> Result<Cart, TourError> {
    // Without an answer of item in time it is shown as it is kept.
    let answer = until_as_expected(|| async {
        let answer = customer.gateway.carts().get_cart(GetCartRequest::default()).await?.into_inner();
        expect::equal("the cart was compared with the catalogue", true, answer.compared)?;
        Ok::<_, TourError>(answer)
    })
    .await?;
    expect::equal("what has changed in the catalogue", Vec::new(), answer.changes)?;
    expect::there("the cart", answer.cart)
}

fn lines(cart: &Cart) -> Vec<(&str, i64)> {
    cart.lines.iter().map(|line| (line.option_id.as_str(), line.quantity)).collect()
}

fn check_failure(order: &Order) -> Result<(), TourError> {
    let failure = expect::there("why the order failed", order.failure.as_ref())?;
    expect::equal("why the order failed", "PAYMENT_DECLINED", failure.reason.as_str())?;
    expect::equal("whose reason it is", "bojagi.payment", failure.domain.as_str())
}
