//! How a process goes: calls that run may finish, and whatever is still there at the end is told so rather than torn.

use std::pin::Pin;
use std::task::{Context, Poll};

use bojagi_api::policy;
use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;

/// How far a process is on its way out. All clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    /// Somebody asked for it.
    pub(super) asked: CancellationToken,
    /// No new calls: connections say GOAWAY, and streams end, which could last for ever and are made to be begun again.
    pub(super) begun: CancellationToken,
    /// All other calls end too.
    pub(super) over: CancellationToken,
    /// Connections that still write are cut.
    pub(super) closed: CancellationToken,
}

impl Closing {
    /// The answer of a call, unless the process goes before there is one.
    pub(super) async fn answer(&self, path: &str, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        // What is not in the contracts is health and reflection: streams.
        let streams = policy::of(path).is_none_or(|method| method.server_streaming);
        let end = if streams { &self.begun } else { &self.over };
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = end.cancelled() => return going().into_http(),
        };
        let end = Box::pin(end.clone().cancelled_owned());
        answer.map(|inner| Body::new(ClosingBody { inner, end, ended: false }))
    }
}

fn going() -> Status {
    Status::unavailable("the server is closing")
}

/// The body of an answer, which ends with UNAVAILABLE when the process goes.
struct ClosingBody {
    inner: Body,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
}

impl http_body::Body for ClosingBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        // What is there is told first: a health check hears why the process goes.
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if this.end.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.ended = true;
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(going().add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
