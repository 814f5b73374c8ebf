//! The fuzz targets on a bounded number of inputs that are mostly right, which chance alone would not hit upon.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[flags][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
}

/// Messages and perhaps a trailer frame.
fn right_body() -> impl Strategy<Value = Vec<u8>> {
    let message = (0u8..2, vec(any::<u8>(), 0..70)).prop_map(|(flags, payload)| frame(flags, &payload));
    let trailer = (0x80u8..0x82, vec(any::<u8>(), 0..35)).prop_map(|(flags, lines)| frame(flags, &lines));
    (vec(message, 0..5), proptest::option::of(trailer))
        .prop_map(|(messages, trailer)| [messages.concat(), trailer.unwrap_or_default()].concat())
}

/// A right body, one of which a byte was changed or the end is missing, or none at all.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let changed = (right_body(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut body, at, byte)| {
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body
    });
    let cut = (right_body(), any::<prop::sample::Index>()).prop_map(|(mut body, at)| {
        body.truncate(at.index(body.len() + 1));
        body
    });
    prop_oneof![3 => right_body(), 2 => changed, 2 => cut, 1 => vec(any::<u8>(), 0..100)]
}

/// A body as text, in groups that are padded wherever the writer flushed, or with a character that was changed.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let right = (body(), vec(1usize..40, 1..8)).prop_map(|(body, flushes)| {
        let mut rest = body.as_slice();
        let mut text = Vec::new();
        for flush in flushes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (part, tail) = rest.split_at((*flush).min(rest.len()));
            text.extend(STANDARD.encode(part).into_bytes());
            rest = tail;
        }
        text
    });
    let changed = (right, any::<prop::sample::Index>(), proptest::option::weighted(0.3, any::<u8>()));
    changed.prop_map(|(mut text, at, byte)| {
        if let (Some(byte), false) = (byte, text.is_empty()) {
            let at = at.index(text.len());
            text[at] = byte;
        }
        text
    })
}

fn input(choices: u8, sizes: &[u8], body: &[u8]) -> Vec<u8> {
    [&[choices, sizes.len() as u8][..], sizes, body].concat()
}

fn sizes() -> impl Strategy<Value = Vec<u8>> {
    vec(0u8..12, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_frame_checker(choices in 0u8..4, sizes in sizes(), body in body()) {
        frames(&input(choices, &sizes, &body));
    }

    #[test]
    fn requests_in_binary(sizes in sizes(), body in body()) {
        requests(&input(0, &sizes, &body));
    }

    #[test]
    fn requests_in_text(sizes in sizes(), text in text()) {
        requests(&input(1, &sizes, &text));
    }

    #[test]
    fn answers_in_both_encodings(choices in 0u8..4, sizes in sizes(), body in body()) {
        answers(&input(choices, &sizes, &body));
    }

    #[test]
    fn any_bytes(data in vec(any::<u8>(), 0..200)) {
        frames(&data);
        requests(&data);
        answers(&data);
    }
}
