//! A fact as a record: CloudEvents 1.0, Kafka protocol binding, binary mode
//! (<https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/kafka-protocol-binding.md>).

use bojagi_kernel::Moment;
use bojagi_telemetry::{TRACEPARENT, TRACESTATE, TraceContext};
use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders};

use crate::Event;
use crate::event::Unreadable;

const SPEC_VERSION: &str = "ce_specversion";
const ID: &str = "ce_id";
const TYPE: &str = "ce_type";
const SOURCE: &str = "ce_source";
const TIME: &str = "ce_time";
const SUBJECT: &str = "ce_subject";
const SEQUENCE: &str = "ce_sequence";
const CONTENT_TYPE: &str = "content-type";
const PROTOBUF: &str = "application/protobuf";

/// The headers of a fact that is published as part of `trace`.
pub(super) fn headers(event: &Event, trace: Option<TraceContext>) -> OwnedHeaders {
    // bojagi.order.v1 is told by /bojagi/order.
    let package = event.topic();
    let context = package.rsplit_once('.').map_or(package, |(context, _)| context);
    let source = format!("/{}", context.replace('.', "/"));
    let headers = OwnedHeaders::new_with_capacity(10)
        .with(SPEC_VERSION, "1.0")
        .with(ID, &event.id.to_string())
        .with(TYPE, &event.event_type)
        .with(SOURCE, &source)
        .with(TIME, &event.told_at.to_string())
        .with(SUBJECT, &event.aggregate_id.to_string())
        .with(SEQUENCE, &event.sequence.to_string())
        .with(CONTENT_TYPE, PROTOBUF);
    let Some(trace) = trace else { return headers };
    let headers = headers.with(TRACEPARENT, &trace.to_string());
    match trace.tracestate() {
        Some(state) => headers.with(TRACESTATE, state),
        None => headers,
    }
}

trait With {
    fn with(self, key: &str, value: &str) -> Self;
}

impl With for OwnedHeaders {
    fn with(self, key: &str, value: &str) -> Self {
        self.insert(Header { key, value: Some(value) })
    }
}

/// What a record is to a group.
#[derive(Debug)]
pub(super) enum Record {
    /// A fact that it reacts to.
    Fact(Event),
    /// A fact that it has no use for.
    OfNoInterest,
    /// No fact at all.
    Unreadable(Unreadable),
}

/// Reads a record told on `topic`, which is named without the prefix of the cluster.
pub(super) fn read(message: &impl Message, topic: &str, cares_for: impl Fn(&str) -> bool) -> Record {
    let told_at = Moment::from_micros(message.timestamp().to_millis().unwrap_or(0).saturating_mul(1_000));
    let unreadable = |problem: &str| {
        let payload = message.payload().unwrap_or_default();
        let (partition, offset) = (message.partition(), message.offset());
        Record::Unreadable(Unreadable::new(topic, partition, offset, told_at, payload, problem))
    };
    let event_type = match text(message, TYPE) {
        Ok(event_type) => event_type,
        Err(problem) => return unreadable(&problem),
    };
    if event_type.rsplit_once('.').map(|(package, _)| package) != Some(topic) {
        return unreadable(&format!("{TYPE} {event_type:?} does not belong to the topic"));
    }
    if !cares_for(event_type) {
        return Record::OfNoInterest;
    }
    match fact(message, event_type) {
        Ok(event) => Record::Fact(event),
        Err(problem) => unreadable(&problem),
    }
}

fn fact(message: &impl Message, event_type: &str) -> Result<Event, String> {
    let version = text(message, SPEC_VERSION)?;
    if version != "1.0" {
        return Err(format!("{SPEC_VERSION} is {version:?}, not \"1.0\""));
    }
    let sequence: i64 = parsed(message, SEQUENCE)?;
    if sequence < 1 {
        return Err(format!("{SEQUENCE} is {sequence}; facts are counted from 1"));
    }
    // A trace that cannot be read is ignored, as W3C Trace Context asks.
    let trace = text(message, TRACEPARENT).ok().and_then(TraceContext::parse);
    let state = text(message, TRACESTATE).unwrap_or_default();
    Ok(Event {
        id: parsed(message, ID)?,
        event_type: event_type.to_owned(),
        aggregate_id: parsed(message, SUBJECT)?,
        sequence,
        told_at: parsed(message, TIME)?,
        trace: trace.map(|trace| trace.with_tracestate(state)),
        payload: message.payload().ok_or("it has no payload")?.to_vec(),
    })
}

fn parsed<T: std::str::FromStr>(message: &impl Message, name: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    let text = text(message, name)?;
    text.parse().map_err(|error| format!("{name} {text:?}: {error}"))
}

fn text<'a>(message: &'a impl Message, name: &str) -> Result<&'a str, String> {
    let headers = message.headers().ok_or("it has no headers")?;
    let value = headers.iter().find(|header| header.key == name).and_then(|header| header.value);
    let value = value.ok_or_else(|| format!("it has no {name}"))?;
    std::str::from_utf8(value).map_err(|_| format!("{name} is not UTF-8"))
}

#[cfg(test)]
mod tests;
