//! The messages of an answer on their way to the client, and the status after them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::has_status;
use super::verdict::RequestVerdict;
use crate::errors::Cause;
use crate::frame::{FrameRules, FrameScanner};
use crate::upstream_fault::UpstreamFault;

pin_project! {
    /// A response body that ends with a status, or with the cause for which it has none.
    pub(crate) struct CheckedAnswer {
        #[pin]
        inner: tonic::body::Body,
        scanner: FrameScanner,
        verdict: Arc<RequestVerdict>,
        // A status that came in the headers although the body was not over; nothing but the end may follow it.
        status_ahead: Option<HeaderMap>,
        ended: bool,
    }
}

impl CheckedAnswer {
    pub(crate) fn new(inner: tonic::body::Body, rules: FrameRules, verdict: Arc<RequestVerdict>) -> Self {
        Self { inner, scanner: FrameScanner::new(rules), verdict, status_ahead: None, ended: false }
    }

    pub(crate) fn with_status_ahead(
        inner: tonic::body::Body,
        rules: FrameRules,
        verdict: Arc<RequestVerdict>,
        status: HeaderMap,
    ) -> Self {
        Self { status_ahead: Some(status), ..Self::new(inner, rules, verdict) }
    }

    /// The body of an answer whose status is in its headers.
    pub(crate) fn nothing_more() -> Self {
        let rules = FrameRules { longest_message: 0, longest_trailer: None };
        Self { ended: true, ..Self::new(tonic::body::Body::empty(), rules, Arc::default()) }
    }
}

/// What follows from the next thing in a body.
enum Next {
    Pass(Frame<Bytes>),
    End(HeaderMap),
}

impl Body for CheckedAnswer {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let next = this.inner.poll_frame(cx);
        if let Some(fault) = this.verdict.poll_fault(cx) {
            *this.ended = true;
            return Poll::Ready(Some(Err(fault.into())));
        }
        let Poll::Ready(next) = next else { return Poll::Pending };
        let checked = match next {
            Some(Ok(frame)) => {
                let checked = check(frame, this.scanner, this.status_ahead);
                if let Some(notes) = this.verdict.notes() {
                    notes.set_messages_out(this.scanner.messages());
                }
                checked
            }
            Some(Err(status)) => Err(UpstreamFault::Failed(status.into())),
            None => this
                .scanner
                .finish()
                .map_err(UpstreamFault::from)
                .and_then(|()| this.status_ahead.take().map(Next::End).ok_or(UpstreamFault::NoTrailers)),
        };
        Poll::Ready(Some(match checked {
            Ok(Next::Pass(frame)) => Ok(frame),
            Ok(Next::End(trailers)) => {
                *this.ended = true;
                Ok(Frame::trailers(trailers))
            }
            Err(fault) => {
                *this.ended = true;
                Err(fault.into())
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        if self.ended { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}

fn check(
    frame: Frame<Bytes>,
    scanner: &mut FrameScanner,
    status_ahead: &mut Option<HeaderMap>,
) -> Result<Next, UpstreamFault> {
    if let Some(chunk) = frame.data_ref() {
        if status_ahead.is_some() && !chunk.is_empty() {
            return Err(UpstreamFault::MessagesAfterStatus);
        }
        scanner.scan(chunk)?;
        return Ok(Next::Pass(frame));
    }
    let trailers = frame.into_trailers().unwrap_or_default();
    scanner.finish()?;
    match (has_status(&trailers)?, status_ahead.take()) {
        (true, _) => Ok(Next::End(trailers)),
        (false, Some(status)) => {
            let mut trailers = trailers;
            trailers.extend(status);
            Ok(Next::End(trailers))
        }
        (false, None) => Err(UpstreamFault::NoStatus),
    }
}
