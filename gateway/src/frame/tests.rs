use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NATIVE: FrameRules = FrameRules { longest_message: 10, longest_trailer: None };
const WEB: FrameRules = FrameRules { longest_message: 10, longest_trailer: Some(20) };

fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![flags];
    frame.extend((payload.len() as u32).to_be_bytes());
    frame.extend(payload);
    frame
}

/// Scans the chunks; how many bytes belong to messages, or what is wrong.
fn scan<'c>(rules: FrameRules, chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<usize, FrameError> {
    let mut scanner = FrameScanner::new(rules);
    let mut of_messages = 0;
    for chunk in chunks {
        of_messages += scanner.scan(chunk)?.of_messages;
    }
    scanner.finish().map(|()| of_messages)
}

#[test]
fn bodies_that_are_right() {
    let cases: [(&str, FrameRules, Vec<u8>, usize); 6] = [
        ("nothing", NATIVE, vec![], 0),
        ("an empty message", NATIVE, frame(0, b""), 5),
        ("a compressed message and another", NATIVE, [frame(1, b"abc"), frame(0, b"d")].concat(), 14),
        ("a message as long as allowed", NATIVE, frame(0, b"0123456789"), 15),
        ("a trailer frame", WEB, [frame(0, b"abc"), frame(0x80, b"a: b\r\n")].concat(), 8),
        ("an empty trailer frame alone", WEB, frame(0x81, b""), 0),
    ];
    for (what, rules, body, of_messages) in cases {
        assert_eq!(scan(rules, [body.as_slice()]), Ok(of_messages), "{what}");
    }
}

#[test]
fn bodies_that_are_wrong_have_the_same_fault_wherever_they_are_cut() {
    let cases: [(&str, FrameRules, Vec<u8>, FrameError); 8] = [
        ("flags", NATIVE, frame(2, b"abc"), FrameError::UnknownFlags(2)),
        ("a trailer frame in native gRPC", NATIVE, frame(0x80, b"abc"), FrameError::UnknownFlags(0x80)),
        ("flags beside the trailer flag", WEB, frame(0x82, b"abc"), FrameError::UnknownFlags(0x82)),
        ("a long message", NATIVE, frame(0, &[0; 11]), FrameError::TooLong { length: 11, limit: 10 }),
        ("a long trailer", WEB, frame(0x80, &[0; 21]), FrameError::TooLong { length: 21, limit: 20 }),
        ("a cut prefix", NATIVE, vec![0, 0, 0], FrameError::CutPrefix { there: 3 }),
        ("a cut message", NATIVE, frame(0, b"abc")[..7].to_vec(), FrameError::CutMessage { there: 2, length: 3 }),
        ("a message after the end", WEB, [frame(0x80, b""), frame(0, b"")].concat(), FrameError::AfterTrailer),
    ];
    for (what, rules, body, fault) in cases {
        for cut in 0..=body.len() {
            let (head, tail) = body.split_at(cut);
            assert_eq!(scan(rules, [head, tail]), Err(fault), "{what}, cut at {cut}");
        }
    }
}

#[test]
fn the_end_of_the_last_message_in_a_chunk_is_found() {
    let body = [frame(0, b"abc"), frame(0, b""), frame(0, b"defg")].concat();
    let ends = [8, 13, 22];
    for cut in 0..=body.len() {
        let (head, tail) = body.split_at(cut);
        let mut scanner = FrameScanner::new(NATIVE);
        let in_head = ends.into_iter().rev().find(|end| *end <= cut).unwrap_or(0);
        assert_eq!(scanner.scan(head).unwrap().last_end, in_head, "head, cut at {cut}");
        assert_eq!(scanner.scan(tail).unwrap().last_end, tail.len(), "tail, cut at {cut}");
    }
}

#[test]
fn the_longest_length_that_can_be_written_is_refused_from_its_prefix() {
    let prefix = [0, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(scan(NATIVE, [&prefix[..]]), Err(FrameError::TooLong { length: u32::MAX, limit: 10 }));
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        messages in vec((0u8..2, vec(any::<u8>(), 0..10)), 0..6),
        trailer in proptest::option::of(vec(any::<u8>(), 0..20)),
        sizes in vec(1usize..7, 1..40),
    ) {
        let mut body: Vec<u8> = messages.iter().flat_map(|(flags, payload)| frame(*flags, payload)).collect();
        let of_messages = body.len();
        if let Some(trailer) = trailer {
            body.extend(frame(0x80, &trailer));
        }
        let mut chunks = Vec::new();
        let mut rest = body.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        prop_assert_eq!(scan(WEB, chunks), Ok(of_messages));
    }

    #[test]
    fn no_bytes_make_it_panic(chunks in vec(vec(any::<u8>(), 0..20), 0..10)) {
        let _ = scan(WEB, chunks.iter().map(Vec::as_slice));
    }
}
