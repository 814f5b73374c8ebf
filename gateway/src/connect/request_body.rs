//! The one message of a request of the Connect protocol, as a frame of native gRPC.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::frame::{COMPRESSED, FrameError, PREFIX_BYTES};
use crate::grpc_web::RequestFault;

pin_project! {
    /// A request body of any dialect, as native gRPC.
    #[project = ProjectedBody]
    pub(crate) enum ConnectRequest<B> {
        /// It is native gRPC already.
        Native { #[pin] inner: B },
        /// The message is the body.
        Posted { #[pin] inner: B, framer: Framer },
        /// The message, framed, came in the query, or there is none.
        Queried { framed: Option<Bytes> },
    }
}

/// Puts the prefix before a message: at once if the length is known, else when all of it is there.
#[derive(Debug)]
pub(crate) struct Framer {
    is_compressed: bool,
    longest: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Beginning,
    /// The length was not told beforehand.
    Collecting {
        chunks: VecDeque<Bytes>,
        length: u32,
    },
    Passing,
    Sending {
        chunks: VecDeque<Bytes>,
    },
    Ended,
}

impl<B> ConnectRequest<B> {
    pub(super) fn posted(inner: B, is_compressed: bool, longest: u32) -> Self {
        Self::Posted { inner, framer: Framer { is_compressed, longest, state: State::Beginning } }
    }

    pub(super) fn queried(message: &Bytes, is_compressed: bool) -> Self {
        // A query is no longer than a request head may be.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut framed = BytesMut::from(&prefix(is_compressed, length)[..]);
        framed.put_slice(message);
        Self::Queried { framed: Some(framed.freeze()) }
    }

    /// The body of a request that is refused.
    pub(super) fn nothing() -> Self {
        Self::Queried { framed: None }
    }
}

fn prefix(is_compressed: bool, length: u32) -> Bytes {
    let mut prefix = BytesMut::with_capacity(PREFIX_BYTES);
    // An empty message is never compressed.
    prefix.put_u8(if is_compressed && length > 0 { COMPRESSED } else { 0 });
    prefix.put_u32(length);
    prefix.freeze()
}

impl Framer {
    /// Takes the announced length of the body, and answers the prefix if there is one.
    fn begin(&mut self, announced: Option<u64>) -> Option<Bytes> {
        let Some(length) = announced else {
            self.state = State::Collecting { chunks: VecDeque::new(), length: 0 };
            return None;
        };
        self.state = State::Passing;
        // One too long for its prefix is too long for every limit, too.
        Some(prefix(self.is_compressed, u32::try_from(length).unwrap_or(u32::MAX)))
    }

    /// Keeps a chunk until the length of the message is known.
    fn keep(&mut self, chunk: Bytes) -> Result<(), FrameError> {
        let State::Collecting { chunks, length } = &mut self.state else { return Ok(()) };
        *length = length.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
        if *length > self.longest {
            return Err(FrameError::TooLong { length: *length, limit: self.longest });
        }
        chunks.push_back(chunk);
        Ok(())
    }

    /// The body is over: what was kept can go.
    fn finish(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Collecting { mut chunks, length } => {
                chunks.push_front(prefix(self.is_compressed, length));
                State::Sending { chunks }
            }
            _ => State::Ended,
        };
    }
}

impl<B: Body<Data = Bytes, Error = RequestFault>> Body for ConnectRequest<B> {
    type Data = Bytes;
    type Error = RequestFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestFault>>> {
        let (mut inner, framer) = match self.project() {
            ProjectedBody::Native { inner } => return inner.poll_frame(cx),
            ProjectedBody::Queried { framed } => {
                return Poll::Ready(framed.take().map(|framed| Ok(Frame::data(framed))));
            }
            ProjectedBody::Posted { inner, framer } => (inner, framer),
        };
        loop {
            match &mut framer.state {
                State::Beginning => {
                    if let Some(prefix) = framer.begin(inner.size_hint().exact()) {
                        return Poll::Ready(Some(Ok(Frame::data(prefix))));
                    }
                }
                State::Passing => return inner.poll_frame(cx),
                State::Collecting { .. } => match ready!(inner.as_mut().poll_frame(cx)?) {
                    Some(frame) => {
                        if let Err(error) = frame.into_data().map_or(Ok(()), |chunk| framer.keep(chunk)) {
                            framer.state = State::Ended;
                            return Poll::Ready(Some(Err(error.into())));
                        }
                    }
                    None => framer.finish(),
                },
                State::Sending { chunks } => match chunks.pop_front() {
                    Some(chunk) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
                    None => framer.state = State::Ended,
                },
                State::Ended => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Native { inner } => inner.is_end_stream(),
            Self::Queried { framed } => framed.is_none(),
            Self::Posted { inner, framer } => match &framer.state {
                State::Passing => inner.is_end_stream(),
                State::Ended => true,
                State::Beginning | State::Collecting { .. } | State::Sending { .. } => false,
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Native { inner } => inner.size_hint(),
            Self::Queried { framed } => SizeHint::with_exact(framed.as_ref().map_or(0, |framed| framed.len() as u64)),
            Self::Posted { .. } => SizeHint::default(),
        }
    }
}
