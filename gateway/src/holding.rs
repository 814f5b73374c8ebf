//! An answer that holds something from its beginning to the end of its body: a place, or that it is counted.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The future of a response, and then its body. What is held is let go with it.
    pub(crate) struct Holding<T, H> {
        #[pin]
        inner: T,
        // Handed on by the future to the body.
        held: Option<H>,
    }
}

impl<T, H> Holding<T, H> {
    pub(crate) fn new(inner: T, held: H) -> Self {
        Self { inner, held: Some(held) }
    }
}

impl<F, B, E, H> Future for Holding<F, H>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Holding<B, H>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.inner.poll(cx).map_ok(|response| {
            let held = this.held.take();
            response.map(|inner| Holding { inner, held })
        })
    }
}

impl<B: Body, H> Body for Holding<B, H> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
