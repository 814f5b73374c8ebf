//! What a client trusts, and who it is.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::{PemPair, certificates, provider};

/// The files of a client; an empty path names none.
#[derive(Debug, Clone, Copy)]
pub struct ClientFiles<'a> {
    /// Certificates of the authorities that the certificate of a server may come from; without it, those that the system trusts.
    pub ca: &'a Path,
    /// A certificate to show to servers that ask for one, with its chain.
    pub certificate: &'a Path,
    /// The private key of that certificate.
    pub key: &'a Path,
}

/// A client as its files make it. Two are equal if the same was read for them.
pub struct Client {
    config: ClientConfig,
    authorities: Vec<CertificateDer<'static>>,
    pair: Option<PemPair>,
}

impl Client {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, holds nothing of use, or certificate and key do not belong together: a sentence with the name of
    /// the file.
    pub fn read(files: ClientFiles<'_>) -> Result<Self, String> {
        let authorities = if is_given(files.ca) { certificates(files.ca)? } else { of_the_system() };
        let mut roots = RootCertStore::empty();
        let (added, unfit) = roots.add_parsable_certificates(authorities.iter().cloned());
        if is_given(files.ca) && unfit > 0 {
            return Err(format!("{}: {unfit} of its certificates cannot be used", files.ca.display()));
        }
        if added == 0 {
            return Err("the system trusts no authority; name a file of them".to_owned());
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        if !is_given(files.certificate) {
            return Ok(Self { config: builder.with_no_client_auth(), authorities, pair: None });
        }
        let pair = PemPair::read(files.certificate, files.key)?;
        let config = builder
            .with_client_auth_cert(pair.chain.clone(), pair.key.clone_key())
            .map_err(|error| format!("{}: {error}", files.certificate.display()))?;
        Ok(Self { config, authorities, pair: Some(pair) })
    }

    /// How it speaks TLS to servers of these protocols (ALPN); to those that have no name, with none.
    #[must_use]
    pub fn speaking(&self, protocols: &[&[u8]]) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        self.authorities == other.authorities && self.pair == other.pair
    }
}

impl Eq for Client {}

fn is_given(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

/// What the system trusts. What of it cannot be read is left out: a server whose authority is missing is refused and says so.
fn of_the_system() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the authorities that the system trusts cannot be read");
    }
    found.certs
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (file("good.pem", &cert.pem()), file("good.key", &signing_key.serialize_pem()));
        let other = file("other.key", &KeyPair::generate().unwrap().serialize_pem());
        let (none, away) = (file("none.pem", "nothing"), folder.path().join("away.pem"));
        let no_der = file("no-der.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

        let empty = Path::new("");
        let read = |ca, certificate, key| Client::read(ClientFiles { ca, certificate, key });
        assert!(read(&certificate, &certificate, &key).unwrap() == read(&certificate, &certificate, &key).unwrap());
        assert!(read(&certificate, empty, empty).unwrap() != read(&certificate, &certificate, &key).unwrap());
        for (ca, certificate, key, expected) in [
            (&*none, empty, empty, "none.pem: there is no certificate in it"),
            (&away, empty, empty, "away.pem: "),
            (&no_der, empty, empty, "no-der.pem: 1 of its certificates cannot be used"),
            (&certificate, &none, &key, "none.pem: there is no certificate in it"),
            (&certificate, &certificate, &none, "none.pem: there is no private key in it"),
            (&certificate, &certificate, &other, "good.pem: "),
        ] {
            let problem = read(ca, certificate, key).err().unwrap_or_default();
            assert!(problem.contains(expected), "{problem:?} should hold {expected:?}");
        }
    }
}
