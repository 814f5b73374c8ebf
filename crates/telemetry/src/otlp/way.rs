//! The way to the collector: in the clear, or with TLS where the endpoint begins with `https://`.

use std::io;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Uri};
use tower::service_fn;

use super::{NoCollector, OtlpConfig};

/// The port of `https://` where none is named.
const HTTPS: u16 = 443;

/// A channel to the collector. Nothing is connected before something is sent.
pub(super) fn open(config: &OtlpConfig) -> Result<Channel, NoCollector> {
    let endpoint = config.endpoint().ok_or_else(|| NoCollector(format!("endpoint: {:?}", config.endpoint)))?;
    let Some(client) = config.tls().map_err(NoCollector)? else { return Ok(endpoint.connect_lazy()) };
    let client = client.speaking(&[b"h2"]);
    Ok(endpoint.connect_with_connector_lazy(service_fn(move |uri| {
        let client = Arc::clone(&client);
        async move { connect(client, &uri).await.map(TokioIo::new) }
    })))
}

/// A connection to a collector that has proved to be the one that the address names.
async fn connect(client: Arc<ClientConfig>, to: &Uri) -> io::Result<TlsStream<TcpStream>> {
    let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TcpStream::connect((host, to.port_u16().unwrap_or(HTTPS))).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(client).connect(name, stream).await?;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") | None => Ok(stream),
        Some(_) => Err(io::Error::other("the collector speaks no HTTP/2")),
    }
}
