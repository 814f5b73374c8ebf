//! Asking payment to hold, take, let go of, and give back the money of an order.

use bojagi_api::payment::{self, DeclineReason, PaymentState, RefundState};
use bojagi_chassis::wire::{moment, money};
use bojagi_kernel::refusal::Refuses;
use bojagi_kernel::{Kind, Moment, Refusal};

use super::{Participants, Setback, senseless};
use crate::domain::{Order, PaymentDecline, Refund, Sold};
use crate::wire;

/// How far the money of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is held, and can be captured.
    Authorized,
    /// It was captured, at this moment by payment's clock.
    Captured(Moment),
}

/// What payment says to a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voided {
    /// Nothing was or will be captured.
    Nothing,
    /// The capture came first.
    Captured,
}

impl Participants {
    /// Asks payment to hold the total.
    pub(crate) async fn authorize(&self, order: &Order) -> Result<Held, Setback> {
        let request = payment::AuthorizeRequest {
            order_id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            total: Some(money(order.money(order.totals.net()))),
            points: Some(money(order.money(order.totals.points))),
            payment_method_id: match order.payment_method_id {
                Some(method) if order.totals.external() > 0 => method.to_string(),
                _ => String::new(),
            },
        };
        let answer = self.ask(self.payments.clone().authorize(request)).await?;
        held(answer.payment.as_ref())
    }

    /// Asks payment to take the total, made up as `sold` says.
    pub(crate) async fn capture(&self, order: &Order, sold: &[Sold]) -> Result<Moment, Setback> {
        let request = payment::CaptureRequest { order_id: order.id.to_string(), allocations: allocations(order, sold) };
        let answer = self.ask(self.payments.clone().capture(request)).await?;
        match held(answer.payment.as_ref())? {
            Held::Captured(at) => Ok(at),
            Held::Authorized => Err(Setback::Unanswered("payment has not captured yet".to_owned())),
        }
    }

    /// Asks payment to make sure that nothing is or will be captured. It refuses nothing; its answer decides.
    pub(crate) async fn void(&self, order: &Order) -> Result<Voided, Setback> {
        let request = payment::VoidRequest { order_id: order.id.to_string() };
        let answer = self.ask(self.payments.clone().void(request)).await?;
        match answer.state() {
            PaymentState::Voided | PaymentState::Declined => Ok(Voided::Nothing),
            PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded => Ok(Voided::Captured),
            PaymentState::Unresolved => Err(Setback::Unresolved),
            state @ (PaymentState::Unspecified | PaymentState::Pending | PaymentState::Authorized) => {
                Err(senseless(&format!("voided, and still {}", state.as_str_name())))
            }
        }
    }

    /// Asks payment to give everything back. Answers when it went back, by payment's clock.
    pub(crate) async fn refund(&self, order: &Order) -> Result<Moment, Setback> {
        let sold: Vec<Sold> = order.lines.iter().filter_map(|line| line.sold.clone()).collect();
        let request = payment::RefundRequest {
            order_id: order.id.to_string(),
            refund_id: order.refund_id().to_string(),
            amount: Some(money(order.money(order.totals.net()))),
            allocations: allocations(order, &sold),
            reason: order.cancel.map(|reason| reason.name().to_owned()).unwrap_or_default(),
        };
        self.ask_refund(request).await
    }

    /// Asks payment to give back the money of a refund, made up as it was when it was approved. An amount of 0 goes the same way,
    /// so that settlement books what the discounts of those pieces cost.
    pub(crate) async fn give_back(&self, order: &Order, refund: &Refund) -> Result<Moment, Setback> {
        let request = payment::RefundRequest {
            order_id: order.id.to_string(),
            refund_id: refund.id.to_string(),
            amount: Some(money(order.money(refund.amount()))),
            allocations: wire::refund_allocations(order, refund),
            reason: "REFUND_APPROVED".to_owned(),
        };
        self.ask_refund(request).await
    }

    async fn ask_refund(&self, request: payment::RefundRequest) -> Result<Moment, Setback> {
        let answer = self.ask(self.payments.clone().refund(request)).await?;
        let refund = answer.refund.ok_or_else(|| senseless("there is no refund in it"))?;
        match refund.state() {
            RefundState::Succeeded => {
                refund.refunded_at.as_ref().and_then(moment).ok_or_else(|| senseless("it says not when"))
            }
            RefundState::Failed => Err(Setback::Refused(Box::new(Refusal::new(
                "payment",
                Kind::WrongState,
                "REFUND_FAILED",
                "the provider refused to give the money back",
            )))),
            RefundState::Pending | RefundState::Unspecified => {
                Err(Setback::Unanswered("the refund is on its way".to_owned()))
            }
        }
    }
}

fn allocations(order: &Order, sold: &[Sold]) -> Vec<bojagi_api::common::LineAllocation> {
    order.lines.iter().zip(sold).map(|(line, sold)| wire::allocation(order, line, sold)).collect()
}

fn held(payment: Option<&payment::Payment>) -> Result<Held, Setback> {
    let Some(payment) = payment else { return Err(senseless("there is no payment in it")) };
    match payment.state() {
        PaymentState::Authorized => Ok(Held::Authorized),
        PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded => {
            let at = payment.captured_at.as_ref().and_then(moment);
            at.map(Held::Captured).ok_or_else(|| senseless("it says not when"))
        }
        PaymentState::Declined => Err(Setback::Refused(Box::new(declined(payment.decline_reason()).refusal()))),
        PaymentState::Voided => Err(Setback::Refused(Box::new(Refusal::new(
            "payment",
            Kind::WrongState,
            "ORDER_ENDED",
            "the order's payment was voided",
        )))),
        PaymentState::Unresolved => Err(Setback::Unresolved),
        PaymentState::Pending | PaymentState::Unspecified => {
            Err(Setback::Unanswered("payment has not decided yet".to_owned()))
        }
    }
}

const fn declined(reason: DeclineReason) -> PaymentDecline {
    match reason {
        DeclineReason::PointsNotEnough => PaymentDecline::PointsNotEnough,
        DeclineReason::PaymentMethodNotFound => PaymentDecline::PaymentMethodNotFound,
        DeclineReason::InsufficientFunds => PaymentDecline::PaymentDeclined { decline_reason: "INSUFFICIENT_FUNDS" },
        DeclineReason::LostCard => PaymentDecline::PaymentDeclined { decline_reason: "LOST_CARD" },
        DeclineReason::Other | DeclineReason::Unspecified => {
            PaymentDecline::PaymentDeclined { decline_reason: "OTHER" }
        }
    }
}
