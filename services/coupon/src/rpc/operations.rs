//! Parked events.

use bojagi_api::common::ParkedEventState;
use bojagi_api::coupon::{
    ListParkedEventsRequest, ListParkedEventsResponse, ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use bojagi_chassis::{Context, Fields, operations};
use bojagi_kernel::Failure;

use crate::NAME;

pub(super) async fn list(
    context: &Context,
    request: ListParkedEventsRequest,
) -> Result<ListParkedEventsResponse, Failure> {
    let mut fields = Fields::new(NAME);
    let Some(state) = fields.take("state", ParkedEventState::try_from(request.state)) else {
        return Err(fields.refuse());
    };
    let page = (request.page_size, request.page_token.as_str());
    let (parked_events, next_page_token) =
        operations::list_parked(&context.store, &context.pager, NAME, (request.group, state), page).await?;
    Ok(ListParkedEventsResponse { parked_events, next_page_token })
}

pub(super) async fn replay(
    context: &Context,
    request: ReplayParkedEventRequest,
) -> Result<ReplayParkedEventResponse, Failure> {
    let now = context.clock.now();
    let (parked_event, behind) =
        operations::replay_parked(&context.store, NAME, request.group, &request.event_id, now).await?;
    Ok(ReplayParkedEventResponse { parked_event: Some(parked_event), released_events: behind + 1 })
}
