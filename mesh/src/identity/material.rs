//! What is read from certificate files.

use std::path::Path;
use std::sync::Arc;

use bojagi_chassis::settings::Mistakes;
use bojagi_gateway::{UpstreamTls, UpstreamTlsConfig};
use bojagi_tls::{certificates, private_key, provider};
use rustls::pki_types::CertificateDer;
use rustls::server::{ResolvesServerCertUsingSni, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::{Clients, IdentitySettings};

/// How this process speaks TLS, to whoever calls it and to those it calls.
pub(super) struct Material {
    pub(super) server: Arc<ServerConfig>,
    pub(super) clients: Clients,
}

impl Material {
    pub(super) fn read(settings: &IdentitySettings, workloads: &[&'static str]) -> Result<Self, Mistakes> {
        let mut mistakes = settings.mistakes();
        if !mistakes.is_empty() {
            return Err(told(mistakes));
        }
        let mut clients = Clients::new();
        let mut names = ResolvesServerCertUsingSni::new();
        for workload in workloads {
            match read_workload(settings, workload, &mut names) {
                Ok(client) => drop(clients.insert(*workload, client)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        match server(settings, names) {
            Ok(server) if mistakes.is_empty() => Ok(Self { server: Arc::new(server), clients }),
            Ok(_) => Err(told(mistakes)),
            Err(mistake) => Err(told([mistakes, vec![mistake]].concat())),
        }
    }
}

fn told(mistakes: Vec<String>) -> Mistakes {
    Mistakes(mistakes.into_iter().map(|mistake| format!("serve.identity.{mistake}")).collect())
}

fn read_workload(
    settings: &IdentitySettings,
    workload: &str,
    names: &mut ResolvesServerCertUsingSni,
) -> Result<UpstreamTls, String> {
    let (certificate, key) = (settings.certificate_of(workload), settings.key_of(workload));
    let chain = certificates(&certificate).map_err(|problem| format!("certificate: {problem}"))?;
    let of_file = |error: &dyn std::fmt::Display| format!("certificate: {}: {error}", certificate.display());
    let uri = settings.uri_of(workload);
    if !chain.first().is_some_and(|leaf| uris_of(leaf).contains(&uri)) {
        return Err(of_file(&format_args!("is not the certificate of {uri}")));
    }
    let private = private_key(&key).map_err(|problem| format!("key: {problem}"))?;
    let pair = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| of_file(&error))?;
    names.add(workload, pair).map_err(|error| of_file(&format_args!("cannot answer as {workload}: {error}")))?;

    let (ca, server_name) = ((&settings.ca).into(), String::new());
    UpstreamTls::read(&UpstreamTlsConfig { ca, server_name, certificate, key }, "certificate")
        .map_err(|mistake| mistake.to_string())
}

/// A server that talks to nobody who does not show a certificate of the mesh.
fn server(settings: &IdentitySettings, names: ResolvesServerCertUsingSni) -> Result<ServerConfig, String> {
    let of_file = |error: &dyn std::fmt::Display| format!("ca: {}: {error}", settings.ca);
    let mut roots = RootCertStore::empty();
    for authority in certificates(Path::new(&settings.ca)).map_err(|problem| format!("ca: {problem}"))? {
        roots.add(authority).map_err(|error| of_file(&error))?;
    }
    let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| of_file(&error))?;
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| of_file(&error))?
        .with_client_cert_verifier(callers)
        .with_cert_resolver(Arc::new(names));
    server.alpn_protocols = vec![b"h2".to_vec()];
    Ok(server)
}

/// The URIs that a certificate names; none when it cannot be read.
pub(super) fn uris_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let parsed = webpki::EndEntityCert::try_from(certificate);
    parsed.map_or_else(|_| Vec::new(), |parsed| parsed.valid_uri_names().map(str::to_owned).collect())
}
