//! How a process goes: calls that run may finish, and whatever is still there at the end is told so rather than torn.

use std::pin::Pin;
use std::task::{Context, Poll};

use bojagi_api::policy;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;

/// How far a process is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It serves.
    Open,
    /// Somebody asked it to go.
    Asked,
    /// No new calls: connections say GOAWAY, and streams end, which could last for ever and are made to be begun again.
    Draining,
    /// All other calls end too.
    Over,
    /// Connections that still write are cut.
    Closed,
}

/// The way out of a process, which leads forward only. All clones are one.
#[derive(Clone, Debug)]
pub(super) struct Closing(watch::Sender<Stage>);

impl Default for Closing {
    fn default() -> Self {
        Self(watch::Sender::new(Stage::Open))
    }
}

impl Closing {
    /// Goes as far as this, unless it has gone further.
    pub(super) fn reach(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let further = *now < stage;
            *now = stage.max(*now);
            further
        });
    }

    /// Ends when it has come so far.
    pub(super) fn reached(&self, stage: Stage) -> impl Future<Output = ()> + Send + use<> {
        // Held, so that it does not look as if nobody could go further.
        let closing = self.clone();
        async move {
            let mut now = closing.0.subscribe();
            drop(now.wait_for(|now| *now >= stage).await);
        }
    }

    /// Closes all when it is dropped.
    pub(super) fn drop_guard(&self) -> ClosedAtLast {
        ClosedAtLast(self.clone())
    }

    /// The answer of a call, unless the process goes before there is one.
    pub(super) async fn answer(&self, path: &str, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        // What is not in the contracts is health and reflection: streams.
        let streams = policy::of(path).is_none_or(|method| method.server_streaming);
        let end = if streams { Stage::Draining } else { Stage::Over };
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = self.reached(end) => return going().into_http(),
        };
        let end: BoxFuture<'static, ()> = Box::pin(self.reached(end));
        answer.map(|inner| Body::new(ClosingBody { inner, end, ended: false }))
    }
}

/// See [`Closing::drop_guard`].
pub(super) struct ClosedAtLast(Closing);

impl Drop for ClosedAtLast {
    fn drop(&mut self) {
        self.0.reach(Stage::Closed);
    }
}

fn going() -> Status {
    Status::unavailable("the server is closing")
}

/// The body of an answer, which ends with UNAVAILABLE when the process goes.
struct ClosingBody {
    inner: Body,
    end: BoxFuture<'static, ()>,
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
