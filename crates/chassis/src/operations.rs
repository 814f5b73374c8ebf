//! Parked events, as the operator sees them: what `OperationsService` of every context that hears events answers.

use bojagi_api::common;
use bojagi_events::{SetAside, SetAsideState};
use bojagi_kernel::id::EventId;
use bojagi_kernel::{Failure, Kind, Moment, Refusal};
use bojagi_store::{Store, Tx};

use crate::{Fields, Pager, wire};

/// A page of the events that groups of this store have set aside.
///
/// # Errors
/// `INVALID_ARGUMENT` for a bad page; what the database says.
pub async fn list_parked(
    store: &Store,
    pager: &Pager,
    domain: &'static str,
    filter: (String, common::ParkedEventState),
    page: (i32, &str),
) -> Result<(Vec<common::ParkedEvent>, String), Failure> {
    let (group, state) = filter;
    let query = format!("{domain} parked events of {group:?} in {state:?}");
    let mut fields = Fields::new(domain);
    let size = fields.page_size(page.0);
    let after = fields.page_token::<(i64, String)>(pager, &query, page.1);
    let (Some(size), Some(after)) = (size, after) else { return Err(fields.refuse()) };
    let after = after.and_then(|(micros, id)| id.parse::<EventId>().ok().map(|id| (Moment::from_micros(micros), id)));
    let mut listed = store
        .read(async move |tx: &mut Tx| bojagi_events::list(tx, &group, stored(state), after, size + 1).await)
        .await
        .map_err(|error: bojagi_store::Error| Failure::from(error))?;

    let more = listed.len() as i64 > size;
    listed.truncate(usize::try_from(size).unwrap_or_default());
    let next = listed
        .last()
        .filter(|_| more)
        .map(|last| pager.token(&query, &(last.first_failed_at.micros(), last.event.id.to_string())));
    Ok((listed.iter().map(parked).collect(), next.unwrap_or_default()))
}

/// Makes an event that was set aside due at once, and says how many wait behind it.
///
/// # Errors
/// `PARKED_EVENT_NOT_FOUND`, `INVALID_ARGUMENT`.
pub async fn replay_parked(
    store: &Store,
    domain: &'static str,
    group: String,
    event_id: &str,
    now: Moment,
) -> Result<(common::ParkedEvent, i64), Failure> {
    let mut fields = Fields::new(domain);
    let Some(event_id) = fields.id::<EventId>("event_id", event_id) else { return Err(fields.refuse()) };
    store
        .write(async move |tx: &mut Tx| {
            let Some((replayed, behind)) = bojagi_events::replay(tx, &group, event_id, now).await? else {
                let refusal =
                    Refusal::new(domain, Kind::NotFound, "PARKED_EVENT_NOT_FOUND", "no such event was set aside");
                return Err(Failure::from(refusal));
            };
            Ok((parked(&replayed), behind))
        })
        .await
}

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
    let trace = event.trace.map(|trace| (bojagi_telemetry::TRACEPARENT.to_owned(), trace.to_string()));
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
        headers: [("ce_time".to_owned(), event.told_at.to_string())].into_iter().chain(trace).collect(),
    }
}
