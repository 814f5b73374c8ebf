//! The text of `application/grpc-web-text`: groups of four characters of base64. Padding may come wherever the writer flushed, not only
//! at the end, and chunks may be cut anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

const GROUP: usize = 4;

/// What is wrong with base64 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("the body is not base64")]
    NotBase64,
    #[error("the body ends after {0} of the 4 characters of a base64 group")]
    CutGroup(usize),
}

/// Text for bytes. Each call ends with a complete, padded group, so that a client can decode what it has received.
pub(crate) fn encode(bytes: &[u8]) -> Bytes {
    STANDARD.encode(bytes).into()
}

/// Decodes text as it arrives.
#[derive(Debug, Default)]
pub(crate) struct TextDecoder {
    cut_group: [u8; GROUP],
    there: usize,
}

impl TextDecoder {
    /// The bytes of all groups that are complete by now.
    pub(crate) fn decode(&mut self, text: &[u8]) -> Result<Bytes, TextError> {
        let mut bytes = Vec::with_capacity((self.there + text.len()).div_ceil(GROUP) * 3);
        let mut text = text;
        if self.there > 0 {
            let (missing, rest) = text.split_at(text.len().min(GROUP - self.there));
            self.keep(missing);
            text = rest;
            if self.there < GROUP {
                return Ok(Bytes::new());
            }
            decode_groups(&self.cut_group, &mut bytes)?;
            self.there = 0;
        }
        let (groups, cut_group) = text.split_at(text.len() - text.len() % GROUP);
        decode_groups(groups, &mut bytes)?;
        self.keep(cut_group);
        Ok(bytes.into())
    }

    /// Says that the text is over.
    pub(crate) fn finish(&self) -> Result<(), TextError> {
        if self.there == 0 { Ok(()) } else { Err(TextError::CutGroup(self.there)) }
    }

    fn keep(&mut self, part: &[u8]) {
        self.cut_group[self.there..self.there + part.len()].copy_from_slice(part);
        self.there += part.len();
    }
}

/// Decodes whole groups. Padding ends a run of groups, and the next run begins after it.
fn decode_groups(mut groups: &[u8], bytes: &mut Vec<u8>) -> Result<(), TextError> {
    while !groups.is_empty() {
        let run = match groups.iter().position(|&character| character == b'=') {
            Some(padding) => (padding / GROUP + 1) * GROUP,
            None => groups.len(),
        };
        let (run, rest) = groups.split_at(run);
        STANDARD.decode_vec(run, bytes).map_err(|_| TextError::NotBase64)?;
        groups = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decode<'t>(chunks: impl IntoIterator<Item = &'t [u8]>) -> Result<Vec<u8>, TextError> {
        let mut decoder = TextDecoder::default();
        let mut bytes = Vec::new();
        for chunk in chunks {
            bytes.extend(decoder.decode(chunk)?);
        }
        decoder.finish().map(|()| bytes)
    }

    #[test]
    fn padded_groups_are_decoded_wherever_they_are_cut() {
        let text = [encode(b"a"), encode(b"bc"), encode(b"def"), encode(b""), encode(b"gh")].concat();
        assert_eq!(text, b"YQ==YmM=ZGVmZ2g=");
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let chunks = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(decode(chunks).as_deref(), Ok(&b"abcdefgh"[..]), "{first}, {second}");
            }
        }
    }

    #[test]
    fn text_that_is_wrong() {
        for (text, fault) in [
            ("Y", TextError::CutGroup(1)),
            ("YWJjYW", TextError::CutGroup(2)),
            ("YQ==YQ=", TextError::CutGroup(3)),
            ("Y===", TextError::NotBase64),
            ("=YQ=", TextError::NotBase64),
            ("YQ=Y", TextError::NotBase64),
            ("Y!==", TextError::NotBase64),
            ("YQ\r\n", TextError::NotBase64),
            ("YWJ-", TextError::NotBase64),
        ] {
            assert_eq!(decode([text.as_bytes()]), Err(fault), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(parts in vec(vec(any::<u8>(), 0..20), 0..8), size in 1usize..9) {
            let text: Vec<u8> = parts.iter().flat_map(|part| encode(part)).collect();
            prop_assert_eq!(decode(text.chunks(size)), Ok(parts.concat()));
        }

        #[test]
        fn no_text_makes_it_panic(chunks in vec(vec(any::<u8>(), 0..20), 0..8)) {
            let _ = decode(chunks.iter().map(Vec::as_slice));
        }
    }
}
