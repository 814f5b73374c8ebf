//! A response body in the dialect of its request.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::web_encoder::WebEncoder;
use crate::dialect::WebEncoding;

pin_project! {
    /// What goes to the client.
    #[project = ProjectedBody]
    pub(crate) enum ResponseBody<B> {
        /// A sentence for somebody who does not speak gRPC, or nothing.
        Plain { sentence: Option<Bytes> },
        /// Native gRPC, as it is.
        Native { #[pin] inner: B },
        /// gRPC-Web: trailers become a frame of the body.
        Web { #[pin] inner: B, encoder: WebEncoder },
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn web(inner: B, encoding: WebEncoding) -> Self {
        Self::Web { inner, encoder: WebEncoder::new(encoding) }
    }
}

impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::Plain { sentence: None }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            ProjectedBody::Plain { sentence } => Poll::Ready(sentence.take().map(|bytes| Ok(Frame::data(bytes)))),
            ProjectedBody::Native { inner } => inner.poll_frame(cx),
            ProjectedBody::Web { mut inner, encoder } => loop {
                if let Some(chunk) = encoder.next() {
                    return Poll::Ready(Some(Ok(Frame::data(chunk))));
                }
                match ready!(inner.as_mut().poll_frame(cx)?) {
                    Some(frame) => encoder.take(frame),
                    None => return Poll::Ready(None),
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain { sentence } => sentence.is_none(),
            Self::Native { inner } => inner.is_end_stream(),
            Self::Web { inner, encoder } => encoder.is_empty() && inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain { sentence } => SizeHint::with_exact(sentence.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Native { inner } => inner.size_hint(),
            Self::Web { .. } if self.is_end_stream() => SizeHint::with_exact(0),
            Self::Web { .. } => SizeHint::default(),
        }
    }
}
