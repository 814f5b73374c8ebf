//! The formats once more, in the plainest way: everything is there at once, and nothing has to be fast.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::PlainFrames;
use crate::frame::{FrameError, FrameRules};

/// Reads all frames of a body.
pub(super) fn frames(rules: FrameRules, body: &[u8]) -> PlainFrames {
    let mut found = PlainFrames { message_ends: Vec::new(), result: Ok(()) };
    let mut at = 0;
    while at < body.len() {
        match frame(rules, &body[at..]) {
            Ok((length, is_trailer)) => {
                at += length;
                if is_trailer {
                    found.result = if at == body.len() { Ok(()) } else { Err(FrameError::AfterTrailer) };
                    return found;
                }
                found.message_ends.push(at);
            }
            Err(fault) => {
                found.result = Err(fault);
                return found;
            }
        }
    }
    found
}

/// How long the frame at the beginning of the bytes is, its prefix included, and whether it holds trailers.
fn frame(rules: FrameRules, bytes: &[u8]) -> Result<(usize, bool), FrameError> {
    let (is_trailer, limit) = match (bytes[0], rules.longest_trailer) {
        (0 | 1, _) => (false, rules.longest_message),
        (0x80 | 0x81, Some(limit)) => (true, limit),
        (flags, _) => return Err(FrameError::UnknownFlags(flags)),
    };
    let [_, a, b, c, d, payload @ ..] = bytes else { return Err(FrameError::CutPrefix { there: bytes.len() }) };
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    match u32::try_from(payload.len()) {
        Ok(there) if there < length => Err(FrameError::CutMessage { there, length }),
        _ => Ok((5 + length as usize, is_trailer)),
    }
}

/// Text, decoded up to its fault if it has one.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) fault: Option<&'static str>,
}

/// Decodes groups of four characters, each of which may be padded.
pub(super) fn base64(text: &[u8]) -> Text {
    let mut bytes = Vec::new();
    for group in text.chunks(4) {
        match (group.len(), STANDARD.decode(group)) {
            (4, Ok(decoded)) => bytes.extend(decoded),
            (4, Err(_)) => return Text { bytes, fault: Some("a group that is none") },
            _ => return Text { bytes, fault: Some("a cut group") },
        }
    }
    Text { bytes, fault: None }
}
