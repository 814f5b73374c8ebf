//! The frame that takes the place of HTTP trailers at the end of a gRPC-Web body.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::frame::{PREFIX_BYTES, TRAILER};

/// One line a trailer, names in lower case, those that come more than once kept, and binary values without padding.
pub(crate) fn encode(trailers: &HeaderMap) -> Bytes {
    let lines = || trailers.iter().map(|(name, value)| (name.as_str(), written_value(name, value)));
    let length: usize = lines().map(|(name, value)| name.len() + value.len() + ":\r\n".len()).sum();

    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + length);
    frame.put_u8(TRAILER);
    // Trailers come from a header list, which is far shorter than what four bytes can say.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    for (name, value) in lines() {
        frame.put_slice(name.as_bytes());
        frame.put_u8(b':');
        frame.put_slice(&value);
        frame.put_slice(b"\r\n");
    }
    frame.freeze()
}

fn written_value<'v>(name: &HeaderName, value: &'v HeaderValue) -> Cow<'v, [u8]> {
    let value = value.as_bytes();
    // Several binary values may be joined by commas, each with padding of its own.
    if name.as_str().ends_with("-bin") && value.contains(&b'=') {
        return value.iter().copied().filter(|byte| *byte != b'=').collect();
    }
    Cow::Borrowed(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_lower_case_with_duplicates_and_unpadded_binary() {
        let mut trailers = HeaderMap::new();
        for (name, value) in
            [("Grpc-Status", "0"), ("x-seen", "a"), ("x-seen", "b"), ("x-key-bin", "YQ==,YmI="), ("x-sum", "1=1")]
        {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            trailers.append(name, HeaderValue::from_static(value));
        }
        let lines = b"grpc-status:0\r\nx-seen:a\r\nx-seen:b\r\nx-key-bin:YQ,YmI\r\nx-sum:1=1\r\n";
        let mut expected = vec![0x80, 0, 0, 0, lines.len() as u8];
        expected.extend(lines);
        assert_eq!(encode(&trailers), expected);
    }

    #[test]
    fn no_trailers_make_an_empty_frame() {
        assert_eq!(encode(&HeaderMap::new()), &[0x80, 0, 0, 0, 0][..]);
    }
}
