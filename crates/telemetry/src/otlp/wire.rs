//! Spans as the messages of OTLP.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, ResourceSpans, ScopeSpans};

use super::Process;
use crate::span::{Details, SpanKind, Value};

/// Whose telemetry it is.
#[derive(Debug, Clone)]
pub(super) struct Resources {
    pub(super) prefix: String,
    pub(super) instance: String,
    pub(super) process: Process,
}

impl Resources {
    /// Spans as a message, each with the service that it belongs to, although they are all of one process.
    pub(super) fn spans(&self, batch: &[Details]) -> ExportTraceServiceRequest {
        let mut by_service = BTreeMap::<&str, Vec<otlp::Span>>::new();
        for details in batch {
            by_service.entry(details.service).or_default().push(span(details));
        }
        let of_service = |(service, spans): (&str, Vec<otlp::Span>)| ResourceSpans {
            resource: Some(self.service(service)),
            scope_spans: vec![ScopeSpans { scope: Some(self.scope()), spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        };
        ExportTraceServiceRequest { resource_spans: by_service.into_iter().map(of_service).collect() }
    }

    /// A service in this process.
    pub(super) fn service(&self, name: &str) -> Resource {
        let attributes = [
            ("service.name", format!("{}{name}", self.prefix)),
            ("service.version", self.process.version.to_owned()),
            ("service.instance.id", self.instance.clone()),
        ];
        Resource {
            attributes: attributes.into_iter().map(|(name, value)| text(name, value)).collect(),
            ..Resource::default()
        }
    }

    pub(super) fn scope(&self) -> InstrumentationScope {
        InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: self.process.version.to_owned(),
            ..InstrumentationScope::default()
        }
    }
}

fn span(details: &Details) -> otlp::Span {
    let began = u64::try_from(details.began_at.micros()).unwrap_or(0).saturating_mul(1_000);
    let status = details.failed.then(|| otlp::Status { code: StatusCode::Error.into(), ..otlp::Status::default() });
    otlp::Span {
        trace_id: details.context.trace_id_bytes().to_vec(),
        span_id: details.context.span_id_bytes().to_vec(),
        trace_state: details.context.tracestate().unwrap_or_default().to_owned(),
        parent_span_id: details.parent.as_ref().map(|parent| parent.span_id_bytes().to_vec()).unwrap_or_default(),
        flags: 1,
        name: details.name.clone().into_owned(),
        kind: kind(details.kind).into(),
        start_time_unix_nano: began,
        end_time_unix_nano: began.saturating_add(details.took_nanos),
        attributes: details.attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        status,
        ..otlp::Span::default()
    }
}

const fn kind(kind: SpanKind) -> otlp::span::SpanKind {
    match kind {
        SpanKind::Server => otlp::span::SpanKind::Server,
        SpanKind::Client => otlp::span::SpanKind::Client,
        SpanKind::Producer => otlp::span::SpanKind::Producer,
        SpanKind::Consumer => otlp::span::SpanKind::Consumer,
        SpanKind::Internal => otlp::span::SpanKind::Internal,
    }
}

fn attribute(name: &str, value: &Value) -> KeyValue {
    match value {
        Value::Text(value) => text(name, value.clone().into_owned()),
        Value::Number(value) => of(name, any_value::Value::IntValue(*value)),
    }
}

pub(super) fn text(name: &str, value: String) -> KeyValue {
    of(name, any_value::Value::StringValue(value))
}

fn of(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
