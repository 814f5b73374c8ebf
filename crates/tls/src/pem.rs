//! Certificates and keys in files. What is wrong with one is a sentence with its name.

use std::path::Path;

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain, and its private key.
#[derive(PartialEq, Eq)]
pub struct PemPair {
    /// The certificate, and then those that lead to its authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl PemPair {
    /// Reads both.
    ///
    /// # Errors
    /// When one of them cannot be read, or holds nothing of use.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        Ok(Self { chain: certificates(certificate)?, key: private_key(key)? })
    }
}

/// All certificates of a file; at least one.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let refused = |error| told(path, &error, "certificate");
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(refused)?.collect::<Result<_, _>>().map_err(refused)?;
    if certificates.is_empty() { Err(refused(Error::NoItemsFound)) } else { Ok(certificates) }
}

/// The first private key of a file.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| told(path, &error, "private key"))
}

fn told(path: &Path, error: &Error, what: &str) -> String {
    let path = path.display();
    match error {
        Error::Io(error) => format!("{path}: {error}"),
        Error::NoItemsFound => format!("{path}: there is no {what} in it"),
        other => format!("{path}: no valid PEM: {other:?}"),
    }
}
