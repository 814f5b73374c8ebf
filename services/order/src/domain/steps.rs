//! The steps behind an order, as the operator sees them.
//!
//! A healthy order keeps no journal: what it did can be told from the order itself. Only what failed, was refused or was
//! repeated is recorded, and [`steps_of`] puts the two together.

use bojagi_kernel::Moment;

use super::{Direction, Life, OrderData, Refund, RefundId, RefundMoney, RefundState};

/// What a saga may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepKind {
    ReserveStock,
    ReserveRedemptions,
    Authorize,
    Capture,
    Void,
    Refund,
    AwaitStockRelease,
    AwaitCouponRelease,
    /// One for each refund that was approved; kept with the refund.
    GiveBack,
}

impl StepKind {
    /// Those that an order has at most once.
    const ALL: [Self; 8] = [
        Self::ReserveStock,
        Self::ReserveRedemptions,
        Self::Authorize,
        Self::Capture,
        Self::Void,
        Self::Refund,
        Self::AwaitStockRelease,
        Self::AwaitCouponRelease,
    ];

    /// Whether it is waited for rather than asked.
    const fn is_awaited(self) -> bool {
        matches!(self, Self::AwaitStockRelease | Self::AwaitCouponRelease)
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepState {
    Open,
    Done,
    Refused,
    Skipped,
    Resolved,
}

/// A step as it was recorded, or as it follows from the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) state: StepState,
    pub(crate) attempts: i64,
    pub(crate) last_error: String,
    pub(crate) started_at: Option<Moment>,
    pub(crate) finished_at: Option<Moment>,
    /// The refund whose money goes back by it.
    pub(crate) refund_id: Option<RefundId>,
}

/// Every step that the order took or has before it.
pub(crate) fn steps_of(order: &OrderData, recorded: &[Step]) -> Vec<Step> {
    let step = |kind: StepKind| {
        let known = recorded.iter().find(|step| step.kind == kind);
        let (state, started_at, finished_at) = match (known, follows(order, kind)) {
            (Some(known), _) if known.state != StepState::Open => return Some(known.clone()),
            (known, None) => return known.cloned(),
            (_, Some(follows)) => follows,
        };
        let failed_attempts = known.map_or(0, |known| known.attempts);
        let succeeded = i64::from(state == StepState::Done && !kind.is_awaited());
        Some(Step {
            kind,
            state,
            attempts: failed_attempts + succeeded,
            last_error: known.map(|known| known.last_error.clone()).unwrap_or_default(),
            started_at: known.and_then(|known| known.started_at).or(started_at),
            finished_at,
            refund_id: None,
        })
    };
    let approved = order.refunds.iter().filter(|refund| refund.state == RefundState::Approved);
    StepKind::ALL.into_iter().filter_map(step).chain(approved.map(give_back)).collect()
}

/// The step of a refund that was approved.
fn give_back(refund: &Refund) -> Step {
    let state = match refund.money {
        RefundMoney::None | RefundMoney::Refunding | RefundMoney::Parked => StepState::Open,
        RefundMoney::Refunded => StepState::Done,
        RefundMoney::Resolved => StepState::Resolved,
    };
    Step {
        kind: StepKind::GiveBack,
        state,
        attempts: refund.asking.attempts,
        last_error: refund.asking.last_error.clone(),
        started_at: refund.decided_at.filter(|_| refund.asking.attempts > 0),
        finished_at: refund.refunded_at,
        refund_id: Some(refund.id),
    }
}

/// What the order itself says about a step: its state, since when, and when it was done.
fn follows(order: &OrderData, kind: StepKind) -> Option<(StepState, Option<Moment>, Option<Moment>)> {
    let begun = Some(order.created_at);
    let was_paid = order.confirmed_at.is_some();
    let going_back = matches!(order.life, Life::Failed | Life::Cancelling | Life::Cancelled);
    let done_or_open = |done: bool, finished: Option<Moment>| {
        let state = if done { StepState::Done } else { StepState::Open };
        Some((state, None, finished.filter(|_| done)))
    };
    match kind {
        StepKind::ReserveRedemptions | StepKind::AwaitCouponRelease if !order.asks_coupon() => None,
        StepKind::ReserveStock | StepKind::ReserveRedemptions | StepKind::Authorize | StepKind::Capture => {
            if was_paid {
                return Some((StepState::Done, begun, order.confirmed_at));
            }
            let state = if order.life == Life::Pending { StepState::Open } else { StepState::Skipped };
            Some((state, begun.filter(|_| kind != StepKind::Capture), None))
        }
        StepKind::Void if was_paid => None,
        StepKind::Void if going_back => done_or_open(true, None),
        StepKind::Void => (order.saga.direction == Direction::Backward).then_some((StepState::Open, None, None)),
        StepKind::Refund if was_paid && going_back => done_or_open(order.back.money, order.refunded_at),
        StepKind::AwaitStockRelease if going_back => done_or_open(order.back.stock, order.ended_at),
        StepKind::AwaitCouponRelease if going_back => done_or_open(order.back.coupons, order.ended_at),
        // Those of refunds are kept with them.
        StepKind::Refund | StepKind::AwaitStockRelease | StepKind::AwaitCouponRelease | StepKind::GiveBack => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn states(order: &OrderData, recorded: &[Step]) -> Vec<(StepKind, StepState, i64)> {
        steps_of(order, recorded).into_iter().map(|step| (step.kind, step.state, step.attempts)).collect()
    }

    #[test]
    fn a_healthy_order_tells_its_steps_without_a_journal() {
        let order = samples::confirmed();
        let done = |kind| (kind, StepState::Done, 1);
        assert_eq!(
            states(&order, &[]),
            [StepKind::ReserveStock, StepKind::ReserveRedemptions, StepKind::Authorize, StepKind::Capture].map(done)
        );
    }

    #[test]
    fn coupon_has_no_steps_when_it_is_not_asked() {
        let mut order = samples::confirmed();
        order.data.quote_hash.clear();
        let kinds: Vec<_> = states(&order, &[]).into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(kinds, [StepKind::ReserveStock, StepKind::Authorize, StepKind::Capture]);
    }

    #[test]
    fn recorded_attempts_count_on_top() {
        let order = samples::confirmed();
        let failed = Step {
            kind: StepKind::Capture,
            state: StepState::Open,
            attempts: 2,
            last_error: "no answer".into(),
            started_at: None,
            finished_at: None,
            refund_id: None,
        };
        assert!(states(&order, &[failed]).contains(&(StepKind::Capture, StepState::Done, 3)));
    }

    #[test]
    fn a_failed_order_waits_for_releases() {
        let mut order = samples::pending();
        order.turn(samples::out_of_stock(), &samples::POLICY, samples::NOW);
        order.fail(&samples::POLICY, samples::NOW);
        order.stock_is_back(&samples::POLICY, samples::NOW);
        let states = states(&order, &[]);
        assert!(states.contains(&(StepKind::AwaitStockRelease, StepState::Done, 0)));
        assert!(states.contains(&(StepKind::AwaitCouponRelease, StepState::Open, 0)));
        assert!(states.contains(&(StepKind::Capture, StepState::Skipped, 0)));
    }
}
