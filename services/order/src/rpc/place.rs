//! Reading `PlaceOrder`, and `CheckOutCart` and `ConfirmDraft`, which are the same with other lines: every limit of its fields is
//! here, and every field that breaks one is named.

use bojagi_api::order as api;
use bojagi_chassis::Fields;
use bojagi_chassis::wire::money;
use bojagi_kernel::id::{AccountId, IssuedCouponId, OptionId, OrderId, OrderLineId, PaymentMethodId, RequestId};
use bojagi_kernel::{Failure, Money};

use crate::domain::{Address, Line, MAX_GROSS, MAX_LINES, MAX_QUANTITY, MadeOf, NewOrder, same_currency};
use crate::{NAME, trace};

const COUPONS_ON_A_LINE: usize = 2;
const MAX_ITEM_COUPONS: usize = MAX_LINES * COUPONS_ON_A_LINE;

/// A request that can be placed.
pub(super) struct Read {
    pub(super) request_id: RequestId,
    pub(super) order: NewOrder,
    pub(super) waits: bool,
}

/// What is said of an order besides its lines.
pub(super) struct Terms {
    pub(super) request_id: RequestId,
    /// Those that lie on lines, in the order of the request.
    item_coupon_ids: Vec<IssuedCouponId>,
    order_coupon_id: Option<IssuedCouponId>,
    discount: Option<Money>,
    quote_hash: String,
    points: Option<Money>,
    payment_method_id: Option<PaymentMethodId>,
    address: Address,
    pub(super) waits: bool,
}

/// Reads the request of a customer, who chose the lines by the field `chosen_by`.
///
/// # Errors
/// `INVALID_ARGUMENT`, `CURRENCY_MISMATCH`.
pub(super) fn read(request: &api::PlaceOrderRequest, customer_id: AccountId, chosen_by: &str) -> Result<Read, Failure> {
    let mut fields = Fields::new(NAME);
    let lines = read_lines(&mut fields, request);
    let terms = read_terms(&mut fields, request);
    let places = read_places(&mut fields, request);
    let (Some(mut priced), Some(terms), Some(places)) = (lines, terms, places) else { return Err(fields.refuse()) };
    for (index, coupon) in places.into_iter().zip(terms.item_coupon_ids) {
        priced[index].0.coupons.push(coupon);
    }

    let Some(currency) = priced.first().map(|(_, price)| price.currency()) else { return Err(fields.refuse()) };
    let amounts = priced.iter().map(|(_, price)| *price).chain(terms.discount).chain(terms.points);
    same_currency(currency, amounts)?;
    let lines: Vec<Line> = priced.into_iter().map(|(line, _)| line).collect();
    // Each line is at most 999 times MAX_GROSS, and there are at most 100: an i128 holds their sum many times over.
    let gross: i128 = lines.iter().map(|line| i128::from(line.unit_price) * i128::from(line.quantity)).sum();
    if gross > i128::from(MAX_GROSS) {
        fields.wrong(chosen_by, format_args!("must cost at most {MAX_GROSS} minor units together"));
    }
    let discount = terms.discount.map_or(0, |discount| discount.minor());
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
        points: terms.points.map_or(0, |points| points.minor()),
        payment_method_id: terms.payment_method_id,
        order_coupon_id: terms.order_coupon_id,
        quote_hash: terms.quote_hash,
        address: terms.address,
        trace: trace::current(),
        made_of: MadeOf::Request,
    };
    Ok(Read { request_id: terms.request_id, order, waits: terms.waits })
}

/// Reads everything but the lines, and which of them coupons lie on.
pub(super) fn read_terms(fields: &mut Fields, request: &api::PlaceOrderRequest) -> Option<Terms> {
    let request_id = fields.request_id(&request.request_id);
    let item_coupon_ids = read_item_coupons(fields, request);
    let order_coupon_id = fields.optional_id("order_issued_coupon_id", &request.order_issued_coupon_id);
    if let (Some(on_lines), Some(Some(coupon))) = (&item_coupon_ids, &order_coupon_id)
        && on_lines.contains(coupon)
    {
        fields.wrong("order_issued_coupon_id", "is used on a line already");
    }
    let discount = optional_amount(fields, "expected_discount", request.expected_discount.as_ref());
    let quote_hash = fields.prose("quote_hash", &request.quote_hash, 200);
    let tender = request.tender.clone().unwrap_or_default();
    let points = optional_amount(fields, "tender.points", tender.points.as_ref());
    let payment_method_id = fields.optional_id("tender.payment_method_id", &tender.payment_method_id);
    let address = read_address(fields, request.delivery_address.as_ref());
    let waits = match api::Wait::try_from(request.wait) {
        Ok(wait) => Some(wait == api::Wait::Unspecified),
        Err(_) => {
            fields.wrong("wait", "is no way to wait");
            None
        }
    };
    Some(Terms {
        request_id: request_id?,
        item_coupon_ids: item_coupon_ids?,
        order_coupon_id: order_coupon_id?,
        discount: discount?,
        quote_hash: quote_hash?,
        points: points?,
        payment_method_id: payment_method_id?,
        address: address?,
        waits: waits?,
    })
}

/// The lines with their prices as they were sent.
fn read_lines(fields: &mut Fields, request: &api::PlaceOrderRequest) -> Option<Vec<(Line, Money)>> {
    if request.lines.is_empty() || request.lines.len() > MAX_LINES {
        fields.wrong("lines", format_args!("must be 1 to {MAX_LINES}"));
        return None;
    }
    let read = |(index, line)| read_line(fields, &format!("lines[{index}]"), line);
    let lines: Vec<_> = request.lines.iter().enumerate().filter_map(read).collect();
    (lines.len() == request.lines.len()).then_some(lines)
}

/// A line of a cart or of a draft as it would be asked for.
pub(super) fn line(option_id: OptionId, quantity: i64, unit_price: Money) -> api::PlaceOrderLine {
    api::PlaceOrderLine { option_id: option_id.to_string(), quantity, unit_price: Some(money(unit_price)) }
}

/// A line with its price as it was sent.
pub(super) fn read_line(fields: &mut Fields, field: &str, line: &api::PlaceOrderLine) -> Option<(Line, Money)> {
    let option_id = fields.id::<OptionId>(&format!("{field}.option_id"), &line.option_id);
    let quantity = fields.count(&format!("{field}.quantity"), line.quantity, 1..=MAX_QUANTITY);
    let price_field = format!("{field}.unit_price");
    let price = fields.positive_amount(&price_field, line.unit_price.as_ref());
    let (option_id, quantity, price) = (option_id?, quantity?, price?);
    if price.minor() > MAX_GROSS {
        fields.wrong(format!("{price_field}.minor_units"), format_args!("must be at most {MAX_GROSS}"));
        return None;
    }
    let (id, unit_price) = (OrderLineId::generate(), price.minor());
    Some((Line { id, option_id, quantity, unit_price, coupons: Vec::new(), sold: None }, price))
}

/// Item coupons: each once, two a line.
fn read_item_coupons(fields: &mut Fields, request: &api::PlaceOrderRequest) -> Option<Vec<IssuedCouponId>> {
    let uses = &request.item_coupons;
    if uses.len() > MAX_ITEM_COUPONS {
        fields.wrong("item_coupons", format_args!("must be at most {MAX_ITEM_COUPONS}"));
        return None;
    }
    let mut read: Vec<IssuedCouponId> = Vec::with_capacity(uses.len());
    for (number, used) in uses.iter().enumerate() {
        let field = format!("item_coupons[{number}].issued_coupon_id");
        match fields.id(&field, &used.issued_coupon_id) {
            Some(coupon) if read.contains(&coupon) => fields.wrong(field, "is used twice"),
            coupon => read.extend(coupon),
        }
        let on_its_line = uses[..number].iter().filter(|other| other.line_index == used.line_index).count();
        if on_its_line >= COUPONS_ON_A_LINE {
            let field = format!("item_coupons[{number}].line_index");
            fields.wrong(field, format_args!("at most {COUPONS_ON_A_LINE} item coupons lie on a line"));
        }
    }
    (read.len() == uses.len()).then_some(read)
}

/// The lines that the item coupons lie on, which have one piece each.
fn read_places(fields: &mut Fields, request: &api::PlaceOrderRequest) -> Option<Vec<usize>> {
    // Of too many it is said that they are too many, and no more.
    if request.item_coupons.len() > MAX_ITEM_COUPONS {
        return None;
    }
    let mut places = Vec::with_capacity(request.item_coupons.len());
    for (number, used) in request.item_coupons.iter().enumerate() {
        let field = format!("item_coupons[{number}].line_index");
        let line = usize::try_from(used.line_index).ok().and_then(|index| Some((index, request.lines.get(index)?)));
        match line {
            None => fields.wrong(field, "is no line of the request"),
            Some((_, line)) if line.quantity != 1 => {
                fields.wrong(field, "a line with an item coupon has a quantity of 1");
            }
            Some((index, _)) => places.push(index),
        }
    }
    (places.len() == request.item_coupons.len()).then_some(places)
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
