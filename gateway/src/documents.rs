//! Answers GET requests for documents of the gateway itself, such as the description of the API.
//!
//! Place: inside CORS, so that tools on other pages can read them, and outside everything that is about calls.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::own_body::OwnBody;

/// Documents in JSON, by path.
pub(crate) type JsonDocuments = HashMap<&'static str, JsonDocument>;

/// A document as it is at the moment; none if there is none at the moment.
pub(crate) type JsonDocument = Arc<dyn Fn() -> Option<Bytes> + Send + Sync>;

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Documents<S> {
    inner: S,
    documents: Arc<JsonDocuments>,
}

impl<S> Documents<S> {
    pub(crate) fn layer(documents: JsonDocuments) -> impl Layer<S, Service = Self> {
        let documents = Arc::new(documents);
        tower::layer::layer_fn(move |inner| Self { inner, documents: Arc::clone(&documents) })
    }

    fn find<B>(&self, request: &Request<B>) -> Option<Bytes> {
        match *request.method() {
            // A HEAD gets the same answer; the server leaves the body out.
            Method::GET | Method::HEAD => self.documents.get(request.uri().path()).and_then(|document| document()),
            _ => None,
        }
    }
}

impl<S, B, R> Service<Request<B>> for Documents<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    type Response = Response<OwnBody<R>>;
    type Error = Infallible;
    type Future = DocumentAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.find(&request) {
            Some(document) => DocumentAnswer::Document { document: Some(document) },
            None => DocumentAnswer::Asked { answer: self.inner.call(request) },
        }
    }
}

pin_project! {
    /// The document, or the answer from further in.
    #[project = ProjectedAnswer]
    pub(crate) enum DocumentAnswer<F> {
        Document { document: Option<Bytes> },
        Asked { #[pin] answer: F },
    }
}

impl<F, R> Future for DocumentAnswer<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = Result<Response<OwnBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project() {
            ProjectedAnswer::Document { document } => {
                let mut response = Response::new(OwnBody::of(document.take().unwrap_or_default()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                response
            }
            ProjectedAnswer::Asked { answer } => ready!(answer.poll(cx)?).map(|inner| OwnBody::Passed { inner }),
        }))
    }
}
