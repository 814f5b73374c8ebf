//! gzip, for messages that are read or written here.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::frame::COMPRESSED;

/// The name of the encoding in headers.
pub(crate) const GZIP: &str = "gzip";

/// Why compressed bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GzipError {
    #[error("the message is not what gzip makes")]
    Malformed,
    #[error("the message is longer than the {limit} bytes that are allowed once it is decompressed")]
    TooLong { limit: u32 },
}

pub(crate) fn compress(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// Decompresses up to `limit` bytes, so that a few bytes cannot fill the memory.
pub(crate) fn decompress(bytes: &[u8], limit: u32) -> Result<Bytes, GzipError> {
    let mut decompressed = Vec::new();
    let mut bounded = MultiGzDecoder::new(bytes).take(u64::from(limit) + 1);
    bounded.read_to_end(&mut decompressed).map_err(|_| GzipError::Malformed)?;
    let too_long = u32::try_from(decompressed.len()).map_or(true, |length| length > limit);
    if too_long { Err(GzipError::TooLong { limit }) } else { Ok(decompressed.into()) }
}

/// The bytes that there may be to read in the frame of one message. Of a compressed one nobody knows before it is decompressed, up to `limit`.
pub(crate) fn most_to_read(frame: &[u8], limit: u32) -> usize {
    let is_compressed = frame.first() == Some(&COMPRESSED);
    if is_compressed { usize::try_from(limit).unwrap_or(usize::MAX).max(frame.len()) } else { frame.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let text = "tea for two ".repeat(1000);
        let compressed = compress(text.as_bytes()).unwrap();
        assert!(compressed.len() < text.len() / 10);
        assert_eq!(decompress(&compressed, 12_000).unwrap(), text);
    }

    #[test]
    fn a_bomb_and_garbage_are_refused() {
        let bomb = compress(&vec![0; 1_000_000]).unwrap();
        assert_eq!(decompress(&bomb, 999_999), Err(GzipError::TooLong { limit: 999_999 }));
        assert_eq!(decompress(b"no gzip", 100), Err(GzipError::Malformed));
        assert_eq!(decompress(&bomb[..bomb.len() - 9], 1_000_000), Err(GzipError::Malformed));
    }
}
