//! Ends calls that take too long, with DEADLINE_EXCEEDED, before the answer begins or while it runs.
//!
//! Place: as soon as the method is known, because unary calls and streams have different defaults. The upstream is told the same deadline
//! by `grpc-timeout`, so that it can stop by itself; what it was told does not matter here.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::Either;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::{Layer, Service};

use crate::config::{DeadlineConfig, bounded};
use crate::errors::Cause;
use crate::grpc_timeout::{self, GRPC_TIMEOUT};
use crate::methods::Call;
use crate::policies::Streaming;

/// When the call has to be over; an extension of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadlineAt(pub(crate) Instant);

/// A deadline that was told is told anew once more than this of it is over.
const WORTH_TELLING: Duration = Duration::from_millis(1);

/// Makes `grpc-timeout` say what is left of the time of the call.
pub(crate) fn tell_time_left<B>(request: &mut Request<B>) {
    let Some(DeadlineAt(at)) = request.extensions().get().copied() else { return };
    let left = at.saturating_duration_since(Instant::now());
    let headers = request.headers_mut();
    let told = grpc_timeout::read(headers).ok().flatten();
    if told.is_none_or(|told| told > left + WORTH_TELLING) {
        headers.insert(GRPC_TIMEOUT, grpc_timeout::write(left));
    }
}

/// The time is over.
#[derive(Debug, thiserror::Error)]
#[error("the call took longer than its deadline allows")]
pub(crate) struct DeadlineExceeded;

/// How long calls of one kind may take.
#[derive(Clone)]
struct Limits {
    default: Option<(Duration, HeaderValue)>,
    cap: Option<(Duration, HeaderValue)>,
}

impl Limits {
    fn new(default_ms: u64, cap_ms: u64) -> Self {
        let with_header = |time: Duration| (time, grpc_timeout::write(time));
        let cap = bounded(cap_ms).map(with_header);
        Self { default: bounded(default_ms).map(with_header).or_else(|| cap.clone()), cap }
    }

    /// The time for a call, and the header that says so if the client's own does not.
    fn of_call(&self, asked: Option<Duration>) -> (Option<Duration>, Option<HeaderValue>) {
        let imposed = match (asked, &self.cap) {
            (None, _) => self.default.as_ref(),
            (Some(asked), Some(cap)) if asked > cap.0 => Some(cap),
            (Some(_), _) => None,
        };
        match imposed {
            Some((time, header)) => (Some(*time), Some(header.clone())),
            None => (asked, None),
        }
    }
}

/// How long the calls of a route may take.
#[derive(Clone)]
pub(crate) struct DeadlineRules {
    unary: Limits,
    stream: Limits,
}

impl DeadlineRules {
    pub(crate) fn new(config: DeadlineConfig) -> Self {
        Self {
            unary: Limits::new(config.unary_default_ms, config.unary_cap_ms),
            stream: Limits::new(config.stream_default_ms, config.stream_cap_ms),
        }
    }

    /// A method that may be a stream must not be cut by what is meant for unary calls.
    fn of(&self, streaming: Streaming) -> &Limits {
        if streaming == Streaming::Unary { &self.unary } else { &self.stream }
    }
}

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Deadline<S> {
    inner: S,
}

impl<S> Deadline<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
    }

    fn timer_of<B>(call: &mut Call<B>) -> Result<Timer, Cause> {
        let headers = call.request.headers_mut();
        let limits = call.method.route.settings.deadlines.of(call.method.policy.streaming);
        let (timeout, header) = limits.of_call(grpc_timeout::read(headers)?);
        if let Some(header) = header {
            headers.insert(GRPC_TIMEOUT, header);
        }
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(DeadlineExceeded.into());
        }
        let timer = Timer::new(timeout);
        if let Some(at) = timer.at {
            call.request.extensions_mut().insert(DeadlineAt(at));
        }
        Ok(timer)
    }
}

impl<S, B, R> Service<Call<B>> for Deadline<S>
where
    S: Service<Call<B>, Response = Response<R>, Error = Cause>,
{
    type Response = Response<TimedBody<R>>;
    type Error = Cause;
    type Future = Either<TimedAnswer<S::Future>, std::future::Ready<Result<Response<TimedBody<R>>, Cause>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call<B>) -> Self::Future {
        match Self::timer_of(&mut call) {
            Ok(timer) => Either::Left(TimedAnswer { answer: self.inner.call(call), timer }),
            Err(cause) => Either::Right(std::future::ready(Err(cause))),
        }
    }
}

/// A deadline. The timer of the runtime is only used once there is something to wait for; most calls end before that.
#[derive(Default)]
struct Timer {
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn new(timeout: Option<Duration>) -> Self {
        // A time so far away that it cannot be written down is no deadline.
        Self { at: timeout.and_then(|timeout| Instant::now().checked_add(timeout)), sleep: None }
    }

    fn is_over(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// Whether the time is over; if not, the task is woken when it is.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.at else { return false };
        self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at))).as_mut().poll(cx).is_ready()
    }
}

pin_project! {
    /// An answer that may come too late.
    pub(crate) struct TimedAnswer<F> {
        #[pin]
        answer: F,
        timer: Timer,
    }
}

impl<F, R> Future for TimedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Cause>>,
{
    type Output = Result<Response<TimedBody<R>>, Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.answer.poll(cx) {
            Poll::Ready(Ok(response)) => {
                let timer = std::mem::take(this.timer);
                Poll::Ready(Ok(response.map(|inner| TimedBody { inner, timer })))
            }
            Poll::Ready(Err(cause)) => Poll::Ready(Err(cause)),
            Poll::Pending if this.timer.poll_over(cx) => Poll::Ready(Err(DeadlineExceeded.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

pin_project! {
    /// A response body that may not run past its deadline.
    pub(crate) struct TimedBody<B> {
        #[pin]
        inner: B,
        timer: Timer,
    }
}

impl<B: Body<Data = Bytes, Error = Cause>> Body for TimedBody<B> {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        let this = self.project();
        let Poll::Ready(next) = this.inner.poll_frame(cx) else {
            let over = this.timer.poll_over(cx);
            return if over { Poll::Ready(Some(Err(DeadlineExceeded.into()))) } else { Poll::Pending };
        };
        // A stream that never pauses would otherwise never meet its deadline. The status of a call that did end is passed on.
        let has_more = matches!(&next, Some(Ok(frame)) if frame.is_data());
        if has_more && this.timer.is_over() {
            return Poll::Ready(Some(Err(DeadlineExceeded.into())));
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
