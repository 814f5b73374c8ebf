//! Translates the unary form of the Connect protocol to native gRPC and back: one message a request and an answer, as protobuf or JSON,
//! without frames, and the status in HTTP's own. Other dialects pass as they are. <https://connectrpc.com/docs/protocol>
//!
//! Place: inside the layer that tells dialects apart, outside the access log and everything that looks at statuses. What is inside a message
//! is not looked at here: JSON leaves this layer as a frame of `application/grpc+json`, and is translated where the method is known.

mod answer;
mod error_body;
mod fault;
mod query;
mod request;
mod request_body;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub(crate) use self::error_body::ERROR_CODES;
pub(crate) use self::fault::ConnectFault;
pub(crate) use self::query::codec_name;
pub(crate) use self::request_body::ConnectRequest;

use self::answer::Form;
use crate::contracts::Contracts;
use crate::dialect::Dialect;
use crate::grpc_web::RequestFault;
use crate::own_body::OwnBody;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Connect<S> {
    inner: S,
    contracts: Arc<Contracts>,
    longest_request: u32,
}

impl<S> Connect<S> {
    /// `longest_request` is in bytes and bounds what is kept of a message whose length was not announced.
    pub(crate) fn layer(contracts: Arc<Contracts>, longest_request: u32) -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(move |inner| Self { inner, contracts: Arc::clone(&contracts), longest_request })
    }
}

impl<S, B, R> Service<Request<B>> for Connect<S>
where
    S: Service<Request<ConnectRequest<B>>, Response = Response<R>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error = RequestFault>,
    R: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    type Response = Response<OwnBody<R>>;
    type Error = Infallible;
    type Future = ConnectFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Some(&Dialect::Connect { codec, by_get }) = request.extensions().get() else {
            return ConnectFuture::Native {
                answer: self.inner.call(request.map(|inner| ConnectRequest::Native { inner })),
            };
        };
        let (request, accepts_gzip) = match request::to_native(&mut request, codec) {
            Ok(read) => {
                let longest = self.longest_request;
                let request = request.map(|inner| match &read.queried {
                    Some(message) => ConnectRequest::queried(message, read.is_compressed),
                    None => ConnectRequest::posted(inner, read.is_compressed, longest),
                });
                (request, read.accepts_gzip)
            }
            Err(fault) => {
                let mut request = request.map(|_| ConnectRequest::nothing());
                request.extensions_mut().insert(fault);
                (request, false)
            }
        };
        let form = Form { codec, accepts_gzip, by_get };
        let (asked, contracts) = (self.inner.call(request), Arc::clone(&self.contracts));
        let answer = Box::pin(async move {
            let Ok(response) = asked.await;
            answer::write(response, form, contracts).await
        });
        ConnectFuture::Translated { answer }
    }
}

pin_project! {
    /// The answer in the dialect of the request.
    #[project = ProjectedFuture]
    pub(crate) enum ConnectFuture<F, R> {
        Native { #[pin] answer: F },
        Translated { answer: Pin<Box<dyn Future<Output = Response<OwnBody<R>>> + Send>> },
    }
}

impl<F, R> Future for ConnectFuture<F, R>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = Result<Response<OwnBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ProjectedFuture::Native { answer } => {
                let response = ready!(answer.poll(cx)?);
                Poll::Ready(Ok(response.map(|inner| OwnBody::Passed { inner })))
            }
            ProjectedFuture::Translated { answer } => answer.as_mut().poll(cx).map(Ok),
        }
    }
}
