//! What the admin port answers, page by page.

use std::sync::Arc;

use bojagi_telemetry::metrics::Metrics;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::answer::{Answer, json, line, metrics, only_for};
use super::{LogFilter, Operated, Visit, config_view, guard};

/// A log filter names a few targets; this would be hundreds.
const LONGEST_LOG_FILTER: usize = 16 * 1024;

const INDEX: &str = "\
GET  /live        the process runs
GET  /ready       calls are welcome (503: they are not, or not any more)
GET  /metrics     what is counted, in the text format of OpenMetrics
GET  /upstreams   the servers behind every route: connection, health, ejection, load
GET  /config      the configuration that is in force, without secrets
GET  /log-level   the filter of the log
PUT  /log-level   a new one, such as info,bojagi_gateway=debug; only from loopback
POST /drain       take no more calls, let those that run finish, and end; only from loopback";

pub(super) struct Pages {
    operated: Arc<dyn Operated>,
    metrics: Metrics,
    log_filter: Arc<dyn LogFilter>,
}

impl Pages {
    pub(super) fn new(operated: Arc<dyn Operated>, metrics: Metrics, log_filter: Arc<dyn LogFilter>) -> Self {
        Self { operated, metrics, log_filter }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>, visit: Visit) -> Answer {
        if guard::is_of_a_page(request.headers(), visit.only_loopback) {
            return line(StatusCode::FORBIDDEN, "The admin port does not answer web pages.");
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/log-level" if request.method() == Method::PUT && !visit.may_change => only_from_loopback(),
            "/drain" if request.method() == Method::POST && !visit.may_change => only_from_loopback(),
            "/log-level" if request.method() == Method::PUT => self.set_log_filter(request).await,
            "/log-level" if !reads => only_for("GET, HEAD, PUT"),
            "/drain" if request.method() == Method::POST => self.drain(),
            "/drain" => only_for("POST"),
            "/" | "/live" | "/ready" | "/metrics" | "/upstreams" | "/config" if !reads => only_for("GET, HEAD"),
            "/" => line(StatusCode::OK, INDEX),
            "/live" => line(StatusCode::OK, "live"),
            "/ready" => self.ready(),
            "/metrics" => metrics(&self.metrics),
            "/upstreams" => json(&self.operated.upstreams()),
            "/config" => self.config(),
            "/log-level" => self.log_filter(),
            _ => line(StatusCode::NOT_FOUND, "There is no such page; / lists them."),
        }
    }

    fn ready(&self) -> Answer {
        if self.operated.is_ready() {
            line(StatusCode::OK, "ready")
        } else {
            line(StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    }

    fn config(&self) -> Answer {
        match self.operated.config().and_then(|config| config_view::view(&config)) {
            Ok(config) => json(&config),
            Err(error) => line(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    fn log_filter(&self) -> Answer {
        match self.log_filter.get() {
            Ok(filter) => line(StatusCode::OK, &filter),
            Err(problem) => line(StatusCode::INTERNAL_SERVER_ERROR, &problem),
        }
    }

    async fn set_log_filter(&self, request: Request<Incoming>) -> Answer {
        let Ok(body) = Limited::new(request.into_body(), LONGEST_LOG_FILTER).collect().await else {
            return line(StatusCode::PAYLOAD_TOO_LARGE, "That is too long for a filter.");
        };
        let body = body.to_bytes();
        let Ok(filter) = std::str::from_utf8(&body) else {
            return line(StatusCode::BAD_REQUEST, "A filter is text.");
        };
        match self.log_filter.set(filter.trim()) {
            Ok(()) => {
                tracing::warn!(filter = filter.trim(), "the filter of the log was changed through the admin port");
                self.log_filter()
            }
            Err(problem) => line(StatusCode::BAD_REQUEST, &problem),
        }
    }

    fn drain(&self) -> Answer {
        tracing::warn!("the process was asked to drain through the admin port");
        self.operated.begin_drain();
        line(StatusCode::ACCEPTED, "draining")
    }
}

fn only_from_loopback() -> Answer {
    line(StatusCode::FORBIDDEN, "This changes something, and is answered only from loopback; others may look.")
}
