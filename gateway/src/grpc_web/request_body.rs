//! A request body, as the client sends it, as native gRPC.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use super::base64_text::{TextDecoder, TextError};
use crate::dialect::{Dialect, WebEncoding};
use crate::frame::{FrameError, FrameRules, FrameScanner};

/// What is wrong with a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestFault {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the request broke off")]
    BrokenOff,
}

pin_project! {
    /// The messages of a request. gRPC-Web is decoded and its trailer frame left out: no gRPC service reads request trailers.
    pub(crate) struct RequestBody<B> {
        #[pin]
        inner: B,
        web: Option<WebDecoder>,
        failed: bool,
    }
}

struct WebDecoder {
    text: Option<TextDecoder>,
    scanner: FrameScanner,
}

impl<B> RequestBody<B> {
    pub(crate) fn new(inner: B, dialect: Dialect, longest_trailer: u32) -> Self {
        let web = match dialect {
            Dialect::Native | Dialect::Connect { .. } => None,
            Dialect::Web(encoding) => Some(WebDecoder {
                text: (encoding == WebEncoding::Text).then(TextDecoder::default),
                // How long a message may be is for the method to say, further in.
                scanner: FrameScanner::new(FrameRules {
                    longest_message: u32::MAX,
                    longest_trailer: Some(longest_trailer),
                }),
            }),
        };
        Self { inner, web, failed: false }
    }
}

impl WebDecoder {
    fn decode(&mut self, chunk: Bytes) -> Result<Bytes, RequestFault> {
        let mut bytes = match &mut self.text {
            Some(text) => text.decode(&chunk)?,
            None => chunk,
        };
        let of_messages = self.scanner.scan(&bytes)?.of_messages;
        bytes.truncate(of_messages);
        Ok(bytes)
    }

    fn finish(&self) -> Result<(), RequestFault> {
        if let Some(text) = &self.text {
            text.finish()?;
        }
        Ok(self.scanner.finish()?)
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = RequestFault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestFault>>> {
        loop {
            let this = self.as_mut().project();
            if *this.failed {
                return Poll::Ready(None);
            }
            let next = match ready!(this.inner.poll_frame(cx)) {
                Some(Ok(frame)) => match (frame.into_data(), this.web) {
                    (Ok(chunk), None) => Some(Ok(chunk)),
                    (Ok(chunk), Some(web)) => Some(web.decode(chunk)),
                    (Err(_trailers), _) => continue,
                },
                Some(Err(error)) => {
                    let error: BoxError = error.into();
                    tracing::debug!(error, "the request broke off");
                    Some(Err(RequestFault::BrokenOff))
                }
                None => this.web.as_ref().and_then(|web| web.finish().err()).map(Err),
            };
            match next {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Err(fault)) => {
                    *this.failed = true;
                    return Poll::Ready(Some(Err(fault)));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let complete = self.web.as_ref().is_none_or(|web| web.finish().is_ok());
        self.failed || (complete && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.web.is_none() { self.inner.size_hint() } else { SizeHint::default() }
    }
}
