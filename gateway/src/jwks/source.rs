//! Where key sets come from.

use std::io::Read;
use std::path::PathBuf;

use bytes::Bytes;
use futures::future::BoxFuture;

/// Why a source has no key set now; a sentence for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// A source of key sets.
pub trait KeySource: Send + Sync + 'static {
    /// Where the source is, by which it is known again in another configuration. Of a URL the log does not show what may be secret.
    fn name(&self) -> &str;

    /// The present key set, as the JSON of RFC 7517. How long it may take is bounded by the caller.
    ///
    /// # Errors
    /// When there is none now.
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, SourceError>>;
}

/// A file.
pub(crate) struct FileSource {
    path: PathBuf,
    name: String,
    max_bytes: usize,
}

impl FileSource {
    pub(crate) fn new(path: PathBuf, max_bytes: usize) -> Self {
        Self { name: path.display().to_string(), path, max_bytes }
    }
}

impl KeySource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, SourceError>> {
        Box::pin(async {
            let (path, max_bytes) = (self.path.clone(), self.max_bytes);
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::new();
                // One byte more than allowed is enough to see that it is too long.
                std::fs::File::open(path)?.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
                Ok::<_, std::io::Error>(bytes)
            });
            let bytes = read.await.map_err(|error| SourceError(error.to_string()))?;
            let bytes = bytes.map_err(|error| SourceError(error.to_string()))?;
            if bytes.len() > self.max_bytes { Err(too_long(self.max_bytes)) } else { Ok(bytes.into()) }
        })
    }
}

pub(crate) fn too_long(max_bytes: usize) -> SourceError {
    SourceError(format!("the key set is longer than the {max_bytes} bytes that are allowed"))
}
