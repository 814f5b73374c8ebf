//! How the domain looks on the wire.

use bojagi_api::payment as api;
use bojagi_chassis::wire;
use bojagi_kernel::{Currency, Money};

use crate::domain::{
    Balance, Charge, ChargeState, DeclineReason, MethodSummary, MethodType, Payment, PaymentMethod, PaymentState,
    Refund, RefundState, WalletEntry, WalletEntryKind,
};
use crate::show::CapturedTotal;

pub(crate) fn payment(payment: &Payment) -> api::Payment {
    let money = |minor| Some(wire::money(payment.money(minor)));
    api::Payment {
        id: payment.id.to_string(),
        order_id: payment.order_id.to_string(),
        customer_id: payment.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        state: state(payment.state).into(),
        total: money(payment.total),
        points: money(payment.points),
        external: money(payment.external),
        authorized: money(payment.authorized),
        captured: money(payment.captured),
        refunding: money(payment.refunding),
        refunded: money(payment.refunded),
        decline_reason: decline_reason(payment.decline_reason).into(),
        method: payment.paid_with.as_ref().filter(|_| payment.external > 0).map(|paid| summary(&paid.summary)),
        created_at: Some(wire::timestamp(payment.created_at)),
        authorized_at: payment.authorized_at.map(wire::timestamp),
        captured_at: payment.captured_at.map(wire::timestamp),
        updated_at: Some(wire::timestamp(payment.updated_at)),
        version: payment.version,
    }
}

pub(super) const fn state(state: PaymentState) -> api::PaymentState {
    match state {
        PaymentState::Pending => api::PaymentState::Pending,
        PaymentState::Authorized => api::PaymentState::Authorized,
        PaymentState::Captured => api::PaymentState::Captured,
        PaymentState::PartiallyRefunded => api::PaymentState::PartiallyRefunded,
        PaymentState::Refunded => api::PaymentState::Refunded,
        PaymentState::Voided => api::PaymentState::Voided,
        PaymentState::Declined => api::PaymentState::Declined,
        PaymentState::Unresolved => api::PaymentState::Unresolved,
    }
}

pub(crate) const fn decline_reason(reason: Option<DeclineReason>) -> api::DeclineReason {
    match reason {
        None => api::DeclineReason::Unspecified,
        Some(DeclineReason::PointsNotEnough) => api::DeclineReason::PointsNotEnough,
        Some(DeclineReason::PaymentMethodNotFound) => api::DeclineReason::PaymentMethodNotFound,
        Some(DeclineReason::InsufficientFunds) => api::DeclineReason::InsufficientFunds,
        Some(DeclineReason::LostCard) => api::DeclineReason::LostCard,
        Some(DeclineReason::Other) => api::DeclineReason::Other,
    }
}

pub(super) fn refund(refund: &Refund) -> api::Refund {
    let money = |minor| Some(wire::money(Money::new(refund.currency, minor)));
    let state = match refund.state {
        RefundState::Pending => api::RefundState::Pending,
        RefundState::Succeeded => api::RefundState::Succeeded,
        RefundState::Failed => api::RefundState::Failed,
    };
    api::Refund {
        id: refund.id.to_string(),
        order_id: refund.order_id.to_string(),
        state: state.into(),
        amount: money(refund.amount),
        points: money(refund.legs.points),
        external: money(refund.legs.external),
        reason: refund.reason.clone(),
        created_at: Some(wire::timestamp(refund.created_at)),
        refunded_at: refund.refunded_at.map(wire::timestamp),
    }
}

pub(super) fn total(total: &CapturedTotal) -> api::CapturedTotal {
    api::CapturedTotal { captured: Some(wire::money(total.captured)), refunded: Some(wire::money(total.refunded)) }
}

pub(super) fn method(method: &PaymentMethod) -> api::PaymentMethod {
    let shown = summary(&method.paid_with.summary);
    api::PaymentMethod {
        id: method.id.to_string(),
        r#type: shown.r#type,
        issuer: shown.issuer,
        last_four: shown.last_four,
        is_default: method.is_default,
        created_at: Some(wire::timestamp(method.created_at)),
    }
}

fn summary(summary: &MethodSummary) -> api::PaymentMethodSummary {
    let kind = match summary.kind {
        MethodType::CreditCard => api::PaymentMethodType::CreditCard,
        MethodType::DebitCard => api::PaymentMethodType::DebitCard,
    };
    api::PaymentMethodSummary {
        r#type: kind.into(),
        issuer: summary.issuer.clone(),
        last_four: summary.last_four.clone(),
    }
}

pub(super) fn charge(charge: &Charge) -> api::PointsCharge {
    let state = match charge.state {
        ChargeState::Pending => api::ChargeState::Pending,
        ChargeState::Completed => api::ChargeState::Completed,
        ChargeState::Declined => api::ChargeState::Declined,
        ChargeState::Unresolved => api::ChargeState::Unresolved,
    };
    api::PointsCharge {
        id: charge.id.to_string(),
        state: state.into(),
        amount: Some(wire::money(charge.amount)),
        decline_reason: decline_reason(charge.decline_reason).into(),
        method: Some(summary(&charge.paid_with.summary)),
        created_at: Some(wire::timestamp(charge.created_at)),
        completed_at: charge.completed_at.map(wire::timestamp),
    }
}

pub(super) fn balance(balance: Balance, currency: Currency) -> api::WalletBalance {
    let points = |points| Some(wire::money(Money::new(currency, points)));
    api::WalletBalance { available: points(balance.available), held: points(balance.held) }
}

pub(super) fn entry(entry: &WalletEntry, currency: Currency) -> api::WalletEntry {
    let points = |points| Some(wire::money(Money::new(currency, points)));
    let kind = match entry.kind {
        WalletEntryKind::Charge => api::WalletEntryKind::Charge,
        WalletEntryKind::Use => api::WalletEntryKind::Use,
        WalletEntryKind::Refund => api::WalletEntryKind::Refund,
    };
    api::WalletEntry {
        id: entry.id.to_string(),
        kind: kind.into(),
        amount: points(entry.amount),
        balance_after: points(entry.balance_after),
        order_id: entry.order_id.map(|id| id.to_string()).unwrap_or_default(),
        charge_id: entry.charge_id.map(|id| id.to_string()).unwrap_or_default(),
        created_at: Some(wire::timestamp(entry.created_at)),
    }
}
