//! Bounds how many calls run in the gateway at a time, so that too many cost a refusal each and not the memory of all.
//!
//! Place: before the door, because checking a token is the first thing that costs something. A call counts until its answer is over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::Either;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use crate::config_errors::ConfigMistake;
use crate::errors::Cause;

/// How much a gateway takes on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    /// Calls at a time, streams included; 0 for no limit.
    pub max_calls: usize,
    /// Callers, each with each route, whose rates are remembered.
    pub max_rates: usize,
}

impl LimitConfig {
    /// Every mistake.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        let mut mistakes = Vec::new();
        if self.max_calls > Semaphore::MAX_PERMITS {
            mistakes
                .push(ConfigMistake::new("limits.max_calls", format!("must not exceed {}", Semaphore::MAX_PERMITS)));
        }
        if self.max_rates == 0 {
            mistakes.push(ConfigMistake::new("limits.max_rates", "must be greater than 0"));
        }
        mistakes
    }
}

/// There are too many calls.
#[derive(Debug, thiserror::Error)]
#[error("the gateway has as many calls as it takes at a time")]
pub(crate) struct TooManyCalls;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct LimitConcurrency<S> {
    inner: S,
    /// Absent without a limit.
    room: Option<Arc<Semaphore>>,
}

impl<S> LimitConcurrency<S> {
    pub(crate) fn layer(config: LimitConfig) -> impl Layer<S, Service = Self> + use<S> {
        let room = (config.max_calls > 0).then(|| Arc::new(Semaphore::new(config.max_calls)));
        tower::layer::layer_fn(move |inner| Self { inner, room: room.clone() })
    }

    /// A place, where there is a limit.
    fn take_place(&self) -> Result<Option<OwnedSemaphorePermit>, TooManyCalls> {
        let Some(room) = &self.room else { return Ok(None) };
        Arc::clone(room).try_acquire_owned().map(Some).map_err(|_| TooManyCalls)
    }
}

impl<S, B, R> Service<Request<B>> for LimitConcurrency<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Cause>,
{
    type Response = Response<PlacedBody<R>>;
    type Error = Cause;
    type Future = Either<PlacedAnswer<S::Future>, std::future::Ready<Result<Response<PlacedBody<R>>, Cause>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.take_place() {
            Ok(place) => Either::Left(PlacedAnswer { answer: self.inner.call(request), place }),
            Err(too_many) => Either::Right(std::future::ready(Err(too_many.into()))),
        }
    }
}

pin_project! {
    /// An answer that has a place.
    pub(crate) struct PlacedAnswer<F> {
        #[pin]
        answer: F,
        place: Option<OwnedSemaphorePermit>,
    }
}

impl<F, R> Future for PlacedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Cause>>,
{
    type Output = Result<Response<PlacedBody<R>>, Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.answer.poll(cx).map_ok(|response| {
            let place = this.place.take();
            response.map(|inner| PlacedBody { inner, _place: place })
        })
    }
}

pin_project! {
    /// A response body that has a place until it is dropped.
    pub(crate) struct PlacedBody<B> {
        #[pin]
        inner: B,
        _place: Option<OwnedSemaphorePermit>,
    }
}

impl<B: Body<Data = Bytes, Error = Cause>> Body for PlacedBody<B> {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
