//! The facts of payment that settlement books from.

use bojagi_api::common;
use bojagi_api::payment::{PaymentCaptured, PaymentRefunded, PointsCharged};
use bojagi_chassis::Fields;
use bojagi_events::{Event, Hears, nothing_more};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Failure, Money};
use bojagi_store::Tx;
use bojagi_telemetry::TraceContext;

use crate::book::{self, Told};
use crate::domain::{Allocation, Cause, Charge};

/// What settlement hears. A fact that cannot be booked is set aside and shown to the operator; nothing of it is booked.
///
/// What is booked is added, so facts about different payments are booked side by side: no row is changed, and what
/// is kept of a payment, or of an account whose points were bought, belongs to the id that its facts are told under. Two that open the same
/// account wait for each other, and where they would wait for ever, one of them is applied once more, alone.
pub(crate) fn hears() -> Hears {
    Hears::new(crate::NAME)
        .on_locking(nothing_more, async |tx: &mut Tx, event: &Event, fact: PaymentCaptured| {
            book::capture(tx, &captured(event, &fact)?).await
        })
        .on_locking(nothing_more, async |tx: &mut Tx, event: &Event, fact: PaymentRefunded| {
            book::refund(tx, &refunded(event, &fact)?).await
        })
        .on_locking(nothing_more, async |tx: &mut Tx, event: &Event, fact: PointsCharged| {
            book::charge_points(tx, &charged(&fact)?, &trace_id(event)).await
        })
}

fn trace_id(event: &Event) -> String {
    event.trace.as_ref().map(TraceContext::trace_id).unwrap_or_default()
}

/// What a capture and a refund tell alike.
struct Moved<'a> {
    /// The payment again for a capture, the refund for a refund, and what its field is called.
    source: (&'static str, &'a str),
    payment_id: &'a str,
    order_id: &'a str,
    points: Option<&'a common::Money>,
    external: Option<&'a common::Money>,
    lines: &'a [common::LineAllocation],
    /// When the money moved, and what its field is called.
    at: (&'static str, Option<&'a prost_types::Timestamp>),
}

fn captured(event: &Event, fact: &PaymentCaptured) -> Result<Told, Failure> {
    let moved = Moved {
        source: ("payment_id", &fact.payment_id),
        payment_id: &fact.payment_id,
        order_id: &fact.order_id,
        points: fact.points.as_ref(),
        external: fact.external.as_ref(),
        lines: &fact.allocations,
        at: ("captured_at", fact.captured_at.as_ref()),
    };
    told(event, &moved)
}

fn refunded(event: &Event, fact: &PaymentRefunded) -> Result<Told, Failure> {
    let moved = Moved {
        source: ("refund_id", &fact.refund_id),
        payment_id: &fact.payment_id,
        order_id: &fact.order_id,
        points: fact.points.as_ref(),
        external: fact.external.as_ref(),
        lines: &fact.allocations,
        at: ("refunded_at", fact.refunded_at.as_ref()),
    };
    told(event, &moved)
}

fn told(event: &Event, moved: &Moved<'_>) -> Result<Told, Failure> {
    let mut fields = Fields::new(crate::NAME);
    let source_id = fields.id(moved.source.0, moved.source.1);
    let payment_id = fields.id("payment_id", moved.payment_id);
    let order_id = fields.id("order_id", moved.order_id);
    let legs = legs(&mut fields, moved);
    let allocations = allocations(&mut fields, moved.lines);
    let moved_at = fields.moment(moved.at.0, moved.at.1);
    let (Some(source_id), Some(payment_id), Some(order_id), Some((total, points)), Some(allocations), Some(moved_at)) =
        (source_id, payment_id, order_id, legs, allocations, moved_at)
    else {
        return Err(fields.refuse());
    };
    Ok(Told { payment_id, order_id, source_id, total, points, allocations, moved_at, trace_id: trace_id(event) })
}

fn charged(fact: &PointsCharged) -> Result<Charge, Failure> {
    let mut fields = Fields::new(crate::NAME);
    let source_id = fields.id::<Uuid>("charge_id", &fact.charge_id);
    let amount = fields.positive_amount("amount", fact.amount.as_ref());
    let charged_at = fields.moment("charged_at", fact.charged_at.as_ref());
    let (Some(source_id), Some(amount), Some(booked_at)) = (source_id, amount, charged_at) else {
        return Err(fields.refuse());
    };
    Ok(Charge { cause: Cause { source_id, order_id: None, booked_at }, amount })
}

/// Both legs together, and the points among them. A leg that is absent is nothing; with neither, the lines say the currency.
fn legs(fields: &mut Fields, moved: &Moved<'_>) -> Option<(Money, Money)> {
    let of_lines = || moved.lines.first().and_then(|line| line.gross.as_ref());
    let some_amount = moved.external.or(moved.points).or_else(of_lines);
    let currency = fields.amount("external", some_amount)?.currency();
    let mut leg = |field, amount: Option<&common::Money>| match amount {
        Some(_) => fields.amount(field, amount),
        None => Some(Money::zero(currency)),
    };
    let (points, external) = (leg("points", moved.points)?, leg("external", moved.external)?);
    let total = fields.take("external", external.plus(points))?;
    Some((total, points))
}

fn allocations(fields: &mut Fields, lines: &[common::LineAllocation]) -> Option<Vec<Allocation>> {
    let mut read = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        read.push(allocation(fields, &format!("allocations[{index}]"), line));
    }
    read.into_iter().collect()
}

fn allocation(fields: &mut Fields, path: &str, line: &common::LineAllocation) -> Option<Allocation> {
    let order_line_id = fields.id(&format!("{path}.order_line_id"), &line.order_line_id);
    let option_id = fields.id(&format!("{path}.option_id"), &line.option_id);
    let store_id = fields.id(&format!("{path}.store_id"), &line.store_id);
    let seller_id = fields.id(&format!("{path}.seller_id"), &line.seller_id);
    let quantity = fields.count(&format!("{path}.quantity"), line.quantity, 0..=i64::from(i32::MAX));
    let gross = fields.amount(&format!("{path}.gross"), line.gross.as_ref());
    let paid = fields.amount(&format!("{path}.net"), line.net.as_ref());
    let nothing = Money::zero(gross?.currency());
    let mut discount = |field: &str, amount: Option<&common::Money>| match amount {
        Some(_) => fields.amount(&format!("{path}.{field}"), amount),
        None => Some(nothing),
    };
    let platform_discount = discount("platform_discount", line.platform_discount.as_ref());
    let seller_discount = discount("seller_discount", line.seller_discount.as_ref());
    Some(Allocation {
        order_line_id: order_line_id?,
        option_id: option_id?,
        store_id: store_id?,
        seller_id: seller_id?,
        quantity: quantity?,
        gross: gross?,
        paid: paid?,
        platform_discount: platform_discount?,
        seller_discount: seller_discount?,
    })
}
