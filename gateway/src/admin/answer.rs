//! Answers of the admin port.

use bojagi_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

pub(super) type Answer = Response<Full<Bytes>>;

/// A line of text.
pub(super) fn line(status: StatusCode, line: &str) -> Answer {
    answer(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

/// A JSON document, indented for people.
pub(super) fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_string_pretty(value) {
        Ok(text) => answer(StatusCode::OK, "application/json", text + "\n"),
        Err(error) => line(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// What is counted.
pub(super) fn metrics(metrics: &Metrics) -> Answer {
    match metrics.text() {
        Ok(text) => answer(StatusCode::OK, Metrics::CONTENT_TYPE, text),
        Err(error) => line(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// There is such a page, but not for this method.
pub(super) fn only_for(methods: &'static str) -> Answer {
    let mut answer = line(StatusCode::METHOD_NOT_ALLOWED, &format!("This page is for {methods}."));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

fn answer(status: StatusCode, content_type: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What is shown is true for a moment only.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
