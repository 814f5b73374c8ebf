//! `OperationsService`.

use bojagi_api::item as api;
use bojagi_api::item::operations_service_server::OperationsService;
use bojagi_chassis::{Context, answer, operations};
use tonic::{Request, Response, Status};

use crate::NAME;

/// Answers the operator's calls about events that could not be applied.
pub(crate) struct Operations {
    pub(crate) context: Context,
}

#[tonic::async_trait]
impl OperationsService for Operations {
    async fn list_parked_events(
        &self,
        request: Request<api::ListParkedEventsRequest>,
    ) -> Result<Response<api::ListParkedEventsResponse>, Status> {
        answer::to(NAME, async {
            let state = request.get_ref().state();
            let request = request.into_inner();
            let Context { store, pager, .. } = &self.context;
            let page = (request.page_size, request.page_token.as_str());
            let listed = operations::list_parked(store, pager, NAME, (request.group, state), page).await?;
            let (parked_events, next_page_token) = listed;
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
            let now = self.context.clock.now();
            let replayed =
                operations::replay_parked(&self.context.store, NAME, request.group, &request.event_id, now).await?;
            let (parked_event, waiting_behind) = replayed;
            Ok(api::ReplayParkedEventResponse { parked_event: Some(parked_event), released_events: waiting_behind + 1 })
        })
        .await
    }
}
