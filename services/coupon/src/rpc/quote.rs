//! Quotes.

use std::collections::HashMap;

use bojagi_api::coupon::{
    QuoteDiscountsRequest, QuoteDiscountsResponse, QuoteLine, QuoteReason, QuotedCoupon, QuotedLine,
};
use bojagi_chassis::{Caller, Context, Fields, wire};
use bojagi_kernel::id::{IssuedCouponId, OptionId};
use bojagi_kernel::{Failure, Money};

use super::LINES;
use crate::domain::{Basket, LARGEST_QUANTITY, PieceRefusal, Quote, Verdict, Wishes};
use crate::quote_hash::quote_hash;
use crate::{NAME, quote_discounts};

/// Coupons on lines: two for each.
const ITEM_COUPONS: usize = 200;
/// Characters of what a client calls a line.
const KEY_LENGTH: usize = 64;

pub(super) async fn quote(
    context: &Context,
    caller: &Caller,
    request: QuoteDiscountsRequest,
) -> Result<QuoteDiscountsResponse, Failure> {
    let customer_id = caller.account()?.account_id;
    let mut fields = Fields::new(NAME);
    let wanted = read_lines(&mut fields, &request.lines);
    let wishes = read_wishes(&mut fields, &request);
    let (Some(wanted), Some(wishes)) = (wanted, wishes) else { return Err(fields.refuse()) };
    fields.finish()?;
    let (basket, quote) = quote_discounts::quote_discounts(context, customer_id, wanted, wishes).await?;
    Ok(answer(&request.lines, &basket, &quote))
}

fn read_lines(fields: &mut Fields, lines: &[QuoteLine]) -> Option<Vec<(OptionId, i64)>> {
    if !LINES.contains(&lines.len()) {
        fields.wrong("lines", "must be 1 to 100 lines");
        return None;
    }
    let read = lines.iter().enumerate().map(|(index, line)| {
        if line.line_key.is_empty() || line.line_key.chars().count() > KEY_LENGTH {
            fields.wrong(format!("lines[{index}].line_key"), "must have 1 to 64 characters");
        }
        if lines[..index].iter().any(|earlier| earlier.line_key == line.line_key) {
            fields.wrong(format!("lines[{index}].line_key"), "is used twice");
        }
        let option_id = fields.id(&format!("lines[{index}].option_id"), &line.option_id);
        let quantity = fields.count(&format!("lines[{index}].quantity"), line.quantity, 1..=LARGEST_QUANTITY);
        option_id.zip(quantity)
    });
    // Every line is read before one that is wrong ends it, so that all mistakes are told.
    read.collect::<Vec<_>>().into_iter().collect()
}

fn read_wishes(fields: &mut Fields, request: &QuoteDiscountsRequest) -> Option<Wishes> {
    if request.item_coupons.len() > ITEM_COUPONS {
        fields.wrong("item_coupons", "must be at most 200 coupons");
        return None;
    }
    let places: HashMap<&str, usize> =
        request.lines.iter().enumerate().map(|(index, line)| (line.line_key.as_str(), index)).collect();
    let on_lines = request.item_coupons.iter().enumerate().map(|(index, wish)| {
        let line = places.get(wish.line_key.as_str()).copied();
        if line.is_none() {
            fields.wrong(format!("item_coupons[{index}].line_key"), "is none of the lines");
        }
        let field = format!("item_coupons[{index}].issued_coupon_id");
        line.zip(fields.id::<IssuedCouponId>(&field, &wish.issued_coupon_id))
    });
    let on_lines = on_lines.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>();
    let on_order = fields.optional_id("order_issued_coupon_id", &request.order_issued_coupon_id);
    Some(Wishes { on_lines: on_lines?, on_order: on_order? })
}

fn answer(lines: &[QuoteLine], basket: &Basket, quote: &Quote) -> QuoteDiscountsResponse {
    let amount = |minor: i64| Some(wire::money(Money::new(basket.currency(), minor)));
    let quoted_lines = lines.iter().zip(basket.lines()).zip(&quote.lines).map(|((asked, line), amounts)| QuotedLine {
        line_key: asked.line_key.clone(),
        option_id: line.option_id.to_string(),
        quantity: line.quantity,
        unit_price: Some(wire::money(line.unit_price)),
        gross: amount(amounts.gross),
        item_discount: amount(amounts.item_discount),
        order_discount: amount(amounts.order_discount),
        net: amount(amounts.net()),
        platform_discount: amount(amounts.platform_discount),
        seller_discount: amount(amounts.seller_discount),
    });
    let coupon = |line_key: &str, verdict: &Verdict| {
        let (reason, rule) = reason(verdict);
        QuotedCoupon {
            issued_coupon_id: verdict.issued_coupon_id.to_string(),
            line_key: line_key.to_owned(),
            accepted: verdict.outcome.is_ok(),
            reason: reason.into(),
            discount: amount(verdict.outcome.as_ref().map_or(0, |accepted| accepted.discount)),
            rule,
        }
    };
    let on_lines = quote.on_lines.iter().map(|(line, verdict)| coupon(&lines[*line].line_key, verdict));
    let on_order = quote.on_order.iter().map(|verdict| coupon("", verdict));
    QuoteDiscountsResponse {
        lines: quoted_lines.collect(),
        coupons: on_lines.chain(on_order).collect(),
        total_gross: amount(quote.total_gross()),
        total_discount: amount(quote.total_discount()),
        total_net: amount(quote.total_gross() - quote.total_discount()),
        quote_hash: quote_hash(basket, quote),
    }
}

fn reason(verdict: &Verdict) -> (QuoteReason, String) {
    let reason = match &verdict.outcome {
        Ok(accepted) if accepted.discount == 0 => QuoteReason::ZeroDiscount,
        Ok(accepted) if accepted.clamped => QuoteReason::Clamped,
        Ok(_) => QuoteReason::Applied,
        Err(PieceRefusal::NotFound { .. }) => QuoteReason::CouponNotFound,
        Err(PieceRefusal::Taken { .. }) => QuoteReason::CouponUsed,
        Err(PieceRefusal::Expired { .. }) => QuoteReason::CouponExpired,
        Err(PieceRefusal::BelowMinimumSpend { .. }) => QuoteReason::MinimumSpend,
        Err(PieceRefusal::NotApplicable { rule, .. }) => return (QuoteReason::CouponNotApplicable, rule.to_string()),
    };
    (reason, String::new())
}
