//! A piece that was sent comes back: its money by the way it came, and the piece to the shelf.

use bojagi_api::order::{
    ApproveRefundRequest, GetRefundRequest, MoneyState, OrderLine, Refund, RefundMoneyState, RefundState,
    RequestRefundLine, RequestRefundRequest,
};
use bojagi_api::payment::PaymentState;

use super::opening::Shop;
use super::orders;
use super::shopping::Bought;
use super::sign_up::Cast;
use crate::tour::TourError;
use crate::tour::expect;
use crate::tour::patience::until_as_expected;
use crate::tour::purchase::new_request_id;
use crate::tour::timeline::{Timeline, Told, krw};

/// Pieces of tea that were bought.
const BOUGHT: i64 = 2;

pub(in crate::tour) async fn play(
    cast: &Cast,
    shop: &Shop,
    bought: &Bought<'_>,
    timeline: &mut Timeline,
) -> Result<(), TourError> {
    timeline.scene("A piece comes back")?;
    let (customer, seller) = (&cast.customer, &cast.sellers[shop.tea.seller]);
    let order = orders::order(customer, &bought.order_id).await?;
    let line = order.lines.into_iter().find(|line| line.option_id == shop.tea.option_id);
    let line = expect::there("the line of the tea", line)?;

    let asks = async {
        let refund = request(cast, bought, &line, 1).await?;
        expect::equal("the state of the refund", RefundState::Requested, refund.state())?;
        let too_many = wish(bought, &line, BOUGHT);
        let refused = customer.gateway.refunds().request_refund(too_many).await;
        let refused = expect::refused("REFUND_EXCEEDS_PURCHASE", refused)?;
        Ok(Told::new(refund.id, "REQUESTED; the seller of the store decides")
            .and(format!("both pieces on top of that: refused, {}", refused.reason)))
    };
    let refund_id = timeline.step("she wants to give one of the two pouches of tea back", asks).await?;

    // Of two pieces the first is worth half of the line, rounded down.
    let worth = line.net.as_ref().map_or(0, |net| net.minor_units) / BOUGHT;
    let approves = async {
        let request =
            ApproveRefundRequest { request_id: new_request_id(), refund_id: refund_id.clone(), restock: true };
        let answer = seller.gateway.refunds().approve_refund(request).await?.into_inner();
        let refund = expect::there("the refund", answer.refund)?;
        expect::equal("the state of the refund", RefundState::Approved, refund.state())?;
        expect::amount("what goes back", worth, refund.amount.as_ref())?;
        Ok(Told::new((), format!("APPROVED: {} KRW, and the pouch can be sold again", krw(worth))))
    };
    timeline.step("the seller agrees", approves).await?;

    let follows = async {
        until_as_expected(|| async {
            let request = GetRefundRequest { refund_id: refund_id.clone() };
            let answer = customer.gateway.refunds().get_refund(request).await?.into_inner();
            let refund = expect::there("the refund", answer.refund)?;
            expect::equal("the money of the refund", RefundMoneyState::Refunded, refund.money_state())
        })
        .await?;
        let order = orders::order(customer, &bought.order_id).await?;
        expect::equal("where the money of the order is", MoneyState::PartiallyRefunded, order.money_state())?;
        expect::amount("what has gone back of the order", worth, order.refunded.as_ref())?;
        let payment = expect::there("the payment", orders::payment_of(customer, &bought.order_id).await?.payment)?;
        expect::equal("the state of the payment", PaymentState::PartiallyRefunded, payment.state())?;
        until_as_expected(|| orders::check_stock(customer, &shop.tea, BOUGHT - 1)).await?;
        Ok(Told::new(
            (),
            "the order is PARTIALLY_REFUNDED, by the way the money came; one pouch of tea is on the shelf again",
        ))
    };
    timeline.step("the money goes back", follows).await
}

fn wish(bought: &Bought<'_>, line: &OrderLine, quantity: i64) -> RequestRefundRequest {
    RequestRefundRequest {
        request_id: new_request_id(),
        order_id: bought.order_id.clone(),
        lines: vec![RequestRefundLine { order_line_id: line.id.clone(), quantity }],
        reason: "It smells of smoke".to_owned(),
    }
}

async fn request(cast: &Cast, bought: &Bought<'_>, line: &OrderLine, quantity: i64) -> Result<Refund, TourError> {
    let request = wish(bought, line, quantity);
    let answer = cast.customer.gateway.refunds().request_refund(request).await?.into_inner();
    expect::there("the refund", answer.refund)
}
