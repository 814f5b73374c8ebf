//! The order that the customer drafts, confirms, and takes back after it was paid.

use bojagi_api::order::{
    CancelOrderRequest, ConfirmDraftRequest, CreateDraftRequest, DeliveryState, MoneyState, Order, OrderState,
    PlaceOrderLine, UpdateDraftLineRequest,
};
use bojagi_api::payment::{PaymentState, RefundState};

use super::opening::Shop;
use super::orders;
use super::preparing::{POINTS, Wallet};
use super::shopping::POINTS_USED as POINTS_SPENT;
use super::sign_up::Cast;
use crate::people::Member;
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

    let drafted = timeline.step("she drafts an order, and edits it", draft(customer, &purchase)).await?;

    let places = async {
        let quote = purchase.quote(customer).await?;
        let request = purchase.confirm_request(&quote, &drafted);
        let unseen = ConfirmDraftRequest { request_id: new_request_id(), seen_version: 1, ..request.clone() };
        let unseen = customer.gateway.orders().confirm_draft(unseen).await;
        let refused = expect::refused("DRAFT_CHANGED", unseen)?;
        let answer = customer.gateway.orders().confirm_draft(request).await?.into_inner();
        let order = expect::there("the order", answer.order)?;
        let by_draft = orders::order(customer, &drafted.id).await?;
        expect::equal("the order that the draft became", order.id.as_str(), by_draft.id.as_str())?;
        expect::equal("the state of the order", OrderState::Confirmed, order.state())?;
        purchase.check(&order)?;
        orders::check_points(customer, POINTS - POINTS_SPENT - POINTS_USED).await?;
        let story = format!("order {}, CONFIRMED", order.id);
        Ok(Told::new(order.id, story)
            .and(format!("trace {}", orders::own_trace()))
            .and(format!("from a screen that had not seen all edits: refused, {}", refused.reason)))
    };
    let asked = format!("she confirms it for {} KRW with the coupon that came back, and waits", krw(purchase.net()));
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

/// Begins with the first line, adds the others with a piece too many, and mends that.
async fn draft(customer: &Member, purchase: &Purchase<'_>) -> Result<Told<Order>, TourError> {
    let mut orders = customer.gateway.orders();
    let mut lines = purchase.lines.iter().map(Wanted::line);
    let begin = CreateDraftRequest { request_id: new_request_id(), lines: lines.by_ref().take(1).collect() };
    let begun = expect::there("the draft", orders.create_draft(begin.clone()).await?.into_inner().order)?;
    expect::equal("the state of the draft", OrderState::Draft, begun.state())?;
    let another = CreateDraftRequest { request_id: new_request_id(), ..begin };
    let refused = expect::refused("DRAFT_OPEN", orders.create_draft(another).await)?;

    let mut draft = begun;
    for line in lines {
        for (quantity, is_new) in [(line.quantity + 1, true), (line.quantity, false)] {
            let order_line_id = draft.lines.last().filter(|_| !is_new).map(|line| line.id.clone());
            let edit = UpdateDraftLineRequest {
                request_id: new_request_id(),
                order_id: draft.id.clone(),
                order_line_id: order_line_id.unwrap_or_default(),
                line: Some(PlaceOrderLine { quantity, ..line.clone() }),
            };
            draft = expect::there("the draft", orders.update_draft_line(edit).await?.into_inner().order)?;
        }
    }
    let shown = orders::order(customer, &draft.id).await?;
    expect::equal("the draft", &draft, &shown)?;
    let totals = expect::there("the totals of the draft", draft.totals.as_ref())?;
    expect::amount("the total of the draft", purchase.gross(), totals.gross.as_ref())?;
    let story = format!("order {}, DRAFT: {} lines for {} KRW", draft.id, draft.lines.len(), krw(purchase.gross()));
    Ok(Told::new(draft, story).and(format!("a second one beside it: refused, {}", refused.reason)))
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
    let before = [OrderState::Draft, OrderState::Pending, OrderState::Confirmed];
    let expected = [&before[..], &[OrderState::Cancelling, OrderState::Cancelled]].concat();
    expect::equal("the history of the order", expected, orders::states(&history))?;

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
