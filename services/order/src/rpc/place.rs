//! Reading `PlaceOrder`: every limit of its fields is here, and every field that breaks one is named.

use bojagi_api::order as api;
use bojagi_chassis::Fields;
use bojagi_kernel::id::{AccountId, IssuedCouponId, OptionId, OrderId, OrderLineId, PaymentMethodId, RequestId};
use bojagi_kernel::{Failure, Money};

use crate::domain::{Address, Line, MAX_GROSS, NewOrder, same_currency};
use crate::{NAME, trace};

const MAX_LINES: usize = 100;
const MAX_QUANTITY: i64 = 999;
const COUPONS_ON_A_LINE: usize = 2;

/// A request that can be placed.
pub(super) struct Read {
    pub(super) request_id: RequestId,
    pub(super) order: NewOrder,
    pub(super) waits: bool,
}

/// Reads the request of a customer.
///
/// # Errors
/// `INVALID_ARGUMENT`, `CURRENCY_MISMATCH`.
pub(super) fn read(request: &api::PlaceOrderRequest, customer_id: AccountId) -> Result<Read, Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let lines = read_lines(&mut fields, request);
    let order_coupon_id = fields.optional_id("order_issued_coupon_id", &request.order_issued_coupon_id);
    let discount = optional_amount(&mut fields, "expected_discount", request.expected_discount.as_ref());
    let quote_hash = fields.prose("quote_hash", &request.quote_hash, 200);
    let tender = request.tender.clone().unwrap_or_default();
    let points = optional_amount(&mut fields, "tender.points", tender.points.as_ref());
    let method = fields.optional_id::<PaymentMethodId>("tender.payment_method_id", &tender.payment_method_id);
    let address = read_address(&mut fields, request.delivery_address.as_ref());
    let waits = match api::Wait::try_from(request.wait) {
        Ok(wait) => Some(wait == api::Wait::Unspecified),
        Err(_) => {
            fields.wrong("wait", "is no way to wait");
            None
        }
    };

    let (Some(request_id), Some(priced), Some(order_coupon_id)) = (request_id, lines, order_coupon_id) else {
        return Err(fields.refuse());
    };
    let (Some(discount), Some(points), Some(quote_hash)) = (discount, points, quote_hash) else {
        return Err(fields.refuse());
    };
    let (Some(payment_method_id), Some(address), Some(waits)) = (method, address, waits) else {
        return Err(fields.refuse());
    };
    if let Some(coupon) = order_coupon_id
        && priced.iter().any(|(line, _)| line.coupons.contains(&coupon))
    {
        fields.wrong("order_issued_coupon_id", "is used on a line already");
    }

    let Some(currency) = priced.first().map(|(_, price)| price.currency()) else { return Err(fields.refuse()) };
    same_currency(currency, priced.iter().map(|(_, price)| *price).chain(discount).chain(points))?;
    let lines: Vec<Line> = priced.into_iter().map(|(line, _)| line).collect();
    // Each line is at most 999 times MAX_GROSS, and there are at most 100: an i128 holds their sum many times over.
    let gross: i128 = lines.iter().map(|line| i128::from(line.unit_price) * i128::from(line.quantity)).sum();
    if gross > i128::from(MAX_GROSS) {
        fields.wrong("lines", format_args!("must cost at most {MAX_GROSS} minor units together"));
    }
    let discount = discount.map_or(0, |discount| discount.minor());
    if i128::from(discount) > gross {
        fields.wrong("expected_discount", "must not exceed what the lines cost");
    }
    fields.finish()?;

    let order = NewOrder {
        id: OrderId::generate(),
        customer_id,
        currency,
        lines,
        discount,
        points: points.map_or(0, |points| points.minor()),
        payment_method_id,
        order_coupon_id,
        quote_hash,
        address,
        trace: trace::current(),
    };
    Ok(Read { request_id, order, waits })
}

/// The lines with their prices as they were sent, coupons laid on.
fn read_lines(fields: &mut Fields, request: &api::PlaceOrderRequest) -> Option<Vec<(Line, Money)>> {
    if request.lines.is_empty() || request.lines.len() > MAX_LINES {
        fields.wrong("lines", format_args!("must be 1 to {MAX_LINES}"));
        return None;
    }
    let mut lines = Vec::with_capacity(request.lines.len());
    for (index, line) in request.lines.iter().enumerate() {
        let option_id = fields.id::<OptionId>(&format!("lines[{index}].option_id"), &line.option_id);
        let quantity = fields.count(&format!("lines[{index}].quantity"), line.quantity, 1..=MAX_QUANTITY);
        let price_field = format!("lines[{index}].unit_price");
        let price = fields.positive_amount(&price_field, line.unit_price.as_ref());
        let (Some(option_id), Some(quantity), Some(price)) = (option_id, quantity, price) else { continue };
        if price.minor() > MAX_GROSS {
            fields.wrong(format!("{price_field}.minor_units"), format_args!("must be at most {MAX_GROSS}"));
            continue;
        }
        let (id, unit_price) = (OrderLineId::generate(), price.minor());
        lines.push((Line { id, option_id, quantity, unit_price, coupons: Vec::new(), sold: None }, price));
    }
    let all_read = lines.len() == request.lines.len();
    let laid_on = read_item_coupons(fields, request);
    if !all_read {
        return None;
    }
    for (index, coupon) in laid_on? {
        lines.get_mut(index)?.0.coupons.push(coupon);
    }
    Some(lines)
}

/// Item coupons with the lines they lie on: each once, two a line, on lines of one piece.
fn read_item_coupons(fields: &mut Fields, request: &api::PlaceOrderRequest) -> Option<Vec<(usize, IssuedCouponId)>> {
    let mut laid_on: Vec<(usize, IssuedCouponId)> = Vec::new();
    if request.item_coupons.len() > MAX_LINES * COUPONS_ON_A_LINE {
        fields.wrong("item_coupons", format_args!("must be at most {}", MAX_LINES * COUPONS_ON_A_LINE));
        return None;
    }
    for (number, used) in request.item_coupons.iter().enumerate() {
        let (line_field, coupon_field) =
            (format!("item_coupons[{number}].line_index"), format!("item_coupons[{number}].issued_coupon_id"));
        let coupon = fields.id::<IssuedCouponId>(&coupon_field, &used.issued_coupon_id);
        let index = usize::try_from(used.line_index).ok().filter(|index| *index < request.lines.len());
        let Some(index) = index else {
            fields.wrong(line_field, "is no line of the request");
            continue;
        };
        if request.lines[index].quantity != 1 {
            fields.wrong(line_field.clone(), "a line with an item coupon has a quantity of 1");
        }
        if laid_on.iter().filter(|(line, _)| *line == index).count() >= COUPONS_ON_A_LINE {
            fields.wrong(line_field, format_args!("at most {COUPONS_ON_A_LINE} item coupons lie on a line"));
        }
        let Some(coupon) = coupon else { continue };
        if laid_on.iter().any(|(_, other)| *other == coupon) {
            fields.wrong(coupon_field, "is used twice");
        }
        laid_on.push((index, coupon));
    }
    Some(laid_on)
}

fn read_address(fields: &mut Fields, address: Option<&api::DeliveryAddress>) -> Option<Address> {
    let Some(address) = address else {
        fields.wrong("delivery_address", "must be given");
        return None;
    };
    let recipient = fields.line("delivery_address.recipient", &address.recipient, 100);
    let phone = fields.line("delivery_address.phone", &address.phone, 30);
    let postal_code = fields.line("delivery_address.postal_code", &address.postal_code, 20);
    let line1 = fields.line("delivery_address.line1", &address.line1, 200);
    let line2 = match address.line2.trim() {
        "" => Some(String::new()),
        line2 => fields.line("delivery_address.line2", line2, 200),
    };
    Some(Address { recipient: recipient?, phone: phone?, postal_code: postal_code?, line1: line1?, line2: line2? })
}

/// An amount that may be left out, which is none: `Some(None)`.
fn optional_amount(
    fields: &mut Fields,
    field: &str,
    amount: Option<&bojagi_api::common::Money>,
) -> Option<Option<Money>> {
    match amount {
        // A zero amount without a currency is how many clients write "none".
        Some(money) if money.minor_units == 0 && money.currency_code.is_empty() => Some(None),
        Some(_) => fields.amount(field, amount).map(Some),
        None => Some(None),
    }
}
