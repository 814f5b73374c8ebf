//! Checks the frames of both directions, and that an answer is one: from here outwards every answer ends with a status.
//!
//! Place: next to the upstream, so that everything outside it can rely on what it lets through. A message is never put together here, only
//! its prefix is read. A request that goes wrong is answered at once, whatever the upstream makes of it.

mod request_body;
mod response_body;
mod verdict;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

pub(crate) use request_body::CheckedRequest;
pub(crate) use response_body::CheckedAnswer;

use self::verdict::RequestVerdict;
use crate::call_notes::CallNotes;
use crate::clean_headers::remove_hop_by_hop;
use crate::dialect::{Dialect, GrpcContentType};
use crate::errors::Cause;
use crate::frame::FrameRules;
use crate::grpc_web::RequestFault;
use crate::methods::Call;
use crate::upstream_fault::UpstreamFault;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct CheckMessages<S> {
    inner: S,
}

impl<S> CheckMessages<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
    }
}

fn messages_up_to(longest_message: u32) -> FrameRules {
    FrameRules { longest_message, longest_trailer: None }
}

impl<S, B> Service<Call<B>> for CheckMessages<S>
where
    S: Service<Call<CheckedRequest<B>>, Response = Response<tonic::body::Body>, Error = UpstreamFault>,
    B: Body<Data = Bytes, Error = RequestFault>,
{
    type Response = Response<CheckedAnswer>;
    type Error = Cause;
    type Future = CheckedCall<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx).map_err(Cause::from)
    }

    fn call(&mut self, call: Call<B>) -> Self::Future {
        let verdict = Arc::new(RequestVerdict::noted(CallNotes::of(&call.request)));
        let limits = call.method.route.settings.config.messages;
        let of_request = messages_up_to(limits.max_request_bytes);
        let request = call.request.map(|inner| CheckedRequest::new(inner, of_request, Arc::clone(&verdict)));
        let answer = self.inner.call(Call { method: call.method, request });
        CheckedCall { answer, verdict: Some(verdict), rules: messages_up_to(limits.max_response_bytes) }
    }
}

pin_project! {
    /// The answer of an upstream, once its headers have been looked at.
    pub(crate) struct CheckedCall<F> {
        #[pin]
        answer: F,
        verdict: Option<Arc<RequestVerdict>>,
        rules: FrameRules,
    }
}

impl<F> Future for CheckedCall<F>
where
    F: Future<Output = Result<Response<tonic::body::Body>, UpstreamFault>>,
{
    type Output = Result<Response<CheckedAnswer>, Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = this.answer.poll(cx);
        if let Some(fault) = this.verdict.as_ref().and_then(|verdict| verdict.poll_fault(cx)) {
            return Poll::Ready(Err(fault.into()));
        }
        answer.map(|answer| {
            let verdict = this.verdict.take().unwrap_or_default();
            Ok(check_head(answer?, verdict, *this.rules)?)
        })
    }
}

fn check_head(
    response: Response<tonic::body::Body>,
    verdict: Arc<RequestVerdict>,
    rules: FrameRules,
) -> Result<Response<CheckedAnswer>, UpstreamFault> {
    let (mut parts, body) = response.into_parts();
    let speaks_grpc = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(GrpcContentType::parse)
        .is_some_and(|content_type| content_type.dialect == Dialect::Native);
    let has_status = has_status(&parts.headers)?;
    // A gRPC server that gives a status has said more than its HTTP status does.
    if parts.status != StatusCode::OK && !(speaks_grpc && has_status) {
        return Err(UpstreamFault::HttpStatus(parts.status));
    }
    if !speaks_grpc {
        let content_type = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        return Err(UpstreamFault::NotGrpc(String::from_utf8_lossy(content_type).into_owned()));
    }

    parts.status = StatusCode::OK;
    remove_hop_by_hop(&mut parts.headers);
    parts.headers.remove(CONTENT_LENGTH);
    let body = match (has_status, body.is_end_stream()) {
        (true, true) => CheckedAnswer::nothing_more(),
        (true, false) => CheckedAnswer::with_status_ahead(body, rules, verdict, take_status(&mut parts.headers)),
        (false, _) => CheckedAnswer::new(body, rules, verdict),
    };
    Ok(Response::from_parts(parts, body))
}

/// Whether there is a status; one that is no number is a fault.
fn has_status(headers: &HeaderMap) -> Result<bool, UpstreamFault> {
    let Some(status) = headers.get(Status::GRPC_STATUS) else { return Ok(false) };
    let is_number = !status.is_empty() && status.as_bytes().iter().all(u8::is_ascii_digit);
    if is_number { Ok(true) } else { Err(UpstreamFault::MalformedStatus) }
}

/// Moves a status out of headers, so that it can come where it belongs.
fn take_status(headers: &mut HeaderMap) -> HeaderMap {
    let mut status = HeaderMap::with_capacity(3);
    for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
        if let Some(value) = headers.remove(&name) {
            status.insert(name, value);
        }
    }
    status
}
