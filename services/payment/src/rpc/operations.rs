//! `OperationsService`.

use std::sync::Arc;

use bojagi_api::common::ParkedEventState;
use bojagi_api::payment as api;
use bojagi_api::payment::operations_service_server::OperationsService;
use bojagi_chassis::{Fields, answer, operations};
use tonic::{Request, Response, Status};

use crate::NAME;
use crate::desk::Desk;

/// Answers `OperationsService`.
pub(crate) struct OperationsApi(pub(crate) Arc<Desk>);

#[tonic::async_trait]
impl OperationsService for OperationsApi {
    async fn list_parked_events(
        &self,
        request: Request<api::ListParkedEventsRequest>,
    ) -> Result<Response<api::ListParkedEventsResponse>, Status> {
        answer::to(NAME, async {
            let request = request.into_inner();
            let Ok(state) = ParkedEventState::try_from(request.state) else {
                let mut fields = Fields::new(NAME);
                fields.wrong("state", "is not a state");
                return Err(fields.refuse());
            };
            let page = (request.page_size, request.page_token.as_str());
            let (parked_events, next_page_token) =
                operations::list_parked(&self.0.store, &self.0.pager, NAME, (request.group, state), page).await?;
            Ok(api::ListParkedEventsResponse { parked_events, next_page_token })
        })
        .await
    }

    async fn replay_parked_event(
        &self,
        request: Request<api::ReplayParkedEventRequest>,
    ) -> Result<Response<api::ReplayParkedEventResponse>, Status> {
        answer::to(NAME, async {
            let api::ReplayParkedEventRequest { group, event_id } = request.into_inner();
            let (parked_event, waiting_behind) =
                operations::replay_parked(&self.0.store, NAME, group, &event_id, self.0.now()).await?;
            Ok(api::ReplayParkedEventResponse { parked_event: Some(parked_event), released_events: waiting_behind + 1 })
        })
        .await
    }
}
