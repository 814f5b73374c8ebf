//! Forward: reserve, authorise, capture, confirm.

use std::cmp::Reverse;

use bojagi_kernel::Moment;

use super::report_of;
use crate::domain::{Order, OwnFailure, StepKind, StepState, Task};
use crate::orders::Orders;
use crate::participants::{Setback, sold_lines};
use crate::store::StepReport;

impl Orders {
    /// Reserves and authorises side by side, then captures. A healthy run leaves nothing to record.
    ///
    /// Each of the three asks is waited for even when another was refused: payment does what it was asked whether somebody
    /// waits or not, and the operator is shown what each of them answered.
    pub(super) async fn pay(&self, order: &mut Order, started_at: Moment) -> Vec<StepReport> {
        let (stock, redemptions, authorization) = tokio::join!(
            self.participants.reserve_stock(order),
            self.participants.reserve_redemptions(order),
            self.participants.authorize(order),
        );
        let (reserved, redeemed) = match (stock, redemptions, authorization) {
            // Captured already means that an earlier answer was lost; asked again, the capture says when.
            (Ok(reserved), Ok(redeemed), Ok(_)) => (reserved, redeemed),
            (stock, redemptions, authorization) => {
                let steps = [
                    (StepKind::ReserveStock, stock.err()),
                    (StepKind::ReserveRedemptions, redemptions.err()),
                    (StepKind::Authorize, authorization.err()),
                ];
                return self.set_back_together(order, steps, started_at);
            }
        };
        let sold = match sold_lines(order, &reserved, &redeemed) {
            Ok(sold) => sold,
            Err(setback) => return vec![self.set_back(order, StepKind::ReserveRedemptions, setback, started_at)],
        };
        let now = self.now();
        if order.task(now) == Task::TimeOut {
            order.turn(OwnFailure::OrderTimedOut.into(), &self.policy(), now);
            return Vec::new();
        }
        match self.participants.capture(order, &sold).await {
            Ok(captured_at) => {
                order.confirm(sold, captured_at, &self.policy(), self.now());
                Vec::new()
            }
            Err(setback) => vec![self.set_back(order, StepKind::Capture, setback, started_at)],
        }
    }

    /// Not all of the three went well: the first of the weightiest setbacks decides what becomes of the order, the others are
    /// recorded.
    fn set_back_together(
        &self,
        order: &mut Order,
        steps: [(StepKind, Option<Setback>); 3],
        started_at: Moment,
    ) -> Vec<StepReport> {
        let weights = steps.iter().filter_map(|(kind, setback)| Some((*kind, weight(setback.as_ref()?))));
        let decisive = weights.min_by_key(|(_, weight)| Reverse(*weight)).map(|(kind, _)| kind);
        let report = |(kind, setback)| match setback {
            None => StepReport { kind, state: StepState::Done, error: String::new(), started_at },
            Some(setback) if Some(kind) == decisive => self.set_back(order, kind, setback, started_at),
            Some(setback) => report_of(kind, &setback, started_at),
        };
        steps.into_iter().map(report).collect()
    }
}

/// A refusal decides; not knowing about money outweighs an answer that did not come.
const fn weight(setback: &Setback) -> u8 {
    match setback {
        Setback::Refused(_) => 2,
        Setback::Unresolved => 1,
        Setback::Unanswered(_) => 0,
    }
}
