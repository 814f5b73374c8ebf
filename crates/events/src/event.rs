//! A fact with its envelope: the attributes of CloudEvents 1.0 that its binary mode carries as headers.

use std::sync::Arc;

use bojagi_kernel::id::EventId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, FromRow, Row};
use bojagi_telemetry::TraceContext;

/// A fact that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Unique among all facts.
    pub id: EventId,
    /// The full name of its message, such as `bojagi.order.v1.OrderConfirmed`.
    pub event_type: String,
    /// What it happened to: the key that keeps its facts in order.
    pub aggregate_id: bojagi_kernel::reexport::Uuid,
    /// Counts the facts of the aggregate from 1, without gaps.
    pub sequence: i64,
    /// When it was told.
    pub told_at: Moment,
    /// The trace of the call that caused it.
    pub trace: Option<TraceContext>,
    /// The message.
    pub payload: Vec<u8>,
}

/// The columns of the outbox and of `set_aside` that an event is read from, in order.
pub(crate) const COLUMNS: &str =
    "event_id, event_type, aggregate_id, sequence, told_at, traceparent, tracestate, payload";

impl Event {
    /// The topic that it was told on: the package of its message.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.event_type.rsplit_once('.').map_or("", |(package, _)| package)
    }

    /// Whether it stands for a record that could not be read.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.event_type.rsplit('.').next() == Some(UNREADABLE)
    }

    /// The message as `M`.
    ///
    /// # Errors
    /// When the payload is no `M`.
    pub fn decode<M: prost::Message + Default>(&self) -> Result<M, Failure> {
        M::decode(self.payload.as_slice())
            .map_err(|error| Failure::broken(format!("the payload of {} is unreadable: {error}", self.event_type)))
    }

    /// Reads an event whose first column is the one at `first`.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, Error> {
        let (parent, state): (Option<String>, Option<String>) = (row.get(first + 5)?, row.get(first + 6)?);
        let trace = parent.as_deref().and_then(TraceContext::parse);
        Ok(Self {
            id: row.get(first)?,
            event_type: row.get(first + 1)?,
            aggregate_id: row.get(first + 2)?,
            sequence: row.get(first + 3)?,
            told_at: row.get(first + 4)?,
            trace: trace.map(|trace| trace.with_tracestate(state.as_deref().unwrap_or_default())),
            payload: row.get(first + 7)?,
        })
    }
}

/// What was read of a topic, in its order.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    pub(crate) events: Vec<Arc<Event>>,
    /// Records of a broker that are no events.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A record that is no event.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Stands for the record: its topic, its place as id, its payload. It waits for nobody, and nobody for it.
    pub(crate) event: Event,
    /// What is wrong with it, and where it is.
    pub(crate) problem: String,
}

/// The name that stands for the type of a record whose type cannot be trusted.
const UNREADABLE: &str = "Unreadable";

impl Unreadable {
    /// The record at `offset` of a partition of `topic`.
    pub(crate) fn new(
        topic: &str,
        partition: i32,
        offset: i64,
        told_at: Moment,
        payload: &[u8],
        problem: &str,
    ) -> Self {
        let place = format!("{topic}/{partition}/{offset}");
        // The same record has the same id however often it is brought.
        let id = EventId::derive(&bojagi_kernel::reexport::Uuid::NAMESPACE_URL, &place);
        let event = Event {
            id,
            event_type: format!("{topic}.{UNREADABLE}"),
            aggregate_id: id.into(),
            sequence: offset,
            told_at,
            trace: None,
            payload: payload.to_vec(),
        };
        Self { event, problem: format!("the record at {place} is no event: {problem}") }
    }
}

/// An event and its place in the log that it was read from.
pub(crate) struct Logged {
    pub(crate) position: i64,
    pub(crate) event: Event,
}

impl FromRow for Logged {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self { position: row.get(0)?, event: Event::read(row, 1)? })
    }
}
