//! Drafts as they are on the wire: as the orders that they may become.

use bojagi_api::order as api;
use bojagi_chassis::wire::{money, timestamp};
use bojagi_kernel::{Currency, Money};

use super::order_line;
use crate::domain::{Draft, DraftLine, Line};

pub(crate) fn draft(draft: &Draft) -> api::Order {
    let lines: Vec<_> = draft.lines.iter().map(DraftLine::ordered).collect();
    let currency = draft.currency();
    let shown = |line| currency.map(|currency| order_line(currency, line));
    api::Order {
        id: draft.id.to_string(),
        customer_id: draft.customer_id.to_string(),
        state: api::OrderState::Draft.into(),
        money_state: api::MoneyState::Unpaid.into(),
        lines: lines.iter().filter_map(shown).collect(),
        totals: currency.map(|currency| totals(currency, &lines)),
        version: draft.version,
        created_at: Some(timestamp(draft.begun_at)),
        ..api::Order::default()
    }
}

/// What the lines cost, before anything is known of coupons and points. 100 lines of 999 pieces at the highest price do not overflow.
fn totals(currency: Currency, lines: &[Line]) -> api::OrderTotals {
    let gross = money(Money::new(currency, lines.iter().map(Line::gross).sum()));
    let nothing = money(Money::new(currency, 0));
    api::OrderTotals {
        gross: Some(gross.clone()),
        discount: Some(nothing.clone()),
        net: Some(gross.clone()),
        points: Some(nothing),
        external: Some(gross),
    }
}
