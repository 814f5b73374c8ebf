//! Certificates and keys in files.

use std::path::Path;

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain, and its private key.
pub(super) struct PemPair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl PemPair {
    /// Reads both; the problem is a sentence with the name of the file.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| told(key, &error, "private key"))?;
        Ok(Self { chain, key })
    }
}

/// All certificates of a file; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let refused = |error| told(path, &error, "certificate");
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(refused)?.collect::<Result<_, _>>().map_err(refused)?;
    if certificates.is_empty() { Err(refused(Error::NoItemsFound)) } else { Ok(certificates) }
}

fn told(path: &Path, error: &Error, what: &str) -> String {
    let path = path.display();
    match error {
        Error::Io(error) => format!("{path}: {error}"),
        Error::NoItemsFound => format!("{path}: there is no {what} in it"),
        other => format!("{path}: no valid PEM: {other:?}"),
    }
}
