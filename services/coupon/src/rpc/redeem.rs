//! What order asks.

use std::collections::HashMap;

use bojagi_api::coupon::{
    RedeemedLine, RedemptionLine, RedemptionState, ReserveRedemptionsRequest, ReserveRedemptionsResponse,
};
use bojagi_chassis::{Context, Fields, wire};
use bojagi_kernel::id::{IssuedCouponId, OptionId, OrderLineId};
use bojagi_kernel::{Currency, Failure, Money};
use bojagi_store::{LockKey, Tx};
use prost::Message;
use sha2::{Digest, Sha256};

use super::LINES;
use crate::NAME;
use crate::domain::{self, Basket, DiscountedLine, LARGEST_PRICE, LARGEST_QUANTITY, Redemption, WantedLine, Wishes};
use crate::reserve_redemptions::{self, Ask};

/// Coupons of one order: two a line, and its own.
const USES: usize = 201;

pub(super) async fn reserve(
    context: &Context,
    request: ReserveRedemptionsRequest,
) -> Result<ReserveRedemptionsResponse, Failure> {
    let ask = read(&request)?;
    let now = context.clock.now();
    // The order, and the pieces of its customer; who changes coupons locks the store.
    let locked = [LockKey::of(ask.order_id), LockKey::of(ask.customer_id)];
    let (ask, redemption) = context
        .store
        .write_locking(locked, async move |tx: &mut Tx| {
            let redemption = reserve_redemptions::reserve(tx, &ask, now).await?;
            Ok::<_, Failure>((ask, redemption))
        })
        .await?;
    Ok(answer(&ask.order_line_ids, ask.basket.currency(), redemption))
}

fn read(request: &ReserveRedemptionsRequest) -> Result<Ask, Failure> {
    let mut fields = Fields::new(NAME);
    let order_id = fields.id("order_id", &request.order_id);
    let customer_id = fields.id("customer_id", &request.customer_id);
    let lines = read_lines(&mut fields, &request.lines);
    let wishes = read_wishes(&mut fields, request);
    let expected_discount = fields.amount("expected_discount", request.expected_discount.as_ref());
    let (Some(order_id), Some(customer_id), Some(lines), Some(wishes), Some(expected_discount)) =
        (order_id, customer_id, lines, wishes, expected_discount)
    else {
        return Err(fields.refuse());
    };
    fields.finish()?;
    let (order_line_ids, lines): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    Ok(Ask {
        order_id,
        customer_id,
        order_line_ids,
        basket: Basket::of(lines)?,
        wishes,
        expected_discount,
        shown_hash: request.quote_hash.clone(),
        fingerprint: Sha256::digest(request.encode_to_vec()).into(),
    })
}

fn read_lines(fields: &mut Fields, lines: &[RedemptionLine]) -> Option<Vec<(OrderLineId, WantedLine)>> {
    if !LINES.contains(&lines.len()) {
        fields.wrong("lines", "must be 1 to 100 lines");
        return None;
    }
    let read = lines.iter().enumerate().map(|(index, line)| {
        if lines[..index].iter().any(|earlier| earlier.order_line_id == line.order_line_id) {
            fields.wrong(format!("lines[{index}].order_line_id"), "is used twice");
        }
        let order_line_id = fields.id::<OrderLineId>(&format!("lines[{index}].order_line_id"), &line.order_line_id);
        let option_id = fields.id::<OptionId>(&format!("lines[{index}].option_id"), &line.option_id);
        let quantity = fields.count(&format!("lines[{index}].quantity"), line.quantity, 1..=LARGEST_QUANTITY);
        let unit_price = read_price(fields, &format!("lines[{index}].unit_price"), line);
        let (option_id, quantity, unit_price) = (option_id?, quantity?, unit_price?);
        Some((order_line_id?, WantedLine { option_id, quantity, unit_price }))
    });
    // Every line is read before one that is wrong ends it, so that all mistakes are told.
    read.collect::<Vec<_>>().into_iter().collect()
}

fn read_price(fields: &mut Fields, field: &str, line: &RedemptionLine) -> Option<Money> {
    let price = fields.amount(field, line.unit_price.as_ref())?;
    fields.count(&format!("{field}.minor_units"), price.minor(), 0..=LARGEST_PRICE)?;
    Some(price)
}

fn read_wishes(fields: &mut Fields, request: &ReserveRedemptionsRequest) -> Option<Wishes> {
    if request.uses.len() > USES {
        fields.wrong("uses", "must be at most 201 coupons");
        return None;
    }
    let places: HashMap<&str, usize> =
        request.lines.iter().enumerate().map(|(index, line)| (line.order_line_id.as_str(), index)).collect();
    let mut wishes = Wishes::default();
    for (index, wish) in request.uses.iter().enumerate() {
        let issued_coupon_id =
            fields.id::<IssuedCouponId>(&format!("uses[{index}].issued_coupon_id"), &wish.issued_coupon_id);
        let Some(issued_coupon_id) = issued_coupon_id else { continue };
        let field = format!("uses[{index}].order_line_id");
        match places.get(wish.order_line_id.as_str()) {
            Some(line) => wishes.on_lines.push((*line, issued_coupon_id)),
            None if !wish.order_line_id.is_empty() => fields.wrong(field, "is none of the lines"),
            None if wishes.on_order.is_some() => {
                fields.wrong(field, "must be a line; an order takes one coupon of its own")
            }
            None => wishes.on_order = Some(issued_coupon_id),
        }
    }
    Some(wishes)
}

fn answer(order_line_ids: &[OrderLineId], currency: Currency, redemption: Redemption) -> ReserveRedemptionsResponse {
    let amount = |minor: i64| Some(wire::money(Money::new(currency, minor)));
    let discounted: HashMap<OrderLineId, DiscountedLine> =
        redemption.lines.iter().map(|line| (line.order_line_id, *line)).collect();
    let lines = order_line_ids.iter().map(|order_line_id| {
        let line = discounted.get(order_line_id);
        let part = |of: fn(&DiscountedLine) -> i64| amount(line.map_or(0, of));
        RedeemedLine {
            order_line_id: order_line_id.to_string(),
            item_discount: part(|line| line.item_discount),
            order_discount: part(|line| line.order_discount),
            platform_discount: part(|line| line.platform_discount),
            seller_discount: part(|line| line.seller_discount),
        }
    });
    let state = match redemption.state {
        domain::RedemptionState::Reserved => RedemptionState::Reserved,
        domain::RedemptionState::Used => RedemptionState::Used,
        domain::RedemptionState::Released => RedemptionState::Released,
    };
    let total = redemption.lines.iter().map(|line| line.item_discount + line.order_discount).sum();
    ReserveRedemptionsResponse {
        state: state.into(),
        lines: lines.collect(),
        total_discount: amount(total),
        consumed_issued_coupon_ids: redemption.consumed.iter().map(ToString::to_string).collect(),
        quote_hash: redemption.quote_hash,
    }
}
