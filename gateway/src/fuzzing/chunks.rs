//! Bytes of a fuzzer as a body that comes in chunks, and everything that comes out at the other end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

/// An input, taken apart.
pub(super) struct Input<'d> {
    choices: u8,
    sizes: &'d [u8],
    pub(super) body: &'d [u8],
}

impl<'d> Input<'d> {
    pub(super) fn read(data: &'d [u8]) -> Self {
        let [choices, sizes, rest @ ..] = data else { return Self { choices: 0, sizes: &[], body: &[] } };
        let (sizes, body) = rest.split_at(usize::from(*sizes).min(rest.len()));
        Self { choices: *choices, sizes, body }
    }

    /// Whether the variant with this number is chosen, of eight that do not exclude each other.
    pub(super) fn is_chosen(&self, number: u32) -> bool {
        self.choices & (1 << number) != 0
    }

    /// The body in chunks of the sizes, empty ones included, and the rest in one.
    pub(super) fn chunks(&self) -> VecDeque<Bytes> {
        let mut rest = Bytes::copy_from_slice(self.body);
        let mut chunks: VecDeque<Bytes> =
            self.sizes.iter().map(|size| rest.split_to(usize::from(*size).min(rest.len()))).collect();
        chunks.push_back(rest);
        chunks
    }
}

/// A body of chunks and perhaps trailers.
pub(super) struct Chunks {
    chunks: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Chunks {
    pub(super) fn new(chunks: VecDeque<Bytes>, trailers: Option<HeaderMap>) -> Self {
        Self { chunks, trailers }
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.pop_front().map(Frame::data);
        Poll::Ready(chunk.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }
}

/// All of a body.
pub(super) struct Collected<E> {
    pub(super) chunks: Vec<Bytes>,
    pub(super) fault: Option<E>,
}

impl<E> Collected<E> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

/// Reads a body that never has to wait, up to its end or its fault.
pub(super) fn collect<B: Body<Data = Bytes>>(body: B) -> Collected<B::Error> {
    let mut body = pin!(body);
    let mut cx = Context::from_waker(Waker::noop());
    let mut collected = Collected { chunks: Vec::new(), fault: None };
    loop {
        let next = body.as_mut().poll_frame(&mut cx);
        assert!(next.is_ready(), "nothing has to be waited for");
        match next {
            Poll::Ready(Some(Ok(frame))) => {
                let chunk = frame.into_data();
                assert!(chunk.is_ok(), "neither a request nor a gRPC-Web answer has trailers of HTTP");
                collected.chunks.extend(chunk);
            }
            Poll::Ready(Some(Err(fault))) => {
                collected.fault = Some(fault);
                return collected;
            }
            _ => return collected,
        }
    }
}
