//! Sends a call once more that an upstream did not take, or that failed in a way that another attempt may mend.
//!
//! Place: inside the check of messages, so that a request is checked once however often it is sent, and what is wrong with it ends the call
//! and not an attempt; inside the deadline, which holds for all attempts together; around the one hop to the upstream.
//!
//! A call is sent once more if its upstream has certainly done nothing for it (it was never sent, or refused: REFUSED_STREAM), or if its
//! method is marked as safe and it ended with UNAVAILABLE before any message of the answer: in the headers, in the trailers, or because the
//! connection was lost. It is not sent once more when the attempts or the budget are used up, when more of the request was sent than is
//! kept, when the pause would last beyond the deadline, or when the upstream says so (`grpc-retry-pushback-ms`).
//! The rules are those of <https://github.com/grpc/proposal/blob/master/A6-client-retries.md>, with two more: a status in trailers counts
//! as long as no message came, and the headers of an answer are held back for a moment to know it.

mod attempt_span;
mod backoff;
mod config;
mod held_answer;
mod kept_request;

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use tokio::time::{Instant, sleep};
use tonic::Code;
use tower::retry::budget::Budget;
use tower::{BoxError, Layer, Service};

pub use self::config::RetryConfig;
pub(crate) use self::config::RetryRules;

use self::attempt_span::AttemptSpan;
use self::backoff::Backoff;
use self::held_answer::{Held, hold};
use self::kept_request::KeptRequest;
use crate::call_notes::CallNotes;
use crate::deadline::{DeadlineAt, tell_time_left};
use crate::methods::Call;
use crate::policies::Streaming;
use crate::upstream_fault::UpstreamFault;

/// How many attempts there were before this one.
const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
/// How long the upstream wants to be left alone; anything but a number from 0 on means for good.
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Retry<S> {
    inner: S,
}

impl<S> Retry<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
    }
}

/// What an attempt answers.
type Attempted = Result<Response<tonic::body::Body>, UpstreamFault>;

impl<S, B> Service<Call<B>> for Retry<S>
where
    S: Service<Call<tonic::body::Body>, Response = Response<tonic::body::Body>, Error = UpstreamFault>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<tonic::body::Body>;
    type Error = UpstreamFault;
    type Future = BoxFuture<'static, Attempted>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UpstreamFault>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call<B>) -> Self::Future {
        Box::pin(attempt_until_answered(self.inner.clone(), call))
    }
}

async fn attempt_until_answered<S, B>(mut inner: S, call: Call<B>) -> Attempted
where
    S: Service<Call<tonic::body::Body>, Response = Response<tonic::body::Body>, Error = UpstreamFault>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Call { method, request } = call;
    let rules = &method.route.settings.retries;
    let is_safe = method.policy.retry_safe && matches!(method.policy.streaming, Streaming::Unary | Streaming::Server);
    rules.budget.deposit();

    let (head, body) = request.into_parts();
    let deadline = head.extensions.get::<DeadlineAt>().map(|deadline| deadline.0);
    let kept = KeptRequest::new(body, rules.config.keep_bytes);
    let mut backoff = Backoff::new(&rules.config);
    let mut previous_attempts = 0;
    loop {
        let mut request = Request::from_parts(head.clone(), tonic::body::Body::new(kept.once_more()));
        if previous_attempts > 0 {
            request.headers_mut().insert(PREVIOUS_ATTEMPTS, HeaderValue::from(previous_attempts));
            tell_time_left(&mut request);
        }
        CallNotes::of(&request).attempt();
        let span = AttemptSpan::begin(&mut request, &method, previous_attempts);
        let attempted = inner.call(Call { method: method.clone(), request });
        let held = span.watch(hold(attempted, is_safe, rules)).await;

        previous_attempts += 1;
        let pause = match &held {
            _ if previous_attempts >= rules.config.attempts => None,
            Held::Untouched(_) => Some(backoff.next_pause()),
            Held::Unavailable { pushback, .. } if is_safe => pause_after(pushback.as_ref(), &mut backoff),
            Held::Unavailable { .. } | Held::Answered(_) => None,
        };
        // The budget comes last: what is withdrawn is used.
        let may_go_on = |pause: &Duration| ends_in_time(*pause, deadline) && kept.can_be_sent_again();
        let Some(pause) = pause.filter(may_go_on).filter(|_| rules.budget.withdraw()) else {
            kept.keep_no_more();
            return held.into_answer();
        };
        tracing::debug!(method = method.policy.path, previous_attempts, ?pause, "a call is sent once more");
        drop(held);
        sleep(pause).await;
    }
}

/// The pause that the upstream asks for, or one of our own; none if it wants no further attempt.
fn pause_after(pushback: Option<&HeaderValue>, backoff: &mut Backoff) -> Option<Duration> {
    let Some(pushback) = pushback else { return Some(backoff.next_pause()) };
    let milliseconds = pushback.to_str().ok().and_then(|text| text.parse::<u32>().ok())?;
    backoff.begin_anew();
    Some(Duration::from_millis(milliseconds.into()))
}

fn ends_in_time(pause: Duration, deadline: Option<Instant>) -> bool {
    deadline.is_none_or(|deadline| Instant::now().checked_add(pause).is_some_and(|next| next < deadline))
}

/// Whether a status asks for another attempt.
fn is_worth_another(code: Code) -> bool {
    code == Code::Unavailable
}

fn pushback_in(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(PUSHBACK).cloned()
}
