//! What `cargo fuzz` and the property tests call: the frame checker and both directions of the gRPC-Web codec, fed with any bytes in any
//! chunks, and compared with a plain reading of the whole. Only there for tests and under `cfg(fuzzing)`; no part of the library.
//!
//! The first byte of an input chooses the variant, the second says how many bytes after it are sizes of chunks, and the rest is the body.

mod chunks;
mod plain_reading;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use tonic::Status;

use self::chunks::{Chunks, Collected, Input, collect};
use crate::dialect::{Dialect, WebEncoding};
use crate::frame::{FrameError, FrameRules, FrameScanner};
use crate::grpc_web::{RequestBody, RequestFault, ResponseBody};
use crate::messages::CheckedAnswer;

const LONGEST_MESSAGE: u32 = 64;
const LONGEST_TRAILER: u32 = 32;

/// The frame checker: finds the same as a plain reading, wherever the body is cut.
pub fn frames(data: &[u8]) {
    let input = Input::read(data);
    let longest_message = if input.is_chosen(0) { LONGEST_MESSAGE } else { u32::MAX };
    let rules = FrameRules { longest_message, longest_trailer: input.is_chosen(1).then_some(LONGEST_TRAILER) };
    let plain = plain_reading::frames(rules, input.body);

    let mut scanner = FrameScanner::new(rules);
    let mut before = 0;
    let mut of_messages = 0;
    for chunk in input.chunks() {
        let scanned = match scanner.scan(&chunk) {
            Ok(scanned) => scanned,
            Err(fault) => return assert_eq!(Err(fault), plain.result),
        };
        of_messages += scanned.of_messages;
        let end_in_chunk = plain.message_ends.iter().rev().find(|end| **end <= before + chunk.len());
        let last_end = end_in_chunk.map_or(0, |end| end.saturating_sub(before));
        assert_eq!(scanned.last_end, last_end);
        before += chunk.len();
    }
    assert_eq!(scanner.finish(), plain.result);
    if plain.result.is_ok() {
        assert_eq!(of_messages, plain.message_ends.last().copied().unwrap_or(0));
    }
}

/// A gRPC-Web request, binary or text: native gRPC comes out of a valid one, and a fault out of every other.
pub fn requests(data: &[u8]) {
    let input = Input::read(data);
    let encoding = if input.is_chosen(0) { WebEncoding::Text } else { WebEncoding::Binary };
    let text = match encoding {
        WebEncoding::Text => plain_reading::base64(input.body),
        WebEncoding::Binary => plain_reading::Text { bytes: input.body.to_vec(), fault: None },
    };
    let rules = FrameRules { longest_message: u32::MAX, longest_trailer: Some(LONGEST_TRAILER) };
    let plain = plain_reading::frames(rules, &text.bytes);

    let body = Chunks::new(input.chunks(), None);
    let read = collect(RequestBody::new(body, Dialect::Web(encoding), LONGEST_TRAILER));
    assert!(text.bytes.starts_with(&read.bytes()), "what was read was written");
    match (text.fault, plain.result) {
        (None, Ok(())) => {
            assert_eq!(read.fault, None);
            assert_eq!(read.bytes().len(), plain.message_ends.last().copied().unwrap_or(0));
        }
        (None, Err(fault)) => assert_eq!(read.fault, Some(RequestFault::Frame(fault))),
        // Which of two faults is met first depends on where the text is cut.
        (Some(_), _) => assert!(read.fault.is_some()),
    }
}

/// An answer on its way to a gRPC-Web client, binary or text: whole messages and the status come out of a valid one, and whole messages and a
/// fault out of every other.
pub fn answers(data: &[u8]) {
    let input = Input::read(data);
    let encoding = if input.is_chosen(0) { WebEncoding::Text } else { WebEncoding::Binary };
    let has_trailers = input.is_chosen(1);
    let rules = FrameRules { longest_message: LONGEST_MESSAGE, longest_trailer: None };
    let plain = plain_reading::frames(rules, input.body);

    let trailers = HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]);
    let body = tonic::body::Body::new(Chunks::new(input.chunks(), has_trailers.then_some(trailers)));
    let sent = collect(ResponseBody::web(CheckedAnswer::new(body, rules, Arc::default()), encoding));
    let bytes = decode_each(&sent, encoding);

    let valid = has_trailers && plain.result.is_ok();
    assert_eq!(sent.fault.is_none(), valid, "no silent OK, and no fault where there is none");
    let messages = if valid { &bytes[..input.body.len()] } else { &bytes[..] };
    assert!(input.body.starts_with(messages), "what is sent was there");
    assert!(messages.is_empty() || plain.message_ends.contains(&messages.len()), "only whole messages are sent");
    if valid {
        assert_eq!(&bytes[messages.len()..], b"\x80\0\0\0\x0fgrpc-status:0\r\n");
    }
}

/// The bytes of all chunks; each chunk of text can be decoded by itself.
fn decode_each<E>(sent: &Collected<E>, encoding: WebEncoding) -> Vec<u8> {
    if encoding == WebEncoding::Binary {
        return sent.bytes();
    }
    let decoded = sent.chunks.iter().flat_map(|chunk| {
        let text = plain_reading::base64(chunk);
        assert_eq!(text.fault, None);
        text.bytes
    });
    decoded.collect()
}

/// What a plain reading found; see [`plain_reading`].
struct PlainFrames {
    /// Where messages end, counted from the beginning, up to the fault if there is one.
    message_ends: Vec<usize>,
    result: Result<(), FrameError>,
}
