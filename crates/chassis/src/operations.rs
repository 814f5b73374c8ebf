//! Parked events, as the operator sees them: what `OperationsService` of every context that hears events answers.

use std::sync::Arc;

use bojagi_api::common;
use bojagi_events::{SetAside, SetAsideState};
use bojagi_kernel::id::EventId;
use bojagi_kernel::{Clock, Failure, Kind, Moment, Refusal};
use bojagi_store::{Store, Tx};
use bojagi_telemetry::{TRACEPARENT, TRACESTATE, TraceContext};
use tonic::{Request, Response, Status};

use crate::{Context, Fields, Pager, answer, wire};

/// Characters that the name of a group may have.
const LONGEST_GROUP: usize = 100;

/// The events that the groups of one context have set aside.
#[derive(Clone)]
pub struct Operations {
    domain: &'static str,
    store: Store,
    pager: Pager,
    clock: Arc<dyn Clock>,
}

/// The list that is asked for, as it is on the wire.
pub struct Wanted<'a> {
    /// A group, or an empty text for all.
    pub group: String,
    /// A `ParkedEventState`, or 0 for every state.
    pub state: i32,
    /// Events on a page.
    pub page_size: i32,
    /// Where the page begins.
    pub page_token: &'a str,
}

impl Operations {
    /// Those of the context `domain`.
    #[must_use]
    pub fn of(domain: &'static str, context: &Context) -> Self {
        let Context { store, pager, clock, .. } = context;
        Self { domain, store: store.clone(), pager: pager.clone(), clock: Arc::clone(clock) }
    }

    /// A page of them, and the token of the next one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an unknown state or a bad page; what the database says.
    pub async fn list(&self, wanted: Wanted<'_>) -> Result<(Vec<common::ParkedEvent>, String), Failure> {
        let Wanted { group, state, page_size, page_token } = wanted;
        let mut fields = Fields::new(self.domain);
        let group = fields.prose("group", &group, LONGEST_GROUP);
        let state = fields.take("state", common::ParkedEventState::try_from(state));
        let query = format!("{} parked events of {:?} in {state:?}", self.domain, group.as_deref().unwrap_or_default());
        let place = |(micros, id): (i64, String)| Some((Moment::from_micros(micros), id.parse::<EventId>().ok()?));
        let page = fields.page(&self.pager, query, (page_size, page_token), place);
        let (Some(group), Some(state), Some(page)) = (group, state, page) else { return Err(fields.refuse()) };
        let (after, limit) = (page.after, page.limit());
        let mut listed = self
            .store
            .read(async move |tx: &mut Tx| bojagi_events::list(tx, &group, stored(state), after, limit).await)
            .await
            .map_err(|error: bojagi_store::Error| Failure::from(error))?;
        let next = page.cut(&mut listed, |last| (last.first_failed_at.micros(), last.event.id.to_string()));
        Ok((listed.iter().map(parked).collect(), next))
    }

    /// Makes one due at once, and answers it with the number of events that go on with it: itself and those behind it.
    ///
    /// # Errors
    /// `PARKED_EVENT_NOT_FOUND`, `INVALID_ARGUMENT`; what the database says.
    pub async fn replay(&self, group: String, event_id: &str) -> Result<(common::ParkedEvent, i64), Failure> {
        let (domain, now) = (self.domain, self.clock.now());
        let mut fields = Fields::new(domain);
        let group = fields.prose("group", &group, LONGEST_GROUP);
        let event_id = fields.id::<EventId>("event_id", event_id);
        let (Some(group), Some(event_id)) = (group, event_id) else { return Err(fields.refuse()) };
        self.store
            .write(async move |tx: &mut Tx| {
                let Some((replayed, behind)) = bojagi_events::replay(tx, &group, event_id, now).await? else {
                    let refusal =
                        Refusal::new(domain, Kind::NotFound, "PARKED_EVENT_NOT_FOUND", "no such event was set aside");
                    return Err(Failure::from(refusal));
                };
                Ok((parked(&replayed), behind + 1))
            })
            .await
    }
}

/// Every context has messages of its own for the same two questions.
macro_rules! answered_by_operations {
    ($($context:ident),+) => {$(
        #[tonic::async_trait]
        impl bojagi_api::$context::operations_service_server::OperationsService for Operations {
            async fn list_parked_events(
                &self,
                request: Request<bojagi_api::$context::ListParkedEventsRequest>,
            ) -> Result<Response<bojagi_api::$context::ListParkedEventsResponse>, Status> {
                answer::to(self.domain, async {
                    let request = request.into_inner();
                    let wanted = Wanted {
                        group: request.group,
                        state: request.state,
                        page_size: request.page_size,
                        page_token: &request.page_token,
                    };
                    let (parked_events, next_page_token) = self.list(wanted).await?;
                    Ok(bojagi_api::$context::ListParkedEventsResponse { parked_events, next_page_token })
                })
                .await
            }

            async fn replay_parked_event(
                &self,
                request: Request<bojagi_api::$context::ReplayParkedEventRequest>,
            ) -> Result<Response<bojagi_api::$context::ReplayParkedEventResponse>, Status> {
                answer::to(self.domain, async {
                    let request = request.into_inner();
                    let (event, released_events) = self.replay(request.group, &request.event_id).await?;
                    let parked_event = Some(event);
                    Ok(bojagi_api::$context::ReplayParkedEventResponse { parked_event, released_events })
                })
                .await
            }
        }
    )+};
}

answered_by_operations!(coupon, item, payment, settlement);

const fn stored(state: common::ParkedEventState) -> Option<SetAsideState> {
    match state {
        common::ParkedEventState::Unspecified => None,
        common::ParkedEventState::Retrying => Some(SetAsideState::Retrying),
        common::ParkedEventState::Parked => Some(SetAsideState::Parked),
    }
}

fn parked(set_aside: &SetAside) -> common::ParkedEvent {
    let event = &set_aside.event;
    let state = match set_aside.state {
        SetAsideState::Retrying => common::ParkedEventState::Retrying,
        SetAsideState::Parked => common::ParkedEventState::Parked,
    };
    let trace = event.trace.as_ref();
    let headers = [
        Some(("ce_time", event.told_at.to_string())),
        trace.map(|trace| (TRACEPARENT, trace.to_string())),
        trace.and_then(TraceContext::tracestate).map(|state| (TRACESTATE, state.to_owned())),
    ];
    common::ParkedEvent {
        group: set_aside.group.clone(),
        event_id: event.id.to_string(),
        event_type: event.event_type.clone(),
        aggregate_id: event.aggregate_id.to_string(),
        sequence: event.sequence,
        state: state.into(),
        attempts: set_aside.attempts,
        last_error: set_aside.last_error.clone(),
        first_failed_at: Some(wire::timestamp(set_aside.first_failed_at)),
        next_attempt_at: Some(wire::timestamp(set_aside.next_attempt_at)),
        payload: event.payload.clone(),
        headers: headers.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
