//! Spans of telling and hearing, described as the semantic conventions of OpenTelemetry ask:
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>.

use bojagi_telemetry::{Details, Span, SpanKind};

use crate::Event;

/// A group reacts to a fact. The span is a child of what has told the fact, whenever that was: one trace covers an order from
/// the gateway to the ledger.
pub(crate) fn reaction(group: &'static str, event: &Event) -> Span {
    // The groups of order are order.stock, order.payments, …
    let service = group.split('.').next().unwrap_or(group);
    let mut span = Span::begin(service, SpanKind::Consumer, "process", event.trace.clone());
    span.describe(|details| {
        details.rename(format!("process {}", event.topic()));
        details.set("messaging.operation.type", "process");
        details.set("messaging.consumer.group.name", group);
        describe(details, event);
    });
    span
}

/// A fact is on its way to a broker, until it is acknowledged.
pub(crate) fn publishing(topic: &'static str, event: &Event) -> Span {
    // bojagi.order.v1 is told by order.
    let service = topic.split('.').nth(1).unwrap_or(topic);
    let mut span = Span::begin(service, SpanKind::Producer, "publish", event.trace.clone());
    span.describe(|details| {
        details.rename(format!("publish {topic}"));
        details.set("messaging.system", "kafka");
        details.set("messaging.operation.type", "send");
        describe(details, event);
    });
    span
}

fn describe(details: &mut Details, event: &Event) {
    details.set("messaging.destination.name", event.topic().to_owned());
    details.set("messaging.message.id", event.id.to_string());
    details.set("cloudevents.event_type", event.event_type.clone());
    details.set("cloudevents.event_subject", event.aggregate_id.to_string());
}
