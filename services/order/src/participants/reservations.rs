//! Asking item to reserve stock and coupon to reserve redemptions.
//!
//! The two are asked side by side: coupon judges by the prices that the customer was shown, which item verifies at the same
//! moment.

use std::str::FromStr;

use bojagi_api::{coupon, item};
use bojagi_chassis::wire::{money, read_money};

use super::{Participants, Setback, senseless};
use crate::domain::{Order, Sold};

/// What item holds for an order, line by line.
pub(crate) struct Reserved(Vec<item::ReservedLine>);

/// What coupon keeps for an order, line by line.
pub(crate) struct Redeemed(Vec<coupon::RedeemedLine>);

impl Participants {
    /// Asks item to hold the pieces: all lines or none.
    pub(crate) async fn reserve_stock(&self, order: &Order) -> Result<Reserved, Setback> {
        let line = |line: &crate::domain::Line| item::ReserveStockLine {
            order_line_id: line.id.to_string(),
            option_id: line.option_id.to_string(),
            quantity: line.quantity,
            expected_unit_price: Some(money(order.money(line.unit_price))),
        };
        let request = item::ReserveStockRequest {
            order_id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            lines: order.lines.iter().map(line).collect(),
        };
        let answer = self.ask(self.stock.clone().reserve_stock(request)).await?;
        Ok(Reserved(answer.lines))
    }

    /// Asks coupon to keep the coupons and to agree with the discount that the customer was shown.
    pub(crate) async fn reserve_redemptions(&self, order: &Order) -> Result<Redeemed, Setback> {
        if !order.asks_coupon() {
            return Ok(nothing_redeemed(order));
        }
        let line = |line: &crate::domain::Line| coupon::RedemptionLine {
            order_line_id: line.id.to_string(),
            option_id: line.option_id.to_string(),
            quantity: line.quantity,
            unit_price: Some(money(order.money(line.unit_price))),
        };
        let on_lines = order.lines.iter().flat_map(|line| {
            line.coupons.iter().map(|issued| coupon::RedemptionUse {
                issued_coupon_id: issued.to_string(),
                order_line_id: line.id.to_string(),
            })
        });
        let on_order = order
            .order_coupon_id
            .map(|issued| coupon::RedemptionUse { issued_coupon_id: issued.to_string(), order_line_id: String::new() });
        let request = coupon::ReserveRedemptionsRequest {
            order_id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            lines: order.lines.iter().map(line).collect(),
            uses: on_lines.chain(on_order).collect(),
            expected_discount: Some(money(order.money(order.totals.discount))),
            quote_hash: order.quote_hash.clone(),
        };
        let answer = self.ask(self.coupons.clone().reserve_redemptions(request)).await?;
        Ok(Redeemed(answer.lines))
    }
}

/// What coupon would answer to an order that takes no discount.
fn nothing_redeemed(order: &Order) -> Redeemed {
    let nothing = Some(money(order.money(0)));
    let line = |line: &crate::domain::Line| coupon::RedeemedLine {
        order_line_id: line.id.to_string(),
        item_discount: nothing.clone(),
        order_discount: nothing.clone(),
        platform_discount: nothing.clone(),
        seller_discount: nothing.clone(),
    };
    Redeemed(order.lines.iter().map(line).collect())
}

/// Puts both answers together: what each line of the order turned out to be. Answers that do not fit the order, or each other,
/// decide nothing.
pub(crate) fn sold_lines(order: &Order, reserved: &Reserved, redeemed: &Redeemed) -> Result<Vec<Sold>, Setback> {
    if reserved.0.len() != order.lines.len() || redeemed.0.len() != order.lines.len() {
        return Err(senseless("not every line was answered"));
    }
    let mut sold = Vec::with_capacity(order.lines.len());
    for ((line, held), kept) in order.lines.iter().zip(&reserved.0).zip(&redeemed.0) {
        let line_id = line.id.to_string();
        if held.order_line_id != line_id || kept.order_line_id != line_id || held.quantity != line.quantity {
            return Err(senseless("a line was answered that was not asked for"));
        }
        let amount = |money: Option<&bojagi_api::common::Money>| {
            let read = money.and_then(read_money).filter(|money| money.currency() == order.currency);
            read.map(|money| money.minor()).ok_or_else(|| senseless("an amount is missing or in another currency"))
        };
        if amount(held.unit_price.as_ref())? != line.unit_price {
            return Err(senseless("a price is not the one that was asked for"));
        }
        let parts = Sold {
            item_id: id(&held.item_id)?,
            store_id: id(&held.store_id)?,
            seller_id: id(&held.seller_id)?,
            option_name: held.option_name.clone(),
            item_name: held.item_name.clone(),
            store_name: held.store_name.clone(),
            item_discount: amount(kept.item_discount.as_ref())?,
            order_discount: amount(kept.order_discount.as_ref())?,
            platform_discount: amount(kept.platform_discount.as_ref())?,
            seller_discount: amount(kept.seller_discount.as_ref())?,
        };
        if !parts.adds_up(line.gross()) {
            return Err(senseless("the discounts of a line do not add up"));
        }
        sold.push(parts);
    }
    if sold.iter().map(Sold::discount).sum::<i64>() != order.totals.discount {
        return Err(senseless("the discounts are not those that the customer was shown"));
    }
    Ok(sold)
}

fn id<T: FromStr>(text: &str) -> Result<T, Setback> {
    text.parse().map_err(|_| senseless("an id is malformed"))
}
