//! The messages of a request on their way to the upstream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::verdict::RequestVerdict;
use crate::frame::{FrameRules, FrameScanner};
use crate::grpc_web::RequestFault;

pin_project! {
    /// A request body whose frames are checked as they pass. What is wrong is reported to the answer.
    pub(crate) struct CheckedRequest<B> {
        #[pin]
        inner: B,
        scanner: FrameScanner,
        verdict: Arc<RequestVerdict>,
        failed: bool,
    }
}

impl<B> CheckedRequest<B> {
    pub(crate) fn new(inner: B, rules: FrameRules, verdict: Arc<RequestVerdict>) -> Self {
        Self { inner, scanner: FrameScanner::new(rules), verdict, failed: false }
    }
}

impl<B: Body<Data = Bytes, Error = RequestFault>> Body for CheckedRequest<B> {
    type Data = Bytes;
    type Error = RequestFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestFault>>> {
        let this = self.project();
        if *this.failed {
            return Poll::Ready(None);
        }
        let fault = match ready!(this.inner.poll_frame(cx)) {
            Some(Ok(frame)) => {
                let scanned = frame.data_ref().map_or(Ok(()), |chunk| this.scanner.scan(chunk).map(|_| ()));
                match scanned {
                    Ok(()) => {
                        if let Some(notes) = this.verdict.notes() {
                            notes.set_messages_in(this.scanner.messages());
                        }
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    Err(error) => RequestFault::Frame(error),
                }
            }
            Some(Err(fault)) => fault,
            None => match this.scanner.finish() {
                Ok(()) => return Poll::Ready(None),
                Err(error) => RequestFault::Frame(error),
            },
        };
        *this.failed = true;
        this.verdict.report(fault);
        Poll::Ready(Some(Err(fault)))
    }

    fn is_end_stream(&self) -> bool {
        self.failed || (self.inner.is_end_stream() && self.scanner.finish().is_ok())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
