//! A body that passes as it is, or one that the gateway has written itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a request or an answer.
    #[project = Projected]
    pub(crate) enum OwnBody<B> {
        /// As it came.
        Passed { #[pin] inner: B },
        /// Written here, all of it.
        Whole { data: Option<Bytes>, trailers: Option<HeaderMap> },
    }
}

impl<B> OwnBody<B> {
    /// These bytes and nothing else.
    pub(crate) fn of(data: Bytes) -> Self {
        Self::Whole { data: Some(data).filter(|data| !data.is_empty()), trailers: None }
    }
}

impl<B> Default for OwnBody<B> {
    fn default() -> Self {
        Self::Whole { data: None, trailers: None }
    }
}

impl<B: Body<Data = Bytes>> Body for OwnBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            Projected::Passed { inner } => inner.poll_frame(cx),
            Projected::Whole { data, trailers } => {
                let data = data.take().map(Frame::data);
                Poll::Ready(data.or_else(|| trailers.take().map(Frame::trailers)).map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Passed { inner } => inner.is_end_stream(),
            Self::Whole { data, trailers } => data.is_none() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Passed { inner } => inner.size_hint(),
            Self::Whole { data, .. } => SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64)),
        }
    }
}
