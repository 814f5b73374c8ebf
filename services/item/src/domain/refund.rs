//! Pieces that customers gave back, of which some can be sold again.

use std::collections::BTreeMap;

use bojagi_kernel::id::{OptionId, OrderId, OrderLineId};

use super::hold::HeldLine;
use super::stock::HeldPieces;

bojagi_kernel::typed_id! {
    /// A refund of the order context.
    RefundId,
}

/// Pieces of one order that are paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) id: RefundId,
    pub(crate) order_id: OrderId,
    pub(crate) lines: Vec<Returned>,
    /// Whether they can be sold again.
    pub(crate) restock: bool,
}

/// Pieces of a line that are paid back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned {
    pub(crate) order_line_id: OrderLineId,
    pub(crate) quantity: i64,
}

/// The lines that pieces are paid back of, with how many; none if one of them was not sold to the order.
pub(crate) fn sold_lines<'a>(sold: &'a [HeldLine], returned: &[Returned]) -> Option<Vec<(&'a HeldLine, i64)>> {
    let line = |back: &Returned| {
        let line = sold.iter().find(|line| line.asked.order_line_id == back.order_line_id)?;
        (back.quantity > 0).then_some((line, back.quantity))
    };
    returned.iter().map(line).collect()
}

/// How many pieces of each option these are, by option.
pub(crate) fn by_option(lines: &[(&HeldLine, i64)]) -> Vec<HeldPieces> {
    let mut sums: BTreeMap<OptionId, HeldPieces> = BTreeMap::new();
    for (line, quantity) in lines {
        let (option_id, item_id) = (line.asked.option_id, line.item_id);
        sums.entry(option_id).or_insert(HeldPieces { option_id, item_id, quantity: 0 }).quantity += quantity;
    }
    sums.into_values().collect()
}
