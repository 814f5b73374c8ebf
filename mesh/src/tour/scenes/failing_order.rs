//! The order that cannot be paid: everything that was held for it goes back by itself.

use bojagi_api::order::{MoneyState, Order, OrderState, Wait};
use bojagi_api::payment::{DeclineReason, PaymentState};

use super::opening::Shop;
use super::orders;
use super::preparing::{POINTS, Wallet};
use super::shopping::POINTS_USED as POINTS_SPENT;
use super::sign_up::Cast;
use crate::tour::TourError;
use crate::tour::expect;
use crate::tour::purchase::{Purchase, Wanted};
use crate::tour::timeline::{Timeline, Told, krw};

/// The points that should have paid a part of it, in won.
const POINTS_OFFERED: i64 = 2_000;

pub(in crate::tour) async fn play(
    cast: &Cast,
    shop: &Shop,
    wallet: &Wallet,
    timeline: &mut Timeline,
) -> Result<(), TourError> {
    timeline.scene("An order that cannot be paid")?;
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

    let places = async {
        let quote = purchase.quote(customer).await?;
        let request = purchase.order_request(&quote, Wait::Unspecified);
        let answer = customer.gateway.orders().place_order(request).await?.into_inner();
        let order = expect::there("the order", answer.order)?;
        expect::one_of("the state of the order", &[OrderState::Failed, OrderState::Cancelled], &order.state())?;
        check_failure(&order)?;
        let story = format!("order {}, {}: PAYMENT_DECLINED", order.id, orders::state_word(order.state()));
        Ok(Told::new(order.id, story).and(format!("trace {}", orders::own_trace())))
    };
    let asked = format!(
        "she orders for {} KRW, {} with points, the rest with the card that has nothing behind it",
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
        Ok(Told::new((), orders::told(&history)).and("stock, coupon and points are back; nothing was captured"))
    };
    timeline.step("she watches it being undone", undone).await
}

fn check_failure(order: &Order) -> Result<(), TourError> {
    let failure = expect::there("why the order failed", order.failure.as_ref())?;
    expect::equal("why the order failed", "PAYMENT_DECLINED", failure.reason.as_str())?;
    expect::equal("whose reason it is", "bojagi.payment", failure.domain.as_str())
}
