//! How the money of an order's lines is made up: read once, kept as it came, told with the fact.

use bojagi_api::common;
use bojagi_chassis::Fields;
use bojagi_kernel::id::{AccountId, OptionId, OrderLineId, StoreId};
use bojagi_kernel::{Currency, Failure, Money};
use prost::Message;

use crate::domain::{Allocations, MAX_AMOUNT};

/// Lines of an ask at most.
const MAX_LINES: usize = 1_000;
/// Pieces of a line at most.
const MAX_QUANTITY: i64 = 1_000_000_000;

/// The lines as they are kept.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(message, repeated, tag = "1")]
    lines: Vec<common::LineAllocation>,
}

/// Reads the lines of an ask: what is kept, their currency, and what the net amounts add up to.
pub(super) fn read(fields: &mut Fields, lines: Vec<common::LineAllocation>) -> Option<(Allocations, Currency, i64)> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        fields.wrong("allocations", format_args!("must have 1 to {MAX_LINES} lines"));
        return None;
    }
    let (mut currency, mut nets) = (None, 0);
    for (index, line) in lines.iter().enumerate() {
        // The first line with a fault ends it: the faults of a thousand lines fit into no answer.
        nets += read_line(fields, &format!("allocations[{index}]"), line, &mut currency)?;
    }
    Some((Allocations(Kept { lines }.encode_to_vec()), currency?, nets))
}

/// The net amount of a line without fault. `currency` is that of the lines before, if there were any.
fn read_line(
    fields: &mut Fields,
    place: &str,
    line: &common::LineAllocation,
    currency: &mut Option<Currency>,
) -> Option<i64> {
    let order_line_id = fields.id::<OrderLineId>(&format!("{place}.order_line_id"), &line.order_line_id);
    let option_id = fields.id::<OptionId>(&format!("{place}.option_id"), &line.option_id);
    let store_id = fields.id::<StoreId>(&format!("{place}.store_id"), &line.store_id);
    let seller_id = fields.id::<AccountId>(&format!("{place}.seller_id"), &line.seller_id);
    let quantity = fields.count(&format!("{place}.quantity"), line.quantity, 0..=MAX_QUANTITY);
    let mut amount = |name: &str, money| bounded_amount(fields, &format!("{place}.{name}"), money);
    let gross = amount("gross", line.gross.as_ref());
    let net = amount("net", line.net.as_ref());
    let platform_discount = amount("platform_discount", line.platform_discount.as_ref());
    let seller_discount = amount("seller_discount", line.seller_discount.as_ref());
    let (gross, net, platform_discount, seller_discount) = (gross?, net?, platform_discount?, seller_discount?);

    let expected = *currency.get_or_insert(gross.currency());
    if [gross, net, platform_discount, seller_discount].iter().any(|amount| amount.currency() != expected) {
        fields.wrong(place, format_args!("all amounts must be in {expected}"));
        return None;
    }
    if gross.minor() != net.minor() + platform_discount.minor() + seller_discount.minor() {
        fields.wrong(place, "gross must be net, platform_discount and seller_discount together");
        return None;
    }
    let identified = order_line_id.is_some() && option_id.is_some() && store_id.is_some() && seller_id.is_some();
    (identified && quantity.is_some()).then(|| net.minor())
}

/// An amount that is zero or more, and not so large that sums could overflow.
pub(super) fn bounded_amount(fields: &mut Fields, field: &str, money: Option<&common::Money>) -> Option<Money> {
    let amount = fields.amount(field, money)?;
    if amount.minor() > MAX_AMOUNT {
        fields.wrong(format!("{field}.minor_units"), format_args!("must be at most {MAX_AMOUNT}"));
        return None;
    }
    Some(amount)
}

/// The lines as they came.
pub(crate) fn decode(kept: &Allocations) -> Result<Vec<common::LineAllocation>, Failure> {
    let kept = Kept::decode(kept.0.as_slice())
        .map_err(|error| Failure::broken(format!("kept allocations are unreadable: {error}")))?;
    Ok(kept.lines)
}
