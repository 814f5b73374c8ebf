//! Bounds how many calls run in the gateway at a time, so that too many cost a refusal each and not the memory of all.
//!
//! Place: before the door, because checking a token is the first thing that costs something. A call counts until its answer is over.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::Either;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use crate::config_errors::ConfigMistake;
use crate::errors::Cause;
use crate::holding::Holding;

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

/// The place of a call; nothing where there is no limit.
type Place = Option<OwnedSemaphorePermit>;

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

    /// A place, if there is one left.
    fn take_place(&self) -> Result<Place, TooManyCalls> {
        let Some(room) = &self.room else { return Ok(None) };
        Arc::clone(room).try_acquire_owned().map(Some).map_err(|_| TooManyCalls)
    }
}

impl<S, B, R> Service<Request<B>> for LimitConcurrency<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Cause>,
{
    type Response = Response<Holding<R, Place>>;
    type Error = Cause;
    type Future = Either<Holding<S::Future, Place>, Ready<Result<Self::Response, Cause>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.take_place() {
            Ok(place) => Either::Left(Holding::new(self.inner.call(request), place)),
            Err(too_many) => Either::Right(ready(Err(too_many.into()))),
        }
    }
}
