//! `SagaService`.

use std::time::Duration;

use bojagi_api::order as api;
use bojagi_api::order::saga_service_server::SagaService;
use bojagi_chassis::operations::{Operations, Wanted};
use bojagi_chassis::wire::timestamp;
use bojagi_chassis::{Caller, Fields, answer, once};
use bojagi_kernel::id::{OrderId, RequestId};
use bojagi_kernel::{Failure, Moment};
use tonic::{Request, Response, Status};

use super::saga_filter;
use crate::domain::{Direction, MAX_STANDING, Order, RefundId, SagaState, Step, StepKind, StepState, steps_of};
use crate::operate_sagas::Operation;
use crate::orders::Orders;
use crate::store::SagaFilter;
use crate::{NAME, trace, wire};

/// Adapts `SagaService`.
#[derive(Clone)]
pub(crate) struct SagaRpc {
    orders: Orders,
    operations: Operations,
}

impl SagaRpc {
    pub(crate) fn new(orders: &Orders) -> Self {
        Self { orders: orders.clone(), operations: Operations::of(NAME, &orders.context) }
    }
}

#[tonic::async_trait]
impl SagaService for SagaRpc {
    async fn list_sagas(
        &self,
        request: Request<api::ListSagasRequest>,
    ) -> Result<Response<api::ListSagasResponse>, Status> {
        answer::to(NAME, async {
            let request = request.into_inner();
            let pager = &self.orders.context.pager;
            let mut fields = Fields::new(NAME);
            let state = saga_filter(&mut fields, "state", request.state);
            let now = self.orders.now();
            let age = minimum_age(&mut fields, request.minimum_age, now);
            let query = format!("ListSagas in {state:?} of age {age:?}");
            let wanted = (request.page_size, request.page_token.as_str());
            let page = fields.page(pager, query, wanted, |id: String| id.parse().ok());
            let (Some(state), Some(age), Some(page)) = (state, age, page) else { return Err(fields.refuse()) };
            let filter = SagaFilter { state, since: age.map(|age| now - age) };
            let mut orders = self.orders.list_sagas(filter, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut orders, |last| last.id.to_string());
            let sagas = orders.iter().map(|order| saga_message(order, None)).collect();
            Ok(api::ListSagasResponse { sagas, next_page_token })
        })
        .await
    }

    async fn get_saga(&self, request: Request<api::GetSagaRequest>) -> Result<Response<api::GetSagaResponse>, Status> {
        answer::to(NAME, async {
            let order_id = Fields::only_id(NAME, "order_id", &request.get_ref().order_id)?;
            let (order, steps) = self.orders.show_saga(order_id).await?;
            Ok(api::GetSagaResponse { saga: Some(saga_message(&order, Some(&steps))) })
        })
        .await
    }

    async fn retry_saga(
        &self,
        request: Request<api::RetrySagaRequest>,
    ) -> Result<Response<api::RetrySagaResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let (request_id, order_id) =
                Fields::request_about(NAME, &request.request_id, ("order_id", &request.order_id))?;
            let key = once::key(&caller, "RetrySaga", request_id, &request);
            let saga = self.orders.operate(order_id, Operation::Retry, key).await?;
            Ok(api::RetrySagaResponse { saga: Some(saga) })
        })
        .await
    }

    async fn compensate_saga(
        &self,
        request: Request<api::CompensateSagaRequest>,
    ) -> Result<Response<api::CompensateSagaResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let (request_id, order_id, reason) =
                ids_and_reason(&request.request_id, &request.order_id, &request.reason)?;
            let key = once::key(&caller, "CompensateSaga", request_id, &request);
            let saga = self.orders.operate(order_id, Operation::Compensate(reason), key).await?;
            Ok(api::CompensateSagaResponse { saga: Some(saga) })
        })
        .await
    }

    async fn resolve_saga(
        &self,
        request: Request<api::ResolveSagaRequest>,
    ) -> Result<Response<api::ResolveSagaResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let settled = refund_ids(&mut fields, &request.refund_ids);
            let read = read_ids_and_reason(&mut fields, &request.request_id, &request.order_id, &request.reason);
            let (Some(settled), Some((request_id, order_id, reason))) = (settled, read) else {
                return Err(fields.refuse());
            };
            let key = once::key(&caller, "ResolveSaga", request_id, &request);
            let saga = self.orders.operate(order_id, Operation::Resolve(settled, reason), key).await?;
            Ok(api::ResolveSagaResponse { saga: Some(saga) })
        })
        .await
    }

    async fn list_parked_events(
        &self,
        request: Request<api::ListParkedEventsRequest>,
    ) -> Result<Response<api::ListParkedEventsResponse>, Status> {
        answer::to(NAME, async {
            let request = request.into_inner();
            let wanted = Wanted {
                group: request.group,
                state: request.state,
                page_size: request.page_size,
                page_token: &request.page_token,
            };
            let (parked_events, next_page_token) = self.operations.list(wanted).await?;
            Ok(api::ListParkedEventsResponse { parked_events, next_page_token })
        })
        .await
    }

    async fn replay_parked_event(
        &self,
        request: Request<api::ReplayParkedEventRequest>,
    ) -> Result<Response<api::ReplayParkedEventResponse>, Status> {
        answer::to(NAME, async {
            let request = request.into_inner();
            let (event, released_events) = self.operations.replay(request.group, &request.event_id).await?;
            Ok(api::ReplayParkedEventResponse { parked_event: Some(event), released_events })
        })
        .await
    }
}

/// A minimum age that may be left out: `Some(None)` when it is. No order is older than time as computers count it, and databases
/// do not reach back much further.
fn minimum_age(fields: &mut Fields, age: Option<prost_types::Duration>, now: Moment) -> Option<Option<Duration>> {
    let Some(age) = age else { return Some(None) };
    let age = Duration::try_from(age).ok().filter(|age| *age <= now.since(Moment::from_micros(0)));
    if age.is_none() {
        fields.wrong("minimum_age", "must not be negative, nor reach back beyond 1970");
    }
    age.map(Some)
}

fn ids_and_reason(request_id: &str, order_id: &str, reason: &str) -> Result<(RequestId, OrderId, String), Failure> {
    let mut fields = Fields::new(NAME);
    let read = read_ids_and_reason(&mut fields, request_id, order_id, reason);
    read.ok_or_else(|| fields.refuse())
}

fn read_ids_and_reason(
    fields: &mut Fields,
    request_id: &str,
    order_id: &str,
    reason: &str,
) -> Option<(RequestId, OrderId, String)> {
    let request_id = fields.request_id(request_id);
    let order_id = fields.id("order_id", order_id);
    let reason = fields.line("reason", reason, 500);
    Some((request_id?, order_id?, reason?))
}

fn refund_ids(fields: &mut Fields, texts: &[String]) -> Option<Vec<RefundId>> {
    if texts.len() > MAX_STANDING {
        fields.wrong("refund_ids", format_args!("must be at most {MAX_STANDING}"));
        return None;
    }
    let read = |(index, text): (usize, &String)| fields.id(&format!("refund_ids[{index}]"), text);
    let ids: Vec<_> = texts.iter().enumerate().filter_map(read).collect();
    (ids.len() == texts.len()).then_some(ids)
}

/// The work behind an order, with its steps when what is recorded of them is at hand.
pub(crate) fn saga_message(order: &Order, recorded: Option<&[Step]>) -> api::Saga {
    let saga = &order.saga;
    let is_driven = saga.lease_owner.is_some();
    api::Saga {
        order_id: order.id.to_string(),
        state: saga_state(saga.state).into(),
        direction: match saga.direction {
            Direction::Forward => api::SagaDirection::Forward,
            Direction::Backward => api::SagaDirection::Backward,
        }
        .into(),
        order_state: wire::life(order.life).into(),
        steps: recorded.map_or_else(Vec::new, |recorded| steps_of(order, recorded).iter().map(step).collect()),
        parked_reason: saga.parked_reason.clone().unwrap_or_default(),
        operator_reason: saga.operator_reason.clone().unwrap_or_default(),
        lease_epoch: saga.lease_epoch,
        leased_until: saga.wake_at.filter(|_| is_driven).map(timestamp),
        next_attempt_at: saga.wake_at.filter(|_| !is_driven).map(timestamp),
        deadline: Some(timestamp(saga.deadline)),
        trace_id: trace::of(order).map(|trace| trace.trace_id()).unwrap_or_default(),
        created_at: Some(timestamp(order.created_at)),
        updated_at: Some(timestamp(order.updated_at)),
    }
}

fn step(step: &Step) -> api::SagaStep {
    api::SagaStep {
        kind: step_kind(step.kind).into(),
        state: step_state(step.state).into(),
        attempts: step.attempts,
        last_error: step.last_error.clone(),
        started_at: step.started_at.map(timestamp),
        finished_at: step.finished_at.map(timestamp),
        refund_id: step.refund_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

const fn saga_state(state: SagaState) -> api::SagaState {
    match state {
        SagaState::Running => api::SagaState::Running,
        SagaState::Parked => api::SagaState::Parked,
        SagaState::Done => api::SagaState::Done,
    }
}

const fn step_kind(kind: StepKind) -> api::SagaStepKind {
    match kind {
        StepKind::ReserveStock => api::SagaStepKind::ReserveStock,
        StepKind::ReserveRedemptions => api::SagaStepKind::ReserveRedemptions,
        StepKind::Authorize => api::SagaStepKind::Authorize,
        StepKind::Capture => api::SagaStepKind::Capture,
        StepKind::Void => api::SagaStepKind::Void,
        StepKind::Refund => api::SagaStepKind::Refund,
        StepKind::AwaitStockRelease => api::SagaStepKind::AwaitStockRelease,
        StepKind::AwaitCouponRelease => api::SagaStepKind::AwaitCouponRelease,
        StepKind::GiveBack => api::SagaStepKind::GiveBack,
    }
}

const fn step_state(state: StepState) -> api::SagaStepState {
    match state {
        StepState::Open => api::SagaStepState::Open,
        StepState::Done => api::SagaStepState::Done,
        StepState::Refused => api::SagaStepState::Refused,
        StepState::Skipped => api::SagaStepState::Skipped,
        StepState::Resolved => api::SagaStepState::Resolved,
    }
}
