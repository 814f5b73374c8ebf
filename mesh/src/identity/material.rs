//! What is read from certificate files.

use std::path::Path;
use std::sync::Arc;

use bojagi_chassis::settings::Mistakes;
use bojagi_gateway::{UpstreamTls, UpstreamTlsConfig};
use bojagi_tls::{certificates, private_key, provider};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, ResolvesServerCertUsingSni, WebPkiClientVerifier};
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
        let mut shown = Shown { names: ResolvesServerCertUsingSni::new(), alone: None };
        for workload in workloads {
            match read_workload(settings, workload) {
                Ok((client, pair)) => {
                    shown.alone = (workloads.len() == 1).then(|| Arc::new(pair.clone()));
                    let added = shown.names.add(workload, pair);
                    let file = settings.certificate_of(workload);
                    let mistake =
                        |error| format!("certificate: {}: cannot answer as {workload}: {error}", file.display());
                    mistakes.extend(added.map_err(mistake).err());
                    clients.insert(*workload, client);
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        match server(settings, shown) {
            Ok(server) if mistakes.is_empty() => Ok(Self { server: Arc::new(server), clients }),
            Ok(_) => Err(told(mistakes)),
            Err(mistake) => Err(told([mistakes, vec![mistake]].concat())),
        }
    }
}

fn told(mistakes: Vec<String>) -> Mistakes {
    Mistakes(mistakes.into_iter().map(|mistake| format!("serve.identity.{mistake}")).collect())
}

/// Shows a client the certificate of the workload that it asks for. A process of one workload has no other to show: clients that
/// are not of the mesh ask for a host, or for none when they know only its address.
#[derive(Debug)]
struct Shown {
    names: ResolvesServerCertUsingSni,
    alone: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.alone.clone().or_else(|| self.names.resolve(hello))
    }
}

/// How a workload speaks TLS as a client, and what it shows as a server.
fn read_workload(settings: &IdentitySettings, workload: &str) -> Result<(UpstreamTls, CertifiedKey), String> {
    let (certificate, key) = (settings.certificate_of(workload), settings.key_of(workload));
    let chain = certificates(&certificate).map_err(|problem| format!("certificate: {problem}"))?;
    let of_file = |error: &dyn std::fmt::Display| format!("certificate: {}: {error}", certificate.display());
    let uri = settings.uri_of(workload);
    if !chain.first().is_some_and(|leaf| uris_of(leaf).contains(&uri)) {
        return Err(of_file(&format_args!("is not the certificate of {uri}")));
    }
    let private = private_key(&key).map_err(|problem| format!("key: {problem}"))?;
    let pair = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| of_file(&error))?;

    let (ca, server_name) = ((&settings.ca).into(), String::new());
    let client = UpstreamTls::read(&UpstreamTlsConfig { ca, server_name, certificate, key }, "certificate");
    Ok((client.map_err(|mistake| mistake.to_string())?, pair))
}

/// A server that talks to nobody who does not show a certificate of the mesh.
fn server(settings: &IdentitySettings, shown: Shown) -> Result<ServerConfig, String> {
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
        .with_cert_resolver(Arc::new(shown));
    server.alpn_protocols = vec![b"h2".to_vec()];
    Ok(server)
}

/// The URIs that a certificate names; none when it cannot be read.
pub(super) fn uris_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let parsed = webpki::EndEntityCert::try_from(certificate);
    parsed.map_or_else(|_| Vec::new(), |parsed| parsed.valid_uri_names().map(str::to_owned).collect())
}
