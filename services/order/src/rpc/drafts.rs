//! Reading what is asked about drafts.

use bojagi_api::order as api;
use bojagi_chassis::Fields;
use bojagi_kernel::id::{OrderId, OrderLineId, RequestId};
use bojagi_kernel::{Failure, Money};

use super::place;
use crate::NAME;
use crate::domain::{DraftLine, Line, LineEdit, MAX_LINES};

/// A draft that can be begun.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(super) fn read_new(request: &api::CreateDraftRequest) -> Result<(RequestId, Vec<DraftLine>), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    if request.lines.len() > MAX_LINES {
        fields.wrong("lines", format_args!("must be at most {MAX_LINES}"));
        return Err(fields.refuse());
    }
    let read = |(index, line)| place::read_line(&mut fields, &format!("lines[{index}]"), line);
    let lines: Vec<_> = request.lines.iter().enumerate().filter_map(read).map(drafted).collect();
    match request_id {
        Some(request_id) if lines.len() == request.lines.len() => Ok((request_id, lines)),
        _ => Err(fields.refuse()),
    }
}

/// A line that can be added, or be what another was.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(super) fn read_edit(request: &api::UpdateDraftLineRequest) -> Result<(RequestId, OrderId, LineEdit), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let order_id = fields.id("order_id", &request.order_id);
    let line_id = fields.optional_id::<OrderLineId>("order_line_id", &request.order_line_id);
    let asked = request.line.clone().unwrap_or_default();
    let line = place::read_line(&mut fields, "line", &asked).map(drafted);
    let (Some(request_id), Some(order_id)) = (request_id, order_id) else { return Err(fields.refuse()) };
    let (Some(line_id), Some(line)) = (line_id, line) else { return Err(fields.refuse()) };
    let edit = match line_id {
        Some(id) => LineEdit::Replace(DraftLine { id, ..line }),
        None => LineEdit::Add(line),
    };
    Ok((request_id, order_id, edit))
}

fn drafted((line, unit_price): (Line, Money)) -> DraftLine {
    DraftLine { id: line.id, option_id: line.option_id, quantity: line.quantity, unit_price }
}

/// The order that a confirmation asks for, with these lines.
pub(super) fn to_place(request: &api::ConfirmDraftRequest, lines: Vec<api::PlaceOrderLine>) -> api::PlaceOrderRequest {
    api::PlaceOrderRequest {
        request_id: request.request_id.clone(),
        lines,
        item_coupons: request.item_coupons.clone(),
        order_issued_coupon_id: request.order_issued_coupon_id.clone(),
        expected_discount: request.expected_discount.clone(),
        quote_hash: request.quote_hash.clone(),
        tender: request.tender.clone(),
        delivery_address: request.delivery_address.clone(),
        wait: request.wait,
    }
}
