//! `OperationsService`.

use bojagi_api::common::ParkedEventState;
use bojagi_api::settlement::operations_service_server::OperationsService;
use bojagi_api::settlement::{
    ListParkedEventsRequest, ListParkedEventsResponse, ReplayParkedEventRequest, ReplayParkedEventResponse,
};
use bojagi_chassis::{Context, Fields, answer, operations};
use tonic::{Request, Response, Status};

use super::filter;

/// Answers the calls of `OperationsService`.
#[derive(Clone)]
pub(crate) struct OperationsRpc(pub(crate) Context);

#[tonic::async_trait]
impl OperationsService for OperationsRpc {
    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let request = request.into_inner();
        answer::to(crate::NAME, async {
            let mut fields = Fields::new(crate::NAME);
            let state = filter(&mut fields, "state", request.state, |state: ParkedEventState| Some(state));
            let Some(state) = state.map(Option::unwrap_or_default) else { return Err(fields.refuse()) };
            let page = (request.page_size, request.page_token.as_str());
            let wanted = (request.group.clone(), state);
            let (parked_events, next_page_token) =
                operations::list_parked(&self.0.store, &self.0.pager, crate::NAME, wanted, page).await?;
            Ok(ListParkedEventsResponse { parked_events, next_page_token })
        })
        .await
    }

    async fn replay_parked_event(
        &self,
        request: Request<ReplayParkedEventRequest>,
    ) -> Result<Response<ReplayParkedEventResponse>, Status> {
        let request = request.into_inner();
        answer::to(crate::NAME, async {
            let now = self.0.clock.now();
            let (parked, behind) =
                operations::replay_parked(&self.0.store, crate::NAME, request.group, &request.event_id, now).await?;
            Ok(ReplayParkedEventResponse { parked_event: Some(parked), released_events: behind + 1 })
        })
        .await
    }
}
