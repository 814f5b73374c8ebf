//! Who this process is to the others: mutual TLS with a certificate for each workload that it runs.
//!
//! A workload is named by the certificate's URI, `spiffe://TRUST_DOMAIN/WORKLOAD` (an X.509-SVID), which is what servers read to
//! know who calls, and by its DNS name, which is what clients check to know who answers: the name of the workload itself, so
//! that a certificate of order cannot answer for item, whatever host it is on. The files are read again when they change; what
//! is wrong in a new one is logged, and the one before stays in force.

mod material;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bojagi_chassis::Peer;
use bojagi_chassis::settings::Mistakes;
use bojagi_gateway::{ByteStream, Connector, Target, UpstreamTls, WatchedFiles};
use futures::future::BoxFuture;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::material::Material;

/// Stands for the name of a workload.
const WORKLOAD: &str = "{workload}";

/// The workload that stands between the shop and its customers.
pub(crate) const GATEWAY: &str = "gateway";

/// Where the certificates are; see `[identity]` in the commented defaults of `serve`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// The certificate with its chain, in PEM.
    pub certificate: String,
    /// Its private key, in PEM.
    pub key: String,
    /// The certificates of the authorities that sign those of the mesh, in PEM.
    pub ca: String,
    /// What the names in the certificates begin with.
    pub trust_domain: String,
    /// Milliseconds between looks at the files.
    pub watch_ms: u64,
}

impl IdentitySettings {
    /// Every mistake that keeps a process from showing who it is.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let files = [("certificate", &self.certificate), ("key", &self.key), ("ca", &self.ca)];
        let missing = files.into_iter().filter(|(_, file)| file.is_empty());
        let told = missing.map(|(name, _)| {
            format!("{name}: is missing; processes show each other who they are, and `bojagi certs` makes what they need to try that")
        });
        told.collect()
    }

    fn certificate_of(&self, workload: &str) -> PathBuf {
        self.certificate.replace(WORKLOAD, workload).into()
    }

    fn key_of(&self, workload: &str) -> PathBuf {
        self.key.replace(WORKLOAD, workload).into()
    }

    /// The name of a workload in its certificate.
    pub(crate) fn uri_of(&self, workload: &str) -> String {
        format!("spiffe://{}/{workload}", self.trust_domain)
    }
}

/// The certificates of the workloads of this process. All clones of the `Arc` it lives in are one.
pub(crate) struct Identity {
    settings: IdentitySettings,
    workloads: Vec<&'static str>,
    material: ArcSwap<Material>,
}

impl Identity {
    /// Reads the files of these workloads.
    ///
    /// # Errors
    /// Every file that cannot be read, does not fit, or names somebody else.
    pub(crate) fn read(settings: IdentitySettings, workloads: Vec<&'static str>) -> Result<Arc<Self>, Mistakes> {
        let material = Material::read(&settings, &workloads)?;
        Ok(Arc::new(Self { settings, workloads, material: ArcSwap::from_pointee(material) }))
    }

    /// What speaks TLS to whoever calls, with the files as they are now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let server: Arc<ServerConfig> = Arc::clone(&self.material.load().server);
        TlsAcceptor::from(server)
    }

    /// The workload that a client has shown to be.
    pub(crate) fn peer_of(&self, certificates: Option<&[CertificateDer<'_>]>) -> Option<Peer> {
        let domain = self.settings.uri_of("");
        let uris = material::uris_of(certificates?.first()?);
        uris.iter().find_map(|uri| Peer::named(uri.strip_prefix(&domain)?))
    }

    /// What opens connections of `workload` to servers that must be `service`.
    pub(crate) fn connector(self: &Arc<Self>, workload: &'static str, service: &'static str) -> Arc<dyn Connector> {
        Arc::new(Shown { identity: Arc::clone(self), workload, service })
    }

    fn client_of(&self, workload: &str) -> Option<UpstreamTls> {
        self.material.load().clients.get(workload).cloned()
    }

    /// Reads the files again whenever they have changed, until `stop` is cancelled. New connections use what is new; those that
    /// are open go on.
    pub(crate) async fn follow_files(self: Arc<Self>, stop: CancellationToken) {
        let interval = (self.settings.watch_ms > 0).then(|| Duration::from_millis(self.settings.watch_ms));
        let mut watched = WatchedFiles::look_at(self.files());
        while stop.run_until_cancelled(watched.changed(interval)).await.is_some() {
            watched.look_again();
            match Material::read(&self.settings, &self.workloads) {
                Ok(material) => {
                    self.material.store(Arc::new(material));
                    tracing::info!("the new certificates are in force");
                }
                Err(mistakes) => {
                    tracing::error!(%mistakes, "the new certificates have mistakes; the ones before stay in force");
                }
            }
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let of_workloads = self
            .workloads
            .iter()
            .flat_map(|workload| [self.settings.certificate_of(workload), self.settings.key_of(workload)]);
        of_workloads.chain([PathBuf::from(&self.settings.ca)]).collect()
    }
}

/// Opens connections as one workload to the servers of one service.
struct Shown {
    identity: Arc<Identity>,
    workload: &'static str,
    service: &'static str,
}

impl Connector for Shown {
    fn connect(&self, target: &Target, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> {
        let Some(tls) = self.identity.client_of(self.workload) else {
            return Box::pin(std::future::ready(Err(io::Error::other("the workload has no certificate"))));
        };
        match ServerName::try_from(self.service) {
            Ok(name) => tls.to_server(name).connect(target, address),
            Err(error) => Box::pin(std::future::ready(Err(io::Error::other(error)))),
        }
    }
}

/// How each workload speaks TLS as a client.
type Clients = BTreeMap<&'static str, UpstreamTls>;
