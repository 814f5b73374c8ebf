//! Backward: void before the pivot, refund after it.

use bojagi_kernel::Moment;

use crate::domain::{Fault, Order, StepKind, StepState};
use crate::orders::Orders;
use crate::participants::{Setback, Voided};
use crate::store::StepReport;

impl Orders {
    /// Asks payment to make sure that nothing is captured. Its answer decides whether the order fails or goes forward.
    pub(super) async fn void(&self, order: &mut Order, started_at: Moment) -> Vec<StepReport> {
        let kind = StepKind::Void;
        let outcome = self.participants.void(order).await;
        let (policy, now) = (self.policy(), self.now());
        match outcome {
            Ok(Voided::Nothing) => order.fail(&policy, now),
            Ok(Voided::Captured) => {
                order.payment_was_captured(&policy, now);
                let error = "the capture came first".to_owned();
                return vec![StepReport { kind, state: StepState::Refused, error, started_at }];
            }
            Err(Setback::Unresolved) => return vec![self.set_back(order, kind, Setback::Unresolved, started_at)],
            Err(setback) => return vec![self.undo_failed(order, kind, setback, started_at)],
        }
        vec![StepReport { kind, state: StepState::Done, error: String::new(), started_at }]
    }

    /// Asks payment to give everything back.
    pub(super) async fn refund(&self, order: &mut Order, started_at: Moment) -> Vec<StepReport> {
        match self.participants.refund(order).await {
            Ok(refunded_at) => {
                order.money_is_back(order.totals.net(), refunded_at, &self.policy(), self.now());
                vec![StepReport { kind: StepKind::Refund, state: StepState::Done, error: String::new(), started_at }]
            }
            Err(setback) => vec![self.undo_failed(order, StepKind::Refund, setback, started_at)],
        }
    }

    /// An undoing step is tried again, refused or not, until its attempts are used up and the operator has to help.
    fn undo_failed(&self, order: &mut Order, kind: StepKind, setback: Setback, started_at: Moment) -> StepReport {
        let (fault, error) = match setback {
            Setback::Refused(refusal) => (Fault::Refused, refusal.to_string()),
            Setback::Unanswered(error) => (Fault::Unanswered, error),
            Setback::Unresolved => (Fault::Unanswered, "the outcome is unknown".to_owned()),
        };
        order.attempt_failed(fault, &error, &self.policy(), self.now());
        tracing::warn!(order = %order.id, step = ?kind, error, saga = %order.saga.state, "an undoing step failed");
        StepReport { kind, state: StepState::Open, error, started_at }
    }
}
