//! Events whose reaction failed: tried again with growing pauses, then parked until an operator replays them.

use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::id::EventId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, Value, params, stored_enum};
use bojagi_telemetry::TraceContext;

use crate::event::{COLUMNS, Unreadable};
use crate::{Event, Hears, inbox};

/// Attempts before an event is parked: with the pauses below, about two minutes.
pub const MAX_ATTEMPTS: i64 = 10;
/// The same for one that came too early ([`too_early`]): about a day, in which a group that was held up catches up.
const MAX_WAITS: i64 = 2_880;
/// The pause after the first failure; it doubles after each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Characters of an error that are kept.
const ERROR_LENGTH: usize = 500;

/// How the words begin of an event that waits for another.
const TOO_EARLY: &str = "too early: ";

#[derive(Debug, thiserror::Error)]
#[error("{TOO_EARLY}{0}")]
struct TooEarly(String);

/// What a reaction answers to a fact that makes sense only after one that another group hears and has not heard yet: groups do not
/// wait for each other. It is tried again like others, but for a day and not for two minutes before it is parked.
#[must_use]
pub fn too_early(missing: impl Into<String>) -> Failure {
    Failure::Unavailable(Box::new(TooEarly(missing.into())))
}

fn is_too_early(failure: &Failure) -> bool {
    matches!(failure, Failure::Unavailable(cause) if cause.is::<TooEarly>())
}

/// Where an event that was set aside stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAsideState {
    /// It will be tried again by itself.
    Retrying,
    /// It waits for an operator.
    Parked,
}

stored_enum!(SetAsideState { Retrying => "RETRYING", Parked => "PARKED" });

/// An event that was set aside by one group.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// The group whose reaction failed.
    pub group: String,
    /// The event.
    pub event: Event,
    /// Whether it is tried again by itself.
    pub state: SetAsideState,
    /// How often it was tried; 0 for an event that only waits behind another of its aggregate.
    pub attempts: i64,
    /// What the last attempt said.
    pub last_error: String,
    /// When it was set aside.
    pub first_failed_at: Moment,
    /// When it is tried again, if it is.
    pub next_attempt_at: Moment,
}

impl SetAside {
    /// Whether the last attempt failed only because another event had not been heard yet.
    fn was_too_early(&self) -> bool {
        self.last_error.contains(TOO_EARLY)
    }
}

impl FromRow for SetAside {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            event: Event::read(row, 0)?,
            group: row.get(8)?,
            state: row.get(9)?,
            attempts: row.get(10)?,
            last_error: row.get(11)?,
            first_failed_at: row.get(12)?,
            next_attempt_at: row.get(13)?,
        })
    }
}

const SET_ASIDE_COLUMNS: &str = "consumer, state, attempts, last_error, first_failed_at, next_attempt_at, topic";

/// Whether the group has set anything aside that is about the same as one of these events.
pub(crate) async fn any_about(tx: &mut Tx, group: &str, events: &[Arc<Event>]) -> Result<bool, Error> {
    // Nearly always there is nothing at all.
    let one: Option<(i64,)> =
        tx.fetch_optional("SELECT 1 FROM set_aside WHERE consumer = ?1 LIMIT 1", params![group]).await?;
    if one.is_none() {
        return Ok(false);
    }
    let rows: Vec<_> = events
        .iter()
        .map(|event| vec![Value::Text(group), Value::Text(event.topic()), event.aggregate_id.bind()])
        .collect();
    let sql = "SELECT 1 FROM set_aside WHERE (consumer, topic, aggregate_id) IN (VALUES {(?1, ?2, ?3)}) LIMIT 1";
    let found: Vec<(i64,)> = tx.fetch_many(sql, &rows).await?;
    Ok(!found.is_empty())
}

/// Whether an event has to wait because it, or one of its aggregate before it, was set aside.
pub(crate) async fn blocks(tx: &mut Tx, group: &str, event: &Event) -> Result<bool, Error> {
    let earlier: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT 1 FROM set_aside WHERE consumer = ?1 AND topic = ?2 AND aggregate_id = ?3 AND sequence <= ?4 LIMIT 1",
            params![group, event.topic(), event.aggregate_id, event.sequence],
        )
        .await?;
    Ok(earlier.is_some())
}

/// Puts an event behind those of its aggregate that were set aside before. One that is there already stays as it is.
pub(crate) async fn queue(tx: &mut Tx, group: &str, event: &Event, now: Moment) -> Result<(), Error> {
    let retrying = SetAsideState::Retrying;
    insert(tx, group, event, retrying, 0, "waits behind an earlier event of the same aggregate", now, now).await
}

/// Parks a record that cannot be read: no attempt would make it readable.
pub(crate) async fn park(tx: &mut Tx, group: &str, record: &Unreadable, now: Moment) -> Result<(), Error> {
    tracing::error!(group, event = %record.event.id, problem = record.problem, "a record is parked");
    insert(tx, group, &record.event, SetAsideState::Parked, 1, &shortened(&record.problem), now, now).await
}

/// Sets an event aside after its first failure.
pub(crate) async fn after_failure(
    tx: &mut Tx,
    group: &str,
    event: &Event,
    failure: &Failure,
    now: Moment,
) -> Result<(), Error> {
    insert(tx, group, event, SetAsideState::Retrying, 1, &shortened(failure), now, now + FIRST_PAUSE).await
}

#[allow(clippy::too_many_arguments, reason = "the columns of one row")]
async fn insert(
    tx: &mut Tx,
    group: &str,
    event: &Event,
    state: SetAsideState,
    attempts: i64,
    error: &str,
    now: Moment,
    next_attempt_at: Moment,
) -> Result<(), Error> {
    tx.execute(
        &format!(
            "INSERT INTO set_aside ({COLUMNS}, {SET_ASIDE_COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING"
        ),
        params![
            event.id,
            event.event_type,
            event.aggregate_id,
            event.sequence,
            event.told_at,
            event.trace.as_ref().map(ToString::to_string),
            event.trace.as_ref().and_then(TraceContext::tracestate),
            event.payload,
            group,
            state,
            attempts,
            error,
            now,
            next_attempt_at,
            event.topic(),
        ],
    )
    .await?;
    Ok(())
}

/// Tries the events that are due, the earliest of each aggregate, at most `limit` of them. Says how many were tried.
pub(crate) async fn retry_due(tx: &mut Tx, hears: &Hears, now: Moment, limit: i64) -> Result<usize, Failure> {
    let due: Vec<SetAside> = tx
        .fetch_all(
            &format!(
                "SELECT {COLUMNS}, {SET_ASIDE_COLUMNS} FROM set_aside s
                 WHERE consumer = ?1 AND state = 'RETRYING' AND next_attempt_at <= ?2 AND NOT EXISTS
                    (SELECT 1 FROM set_aside e WHERE e.consumer = s.consumer AND e.topic = s.topic
                     AND e.aggregate_id = s.aggregate_id AND e.sequence < s.sequence)
                 ORDER BY next_attempt_at LIMIT ?3"
            ),
            params![hears.group(), now, limit],
        )
        .await?;
    for waiting in &due {
        let event = &waiting.event;
        let applied = tx.nested(async |tx: &mut Tx| inbox::apply_once(tx, hears, event, now).await).await;
        match applied {
            Ok(()) => {
                tx.execute(
                    "DELETE FROM set_aside WHERE consumer = ?1 AND event_id = ?2",
                    params![waiting.group, event.id],
                )
                .await?;
            }
            Err(failure) => postpone(tx, waiting, &failure, now).await?,
        }
    }
    Ok(due.len())
}

async fn postpone(tx: &mut Tx, waiting: &SetAside, failure: &Failure, now: Moment) -> Result<(), Error> {
    let patience = if is_too_early(failure) { MAX_WAITS } else { MAX_ATTEMPTS };
    // That it had to wait for another does not count against it once that one has come.
    let waited = !is_too_early(failure) && waiting.was_too_early();
    let attempts = if waited { 1 } else { waiting.attempts + 1 };
    let state = if attempts >= patience { SetAsideState::Parked } else { SetAsideState::Retrying };
    if state == SetAsideState::Parked {
        tracing::error!(group = waiting.group, event = %waiting.event.id, kind = waiting.event.event_type, %failure,
            "an event is parked");
    }
    let doublings = u32::try_from(attempts - 1).unwrap_or(u32::MAX).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    tx.execute(
        "UPDATE set_aside SET attempts = ?3, last_error = ?4, state = ?5, next_attempt_at = ?6
         WHERE consumer = ?1 AND event_id = ?2",
        params![waiting.group, waiting.event.id, attempts, shortened(failure), state, now + pause],
    )
    .await?;
    Ok(())
}

/// Events set aside in this store, the longest waiting first, beginning after `after`; at most `limit`. An empty `group`
/// is every group, no `state` is every state.
///
/// # Errors
/// What the database says.
pub async fn list(
    tx: &mut Tx,
    group: &str,
    state: Option<SetAsideState>,
    after: Option<(Moment, EventId)>,
    limit: i64,
) -> Result<Vec<SetAside>, Error> {
    let mut filter = Filter::new();
    filter.and_if("consumer = ?", Some(&group).filter(|group| !group.is_empty()));
    filter.and_if("state = ?", state.as_ref());
    if let Some((since, last)) = &after {
        filter.and("(first_failed_at, event_id) > (?, ?)", [since.bind(), last.bind()]);
    }
    let select = format!("SELECT {COLUMNS}, {SET_ASIDE_COLUMNS} FROM set_aside");
    let (sql, params) = filter.statement(&select, "first_failed_at, event_id", limit);
    tx.fetch_all(&sql, &params).await
}

/// Makes an event due at once, whether it is parked or not. Answers it as it stands then and how many of its aggregate
/// wait behind it, or nothing when the group has not set it aside.
///
/// # Errors
/// What the database says.
pub async fn replay(
    tx: &mut Tx,
    group: &str,
    event_id: EventId,
    now: Moment,
) -> Result<Option<(SetAside, i64)>, Error> {
    let found: Option<SetAside> = tx
        .fetch_optional(
            &format!(
                "UPDATE set_aside SET state = 'RETRYING', attempts = 0, next_attempt_at = ?3
                 WHERE consumer = ?1 AND event_id = ?2 RETURNING {COLUMNS}, {SET_ASIDE_COLUMNS}"
            ),
            params![group, event_id, now],
        )
        .await?;
    let Some(found) = found else { return Ok(None) };
    let (behind,) = tx
        .fetch_one(
            "SELECT count(*) FROM set_aside WHERE consumer = ?1 AND topic = ?2 AND aggregate_id = ?3 AND sequence > ?4",
            params![group, found.event.topic(), found.event.aggregate_id, found.event.sequence],
        )
        .await?;
    Ok(Some((found, behind)))
}

fn shortened(failure: &impl std::fmt::Display) -> String {
    failure.to_string().chars().take(ERROR_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bojagi_kernel::SystemClock;
    use bojagi_kernel::reexport::Uuid;
    use bojagi_store::{Options, Store};
    use tempfile::TempDir;

    use super::*;

    fn event(aggregate_id: Uuid, sequence: i64) -> Event {
        Event {
            id: EventId::generate(),
            event_type: "test.v1.Told".into(),
            aggregate_id,
            sequence,
            told_at: Moment::from_micros(0),
            trace: None,
            payload: Vec::new(),
        }
    }

    #[tokio::test]
    async fn what_is_set_aside_concerns_only_what_is_about_the_same() {
        let folder = TempDir::new().unwrap();
        let options = Options::at(folder.path().join("hearer.sqlite"));
        let store =
            Store::open(&options, &[crate::MIGRATION, crate::TRACESTATE_MIGRATION], &SystemClock).await.unwrap();
        let (bad, good) = (Uuid::now_v7(), Uuid::now_v7());
        let about: Result<_, Error> = store
            .write(async move |tx: &mut Tx| {
                let batch =
                    |aggregates: &[Uuid]| aggregates.iter().map(|id| Arc::new(event(*id, 2))).collect::<Vec<_>>();
                let before = any_about(tx, "group", &batch(&[bad, good])).await?;
                let failure = Failure::broken("a defect");
                after_failure(tx, "group", &event(bad, 1), &failure, Moment::from_micros(0)).await?;
                let good_alone = any_about(tx, "group", &batch(&[good])).await?;
                let both = any_about(tx, "group", &batch(&[good, bad])).await?;
                let of_others = any_about(tx, "another", &batch(&[good, bad])).await?;
                Ok((before, good_alone, both, of_others))
            })
            .await;
        assert_eq!(about.unwrap(), (false, false, true, false));
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Told {}

    impl prost::Name for Told {
        const NAME: &'static str = "Told";
        const PACKAGE: &'static str = "test.v1";
    }

    #[tokio::test]
    async fn what_came_too_early_is_not_parked_like_what_fails() {
        let folder = TempDir::new().unwrap();
        let options = Options::at(folder.path().join("hearer.sqlite"));
        let store =
            Store::open(&options, &[crate::MIGRATION, crate::TRACESTATE_MIGRATION], &SystemClock).await.unwrap();
        let defect = || Failure::Unavailable("a defect".into());
        for (group, waits, state) in [
            ("fails", 0, SetAsideState::Parked),
            ("waits", 121, SetAsideState::Retrying),
            ("waits and then fails a few times", 119, SetAsideState::Retrying),
            ("waits and then fails as often as may be", 111, SetAsideState::Parked),
        ] {
            let waiting: Result<_, Failure> = store
                .write(async move |tx: &mut Tx| {
                    let tries = Arc::new(AtomicUsize::new(0));
                    let hears = Hears::new(group).on(async move |_: &mut Tx, _: &Event, _: Told| {
                        let waits = tries.fetch_add(1, Ordering::Relaxed) < waits;
                        Err(if waits { too_early("the sale") } else { defect() })
                    });
                    let mut now = Moment::from_micros(0);
                    let event = Arc::new(event(Uuid::now_v7(), 1));
                    inbox::apply_one_by_one(tx, &hears, &[event], now).await?;
                    // An hour.
                    for _ in 0..120 {
                        now = now + LONGEST_PAUSE;
                        retry_due(tx, &hears, now, 10).await?;
                    }
                    Ok(list(tx, group, None, None, 10).await?)
                })
                .await;
            assert_eq!(waiting.unwrap()[0].state, state, "{group}");
        }
    }
}
