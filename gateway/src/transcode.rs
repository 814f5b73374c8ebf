//! What a call of the Connect protocol needs that depends on its method: that it is unary, and the translation of JSON to protobuf and
//! back. Calls of other dialects pass untouched, and so does protobuf.
//!
//! Place: inside the checks of caller and deadline, so that nobody's JSON is read who may not call; outside the check of messages, so that
//! what goes to the upstream and comes from it is checked in the form in which it goes over the wire.

mod answer;
mod fault;
mod request;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use prost_reflect::MethodDescriptor;
use tower::{Layer, Service};

pub(crate) use self::fault::TranscodeFault;

use crate::contracts::{self, Contracts};
use crate::dialect::{Codec, Dialect};
use crate::errors::Cause;
use crate::grpc_web::RequestFault;
use crate::methods::Call;
use crate::own_body::OwnBody;
use crate::policies::Streaming;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Transcode<S> {
    inner: S,
    contracts: Arc<Contracts>,
}

impl<S> Transcode<S> {
    pub(crate) fn layer(contracts: Arc<Contracts>) -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(move |inner| Self { inner, contracts: Arc::clone(&contracts) })
    }
}

impl<S, B, R> Service<Call<B>> for Transcode<S>
where
    S: Service<Call<OwnBody<B>>, Response = Response<R>, Error = Cause> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error = RequestFault> + Send + 'static,
    R: Body<Data = Bytes, Error = Cause> + Send + 'static,
{
    type Response = Response<OwnBody<R>>;
    type Error = Cause;
    type Future = TranscodeFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call<B>) -> Self::Future {
        let Some(&Dialect::Connect { codec, by_get }) = call.request.extensions().get() else {
            return TranscodeFuture::Passed { answer: self.inner.call(passed(call)) };
        };
        let contract = self.contracts.method(call.request.uri().path()).cloned();
        // The one that is ready is used; its clone takes its place.
        let ready = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, ready);
        TranscodeFuture::Translated { answer: Box::pin(translated(ready, call, (codec, by_get), contract)) }
    }
}

fn passed<B>(call: Call<B>) -> Call<OwnBody<B>> {
    Call { method: call.method, request: call.request.map(|inner| OwnBody::Passed { inner }) }
}

async fn translated<S, B, R>(
    mut inner: S,
    call: Call<B>,
    (codec, by_get): (Codec, bool),
    contract: Option<MethodDescriptor>,
) -> Result<Response<OwnBody<R>>, Cause>
where
    S: Service<Call<OwnBody<B>>, Response = Response<R>, Error = Cause>,
    B: Body<Data = Bytes, Error = RequestFault>,
    R: Body<Data = Bytes, Error = Cause>,
{
    if matches!(call.method.policy.streaming, Streaming::Client | Streaming::Server | Streaming::Both) {
        return Err(TranscodeFault::Streams.into());
    }
    if by_get && !contract.as_ref().is_some_and(contracts::only_looks) {
        return Err(TranscodeFault::NotByGet.into());
    }
    let limits = call.method.route.settings.config.messages;
    let (call, json_of) = match codec {
        Codec::Proto => (passed(call), None),
        Codec::Json => {
            let contract = contract.ok_or(TranscodeFault::NoContract)?;
            let call = request::to_proto(call, contract.input(), limits.max_request_bytes).await?;
            (call, Some(contract.output()))
        }
    };
    let response = inner.call(call).await?;
    answer::one_message(response, json_of, limits.max_response_bytes).await
}

pin_project! {
    /// The answer, translated if its call was.
    #[project = ProjectedFuture]
    pub(crate) enum TranscodeFuture<F, R> {
        Passed { #[pin] answer: F },
        Translated { answer: Pin<Box<dyn Future<Output = Result<Response<OwnBody<R>>, Cause>> + Send>> },
    }
}

impl<F, R> Future for TranscodeFuture<F, R>
where
    F: Future<Output = Result<Response<R>, Cause>>,
{
    type Output = Result<Response<OwnBody<R>>, Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ProjectedFuture::Passed { answer } => {
                let response = ready!(answer.poll(cx)?);
                Poll::Ready(Ok(response.map(|inner| OwnBody::Passed { inner })))
            }
            ProjectedFuture::Translated { answer } => answer.as_mut().poll(cx),
        }
    }
}
