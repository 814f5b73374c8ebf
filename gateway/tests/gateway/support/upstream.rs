//! Upstreams for tests.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bojagi_gateway::{Upstream, upstream};
use bytes::Bytes;
use http::{Request, Response, request};
use http_body_util::BodyExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::body::Body;
use tower::BoxError;

use super::answer::Answer;

/// A request as it reached the upstream.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: request::Parts,
    /// The messages, or `None` where the body failed.
    pub(crate) body: Option<Bytes>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Reads the request, shows it to the test, and gives the answer.
pub(crate) fn answering(answer: Answer) -> (Upstream, UnboundedReceiver<Received>) {
    let (show, received) = unbounded_channel();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (show, answer) = (show.clone(), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.ok().map(|body| body.to_bytes());
            // The test may not care.
            let _ = show.send(Received { head, body });
            Ok::<_, Infallible>(answer.to_response())
        }
    });
    (upstream(service), received)
}

/// Gives the answer without looking at the request.
pub(crate) fn careless(answer: Answer) -> Upstream {
    upstream(tower::service_fn(move |_: Request<Body>| {
        let response = answer.to_response();
        async move { Ok::<_, Infallible>(response) }
    }))
}

/// Sends every message back as it comes.
pub(crate) fn echo() -> Upstream {
    upstream(tower::service_fn(|request: Request<Body>| async move {
        let (trailers, mut body) = (Answer::grpc().trailers(&[("grpc-status", "0")]), request.into_body());
        let (head, end) = trailers.to_response().into_parts();
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<http_body::Frame<Bytes>, tonic::Status>>(1);
        tokio::spawn(async move {
            while let Some(frame) = body.frame().await {
                let failed = frame.is_err();
                if sender.send(frame).await.is_err() || failed {
                    return;
                }
            }
            let mut end = end;
            while let Some(frame) = end.frame().await {
                let _ = sender.send(frame).await;
            }
        });
        let frames = tokio_stream::wrappers::ReceiverStream::new(receiver);
        Ok::<_, Infallible>(Response::from_parts(head, Body::new(http_body_util::StreamBody::new(frames))))
    }))
}

/// Takes a request and never answers. The receiver gets something when the call has begun, and ends when it was dropped.
pub(crate) fn silent() -> (Upstream, UnboundedReceiver<()>) {
    let (sender, call) = unbounded_channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let service = tower::service_fn(move |_: Request<Body>| {
        let held = sender.lock().unwrap().take();
        async move {
            if let Some(held) = &held {
                held.send(()).unwrap();
            }
            pending::<Result<Response<Body>, BoxError>>().await
        }
    });
    (upstream(service), call)
}

/// Fails before it answers.
pub(crate) fn failing(error: impl Fn() -> BoxError + Clone + Send + Sync + 'static) -> Upstream {
    upstream(tower::service_fn(move |_: Request<Body>| {
        let error = error();
        async move { Err::<Response<Body>, BoxError>(error) }
    }))
}

/// What an endless answer has come to.
#[derive(Clone, Default)]
pub(crate) struct Pulled {
    bytes: Arc<AtomicUsize>,
}

impl Pulled {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Answers with messages for as long as somebody takes them. The receiver ends when the call was dropped.
pub(crate) fn endless() -> (Upstream, Pulled, UnboundedReceiver<()>) {
    let pulled = Pulled::default();
    let count = pulled.clone();
    let (sender, call) = unbounded_channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let service = tower::service_fn(move |_: Request<Body>| {
        let (count, held) = (count.clone(), sender.lock().unwrap().take());
        let frames = futures::stream::repeat_with(move || {
            let held_by_the_call: &Option<_> = &held;
            assert!(held_by_the_call.is_some(), "there is one call");
            let chunk = super::message(&[0; 16 * 1024]);
            count.bytes.fetch_add(chunk.len(), Ordering::Relaxed);
            Ok::<_, tonic::Status>(http_body::Frame::data(chunk))
        });
        let (head, _) = Answer::grpc().to_response().into_parts();
        let response = Response::from_parts(head, Body::new(http_body_util::StreamBody::new(frames)));
        async move { Ok::<_, Infallible>(response) }
    });
    (upstream(service), pulled, call)
}

/// Takes requests and neither reads nor answers them; counts them.
pub(crate) fn deaf() -> (Upstream, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let service = tower::service_fn(move |request: Request<Body>| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            let _unread = request;
            pending::<Result<Response<Body>, BoxError>>().await
        }
    });
    (upstream(service), calls)
}
