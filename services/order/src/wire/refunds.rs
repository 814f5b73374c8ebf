//! Refunds as they are on the wire.

use bojagi_api::{common, order as api};
use bojagi_chassis::wire::{money, timestamp};

use crate::domain::{Order, Refund, RefundLine, RefundMoney, RefundState};

pub(crate) fn refund(order: &Order, refund: &Refund) -> api::Refund {
    let is_approved = refund.state == RefundState::Approved;
    api::Refund {
        id: refund.id.to_string(),
        order_id: order.id.to_string(),
        delivery_id: refund.delivery_id.to_string(),
        store_id: refund.store_id.to_string(),
        seller_id: refund.seller_id.to_string(),
        customer_id: order.customer_id.to_string(),
        state: refund_state(refund.state).into(),
        money_state: refund_money(refund.money).into(),
        lines: refund.lines.iter().map(|line| refund_line(order, line, is_approved)).collect(),
        reason: refund.reason.clone(),
        rejection: refund.rejection.clone().unwrap_or_default(),
        restock: refund.restock,
        amount: is_approved.then(|| money(order.money(refund.amount()))),
        requested_at: Some(timestamp(refund.requested_at)),
        decided_at: refund.decided_at.map(timestamp),
        refunded_at: refund.refunded_at.map(timestamp),
    }
}

/// What is kept of an answer must not hold the customer's words, which are forgotten with the account.
pub(crate) fn refund_without_words(order: &Order, of: &Refund) -> api::Refund {
    api::Refund { reason: String::new(), ..refund(order, of) }
}

fn refund_line(order: &Order, line: &RefundLine, is_approved: bool) -> api::RefundLine {
    let bought = order.lines.iter().find(|bought| bought.id == line.order_line_id);
    let sold = bought.and_then(|bought| bought.sold.as_ref());
    api::RefundLine {
        order_line_id: line.order_line_id.to_string(),
        option_id: bought.map(|bought| bought.option_id.to_string()).unwrap_or_default(),
        item_name: sold.map(|sold| sold.item_name.clone()).unwrap_or_default(),
        option_name: sold.map(|sold| sold.option_name.clone()).unwrap_or_default(),
        quantity: line.quantity,
        net: is_approved.then(|| money(order.money(line.share.net))),
    }
}

/// How the money of a refund is made up, as payment keeps it and settlement books it.
pub(crate) fn refund_allocations(order: &Order, refund: &Refund) -> Vec<common::LineAllocation> {
    let amount = |minor: i64| Some(money(order.money(minor)));
    let allocation = |line: &RefundLine| {
        let bought = order.lines.iter().find(|bought| bought.id == line.order_line_id)?;
        Some(common::LineAllocation {
            order_line_id: bought.id.to_string(),
            option_id: bought.option_id.to_string(),
            store_id: refund.store_id.to_string(),
            seller_id: refund.seller_id.to_string(),
            quantity: line.quantity,
            gross: amount(line.share.gross),
            net: amount(line.share.net),
            platform_discount: amount(line.share.platform_discount),
            seller_discount: amount(line.share.seller_discount),
        })
    };
    refund.lines.iter().filter_map(allocation).collect()
}

const fn refund_state(state: RefundState) -> api::RefundState {
    match state {
        RefundState::Requested => api::RefundState::Requested,
        RefundState::Approved => api::RefundState::Approved,
        RefundState::Rejected => api::RefundState::Rejected,
        RefundState::Withdrawn => api::RefundState::Withdrawn,
    }
}

const fn refund_money(money: RefundMoney) -> api::RefundMoneyState {
    match money {
        RefundMoney::None => api::RefundMoneyState::None,
        RefundMoney::Refunding => api::RefundMoneyState::Refunding,
        RefundMoney::Refunded => api::RefundMoneyState::Refunded,
        RefundMoney::Parked => api::RefundMoneyState::Parked,
        RefundMoney::Resolved => api::RefundMoneyState::Resolved,
    }
}
