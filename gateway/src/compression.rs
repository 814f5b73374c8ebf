//! gzip, for messages that are read or written here.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::frame::{COMPRESSED, PREFIX_BYTES};
use crate::long_work::{SHORT, work_on};

/// The name of the encoding in headers.
pub(crate) const GZIP: &str = "gzip";

/// Of a message that is compressed to more bytes than this, nobody looks at once what it comes to: empty pieces of gzip, one behind the other,
/// cost much more time a byte than a message does, and come to nothing.
const SHORT_COMPRESSED: usize = SHORT / 8;

/// Why compressed bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GzipError {
    #[error("the message is not what gzip makes")]
    Malformed,
    #[error("the message is longer than the {limit} bytes that are allowed once it is decompressed")]
    TooLong { limit: usize },
}

pub(crate) fn compress(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// Does `work` on the message in a frame, which is decompressed first if it is compressed, up to `limit` bytes. `None` if the process is ending.
pub(crate) async fn work_on_message<T: Send + 'static>(
    frame: &Bytes,
    limit: u32,
    work: impl FnOnce(Result<Bytes, GzipError>) -> T + Send + 'static,
) -> Option<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let message = frame.slice(PREFIX_BYTES.min(frame.len())..);
    if !is_compressed(frame) {
        return work_on(message.len(), move || work(Ok(message))).await;
    }
    // What it comes to is known only when it is decompressed.
    if message.len() <= SHORT_COMPRESSED {
        match decompress(&message, limit.min(SHORT)) {
            Err(GzipError::TooLong { .. }) if limit > SHORT => {}
            decompressed => return Some(work(decompressed)),
        }
    }
    work_on(usize::MAX, move || work(decompress(&message, limit))).await
}

pub(crate) fn is_compressed(frame: &[u8]) -> bool {
    frame.first() == Some(&COMPRESSED)
}

/// Decompresses up to `limit` bytes, so that a few bytes cannot fill the memory.
fn decompress(bytes: &[u8], limit: usize) -> Result<Bytes, GzipError> {
    let mut decompressed = Vec::new();
    let mut bounded = MultiGzDecoder::new(bytes).take((limit as u64).saturating_add(1));
    bounded.read_to_end(&mut decompressed).map_err(|_| GzipError::Malformed)?;
    if decompressed.len() > limit { Err(GzipError::TooLong { limit }) } else { Ok(decompressed.into()) }
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
