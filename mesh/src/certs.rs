//! Certificates for trying a mesh of several processes: an authority, and a certificate for each workload.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use crate::database::CONTEXTS;
use crate::identity::GATEWAY;

/// The file with the certificate of the authority.
pub const AUTHORITY: &str = "ca.pem";

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A file is there already.
    #[error("{0} is there already and is not overwritten; choose another directory with --out, or remove it")]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A name cannot be part of a certificate, or a certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Makes an authority in `folder`, and a certificate and a key for each service and for the gateway. Each names its workload,
/// `localhost` with its addresses, and `hosts` besides. The key of the authority is thrown away: a set is whole, and another one
/// is another set.
///
/// # Errors
/// When a file is there already or cannot be written, or a host is no name.
pub fn make_certificates(folder: &Path, trust_domain: &str, hosts: &[String]) -> Result<Vec<PathBuf>, CertsError> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, format!("development authority of {trust_domain}"));
    let authority_key = KeyPair::generate()?;
    let certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut files = vec![(folder.join(AUTHORITY), certificate.pem(), 0o644)];
    for workload in CONTEXTS.iter().map(|(context, _)| *context).chain([GATEWAY]) {
        let key = KeyPair::generate()?;
        let certificate = params_of(workload, trust_domain, hosts)?.signed_by(&key, &issuer)?;
        files.push((folder.join(format!("{workload}.pem")), certificate.pem(), 0o644));
        files.push((folder.join(format!("{workload}.key")), key.serialize_pem(), 0o600));
    }

    // Looked at first, so that nothing is left half made.
    if let Some((path, ..)) = files.iter().find(|(path, ..)| path.exists()) {
        return Err(CertsError::Exists(path.clone()));
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| CertsError::File(path, error)
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(failed(folder))?;
    for (path, text, mode) in &files {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(*mode).open(path).map_err(failed(path))?;
        file.write_all(text.as_bytes()).map_err(failed(path))?;
    }
    Ok(files.into_iter().map(|(path, ..)| path).collect())
}

fn params_of(workload: &str, trust_domain: &str, hosts: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let names: Vec<String> = [workload.to_owned()].into_iter().chain(local).chain(hosts.iter().cloned()).collect();
    // Addresses among them are told from names.
    let mut params = CertificateParams::new(names)?;
    params.subject_alt_names.push(SanType::URI(format!("spiffe://{trust_domain}/{workload}").try_into()?));
    params.distinguished_name.push(DnType::CommonName, workload);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_set_is_whole_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("certs");
        let files = make_certificates(&out, "bojagi", &["shop.internal".to_owned()]).unwrap();
        assert_eq!(files.len(), 1 + 2 * 7);
        for file in &files {
            let private = file.extension().is_some_and(|extension| extension == "key");
            assert_eq!(file.metadata().unwrap().mode() & 0o077 == 0, private, "{}", file.display());
        }

        let before = std::fs::read(out.join("order.key")).unwrap();
        std::fs::remove_file(out.join(AUTHORITY)).unwrap();
        let again = make_certificates(&out, "bojagi", &[]);
        assert!(matches!(again, Err(CertsError::Exists(_))), "{again:?}");
        assert_eq!(std::fs::read(out.join("order.key")).unwrap(), before);
        assert!(!out.join(AUTHORITY).exists(), "nothing was begun");
    }

    #[test]
    fn a_host_that_is_no_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = make_certificates(folder.path(), "bojagi", &["schön".to_owned()]);
        assert!(matches!(refused, Err(CertsError::Certificate(_))), "{refused:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
