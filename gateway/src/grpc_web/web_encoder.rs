//! Turns messages and trailers into chunks of a gRPC-Web body.
//!
//! A message goes out once it is complete. In gRPC-Web the status is part of the body, so after half a message there would be no place left
//! for it: the client would read the trailer frame as the other half.

use std::collections::VecDeque;

use bytes::Bytes;
use http_body::Frame;

use super::{base64_text, trailer_frame};
use crate::dialect::WebEncoding;
use crate::frame::{FrameRules, FrameScanner};

/// The chunks of one answer on their way out.
#[derive(Debug)]
pub(crate) struct WebEncoder {
    encoding: WebEncoding,
    scanner: FrameScanner,
    /// Whole messages, or the trailer frame.
    outgoing: VecDeque<Bytes>,
    /// The beginning of a message.
    incomplete: VecDeque<Bytes>,
}

impl WebEncoder {
    pub(crate) fn new(encoding: WebEncoding) -> Self {
        // What is wrong with an answer was found further in; here only the ends of messages matter.
        let rules = FrameRules { longest_message: u32::MAX, longest_trailer: None };
        Self { encoding, scanner: FrameScanner::new(rules), outgoing: VecDeque::new(), incomplete: VecDeque::new() }
    }

    /// Takes what the answer has next.
    pub(crate) fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(chunk) => self.take_chunk(chunk),
            Err(frame) => {
                let Some(trailers) = frame.trailers_ref() else { return };
                self.incomplete.clear();
                self.outgoing.push_back(trailer_frame::encode(trailers));
            }
        }
    }

    /// The next chunk for the client, if there is one yet.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let chunk = self.outgoing.pop_front()?;
        Some(match self.encoding {
            WebEncoding::Binary => chunk,
            WebEncoding::Text => base64_text::encode(&chunk),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.outgoing.is_empty() && self.incomplete.is_empty()
    }

    fn take_chunk(&mut self, mut chunk: Bytes) {
        let last_end = self.scanner.scan(&chunk).map_or(chunk.len(), |scanned| scanned.last_end);
        let rest = chunk.split_off(last_end);
        if !chunk.is_empty() {
            self.outgoing.append(&mut self.incomplete);
            self.outgoing.push_back(chunk);
        }
        if !rest.is_empty() {
            self.incomplete.push_back(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn taken(encoder: &mut WebEncoder, chunk: &'static [u8]) -> Vec<Bytes> {
        encoder.take(Frame::data(Bytes::from_static(chunk)));
        std::iter::from_fn(|| encoder.next()).collect()
    }

    #[test]
    fn a_message_goes_out_when_it_is_complete() {
        let mut encoder = WebEncoder::new(WebEncoding::Binary);
        assert!(taken(&mut encoder, b"\0\0\0").is_empty());
        assert!(taken(&mut encoder, b"\0\x04ab").is_empty());
        assert_eq!(taken(&mut encoder, b"cd\0\0\0\0\0\0\0"), [&b"\0\0\0"[..], b"\0\x04ab", b"cd\0\0\0\0\0"]);
        assert!(!encoder.is_empty());
        assert_eq!(taken(&mut encoder, b"\0\0\x01e"), [&b"\0\0"[..], b"\0\0\x01e"]);
        assert!(encoder.is_empty());
    }

    #[test]
    fn the_status_takes_the_place_of_a_message_that_never_became_complete() {
        let mut encoder = WebEncoder::new(WebEncoding::Text);
        assert_eq!(taken(&mut encoder, b"\0\0\0\0\x01a\0\0\0\0\x09b"), [&b"AAAAAAFh"[..]]);
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("13"));
        encoder.take(Frame::trailers(trailers));
        assert_eq!(encoder.next().unwrap(), &b"gAAAABBncnBjLXN0YXR1czoxMw0K"[..]);
        assert!(encoder.is_empty());
    }
}
