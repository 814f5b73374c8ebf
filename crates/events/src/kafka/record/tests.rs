//! What goes over the wire and what is made of what comes from it.

use bojagi_kernel::id::EventId;
use rdkafka::Timestamp;
use rdkafka::message::OwnedMessage;

use super::*;

const TOPIC: &str = "bojagi.order.v1";

fn event() -> Event {
    Event {
        id: "01890a5d-ac96-774b-bcce-b302099a8057".parse::<EventId>().unwrap(),
        event_type: "bojagi.order.v1.OrderConfirmed".into(),
        aggregate_id: "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap(),
        sequence: 2,
        told_at: Moment::from_micros(1_772_420_400_000_001),
        trace: TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        payload: vec![8, 7],
    }
}

fn message(headers: OwnedHeaders) -> OwnedMessage {
    OwnedMessage::new(Some(vec![8, 7]), None, TOPIC.into(), Timestamp::CreateTime(5), 3, 42, Some(headers))
}

#[test]
fn a_fact_is_a_cloud_event() {
    let headers = headers(&event(), event().trace);
    let shown: Vec<_> =
        headers.iter().map(|header| (header.key, std::str::from_utf8(header.value.unwrap()).unwrap())).collect();
    assert_eq!(
        shown,
        [
            ("ce_specversion", "1.0"),
            ("ce_id", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("ce_type", "bojagi.order.v1.OrderConfirmed"),
            ("ce_source", "/bojagi/order"),
            ("ce_time", "2026-03-02T03:00:00.000001Z"),
            ("ce_subject", "01890a5d-ac96-774b-bcce-b302099a8058"),
            ("ce_sequence", "2"),
            ("content-type", "application/protobuf"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ]
    );
}

#[test]
fn a_fact_survives_the_way() {
    let read = read(&message(headers(&event(), event().trace)), TOPIC, |_| true);
    assert!(matches!(read, Record::Fact(fact) if fact == event()));
}

#[test]
fn a_trace_takes_its_state_along_where_there_is_one() {
    let trace = event().trace.unwrap().with_tracestate("vendor=abc");
    let with_state = Event { trace: Some(trace.clone()), ..event() };
    let told = headers(&with_state, Some(trace));
    let last = told.iter().last().unwrap();
    assert_eq!((last.key, last.value), ("tracestate", Some(&b"vendor=abc"[..])));
    assert!(matches!(read(&message(told), TOPIC, |_| true), Record::Fact(fact) if fact == with_state));

    let without_trace = headers(&event(), None).with(TRACESTATE, "vendor=abc");
    assert!(matches!(read(&message(without_trace), TOPIC, |_| true), Record::Fact(Event { trace: None, .. })));
}

#[test]
fn a_fact_of_no_interest_is_not_even_read() {
    let headers = OwnedHeaders::new().with(TYPE, "bojagi.order.v1.SomethingNew");
    assert!(matches!(read(&message(headers), TOPIC, |_| false), Record::OfNoInterest));
}

#[test]
fn what_is_no_fact_is_kept_with_what_is_wrong() {
    let good = || headers(&event(), event().trace);
    let replaced = |name: &str, value: Option<&str>| {
        let mut headers = OwnedHeaders::new();
        for header in good().iter() {
            let value = if header.key == name { value.map(str::as_bytes) } else { header.value };
            if let Some(value) = value {
                headers = headers.insert(Header { key: header.key, value: Some(value) });
            }
        }
        headers
    };
    for (name, value) in [
        (TYPE, None),
        (TYPE, Some("bojagi.item.v1.ItemCreated")),
        (SPEC_VERSION, Some("0.3")),
        (ID, Some("seven")),
        (SUBJECT, None),
        (SEQUENCE, Some("0")),
        (SEQUENCE, Some("1.5")),
        (TIME, Some("yesterday")),
    ] {
        let Record::Unreadable(unreadable) = read(&message(replaced(name, value)), TOPIC, |_| true) else {
            panic!("{name} {value:?} was read");
        };
        assert!(unreadable.problem.contains(name), "{}", unreadable.problem);
        assert!(unreadable.problem.contains("bojagi.order.v1/3/42"), "{}", unreadable.problem);
        assert_eq!(unreadable.event.payload, [8, 7]);
        assert_eq!(unreadable.event.topic(), TOPIC);
    }
}
