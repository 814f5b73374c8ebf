//! Ends what still runs when the gateway has to go, with UNAVAILABLE in trailers rather than with a torn connection.
//!
//! Place: outside the deadline and everything that waits, so that it reaches every call; inside the layer that answers errors.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::{Layer, Service};

use crate::errors::Cause;

/// The gateway goes away.
#[derive(Debug, thiserror::Error)]
#[error("the gateway is closing")]
pub(crate) struct Closing;

/// How far the gateway is on its way out. All clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct DrainSignal {
    /// Somebody asked for it without ending the future that the gateway serves until.
    pub(crate) asked: CancellationToken,
    /// No new calls: connections say GOAWAY and close when their last call is over.
    pub(crate) begun: CancellationToken,
    /// Calls that still run end now.
    pub(crate) grace_over: CancellationToken,
    /// Connections that still write close now.
    pub(crate) closed: CancellationToken,
}

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Drain<S> {
    inner: S,
    grace_over: CancellationToken,
}

impl<S> Drain<S> {
    pub(crate) fn layer(signal: &DrainSignal) -> impl Layer<S, Service = Self> + use<S> {
        let grace_over = signal.grace_over.clone();
        tower::layer::layer_fn(move |inner| Self { inner, grace_over: grace_over.clone() })
    }
}

impl<S, B, R> Service<Request<B>> for Drain<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Cause>,
{
    type Response = Response<DrainedBody<R>>;
    type Error = Cause;
    type Future = DrainedAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let end = End { grace_over: self.grace_over.clone(), waiting: None };
        DrainedAnswer { answer: self.inner.call(request), end: Some(end) }
    }
}

/// The end of the grace. A call is only put on its list once there is something to wait for.
struct End {
    grace_over: CancellationToken,
    waiting: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl End {
    fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        let grace_over = &self.grace_over;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(grace_over.clone().cancelled_owned()));
        waiting.as_mut().poll(cx).is_ready()
    }
}

pin_project! {
    /// An answer that the gateway may not live to see.
    pub(crate) struct DrainedAnswer<F> {
        #[pin]
        answer: F,
        end: Option<End>,
    }
}

impl<F, R> Future for DrainedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Cause>>,
{
    type Output = Result<Response<DrainedBody<R>>, Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.answer.poll(cx) {
            let end = this.end.take();
            return Poll::Ready(answer.map(|response| response.map(|inner| DrainedBody { inner, end })));
        }
        if this.end.as_mut().is_some_and(|end| end.poll_over(cx)) {
            return Poll::Ready(Err(Closing.into()));
        }
        Poll::Pending
    }
}

pin_project! {
    /// A response body that ends when the grace is over.
    pub(crate) struct DrainedBody<B> {
        #[pin]
        inner: B,
        end: Option<End>,
    }
}

impl<B: Body<Data = Bytes, Error = Cause>> Body for DrainedBody<B> {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        let this = self.project();
        let next = this.inner.poll_frame(cx);
        let must_end = match &next {
            Poll::Pending => this.end.as_mut().is_some_and(|end| end.poll_over(cx)),
            // A stream that never pauses is cut between two of its chunks.
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                this.end.as_ref().is_some_and(|end| end.grace_over.is_cancelled())
            }
            Poll::Ready(_) => false,
        };
        if must_end { Poll::Ready(Some(Err(Closing.into()))) } else { next }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
