use tonic::Code;

use super::*;

/// Spans that were recorded while `work` ran. The only test of this process that records.
fn recorded(work: impl FnOnce()) -> Vec<Details> {
    let (recorder, mut ended) = Recorder::with_room_for(16);
    record_with(Some(recorder));
    work();
    record_with(None);
    std::iter::from_fn(|| ended.try_recv().ok()).collect()
}

#[test]
fn spans_are_recorded_while_somebody_listens_and_their_trace_is_sampled() {
    let unsampled = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
    let spans = recorded(|| {
        let outer = Span::begin("order", SpanKind::Internal, "saga", None);
        let mut inner = Span::begin("item", SpanKind::Server, "call", Some(outer.context()));
        inner.describe_call(|| "/bojagi.item.v1.StockService/ReserveStock", Code::FailedPrecondition);
        assert_eq!(inner.context().trace_id(), outer.context().trace_id());
        drop(inner);
        drop(Span::begin("item", SpanKind::Server, "call", Some(unsampled.clone())));
        for nobody_is_told in [Some(&unsampled), None] {
            assert!(Span::begin_if_recorded("item", SpanKind::Client, "write", nobody_is_told).is_none());
        }
        assert!(Span::begin_if_recorded("item", SpanKind::Client, "write", Some(&outer.context())).is_some());
        let mut failed = Span::begin("gateway", SpanKind::Client, "call", Some(outer.context()));
        failed.describe_call(|| "/bojagi.item.v1.StockService/ReserveStock", Code::FailedPrecondition);
    });
    let [inner, unit, failed, outer] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(outer.parent, None);
    assert_eq!(inner.parent, Some(outer.context.clone()));
    assert_eq!((&unit.parent, &*unit.name), (&inner.parent, "write"));
    assert_eq!(inner.name, "bojagi.item.v1.StockService/ReserveStock");
    assert!(inner.attributes.contains(&("rpc.method", "ReserveStock".to_owned().into())));
    assert!(inner.attributes.contains(&("rpc.grpc.status_code", 9.into())));
    assert!(!inner.failed, "a server that refuses has done its work");
    assert!(failed.failed, "a client that is refused has not got what it wanted");
    assert!(inner.began_at >= outer.began_at && inner.took_nanos <= outer.took_nanos);

    assert!(Span::begin_if_recorded("order", SpanKind::Client, "write", Some(&outer.context)).is_none());
    let silent = Span::begin("order", SpanKind::Internal, "saga", Some(unsampled.clone()));
    assert!(!silent.is_recorded());
    assert_ne!(silent.context(), unsampled);
    assert_eq!(silent.context().trace_id(), unsampled.trace_id());
}
