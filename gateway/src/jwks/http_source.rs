//! A key set that is fetched by HTTP.

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::header::{ACCEPT, HOST};
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use http_body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::body::Body as NoBody;
use tower::BoxError;

use super::config::JwksConfig;
use super::source::{KeySource, SourceError, too_long};
use crate::cluster::{ByteStream, Target};
use crate::tls::{UpstreamTls, UpstreamTlsConfig};

/// A URL. Every fetch has a connection of its own: they are rare, and a connection that was kept may be dead.
pub(crate) struct HttpSource {
    url: String,
    target: Target,
    path: PathAndQuery,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    max_bytes: usize,
}

impl HttpSource {
    /// # Errors
    /// What is wrong with the URL, or with the authorities.
    pub(crate) fn new(url: &str, config: &JwksConfig) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "is no URL".to_owned())?;
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("must begin with http:// or https://".to_owned());
        };
        let target: Target = format!("{scheme}://{authority}").parse().map_err(str::to_owned)?;
        let tls = if target.is_tls() { Some(tls_to(&target, config)?) } else { None };
        Ok(Self { url: url.to_owned(), target, path, tls, max_bytes: config.max_bytes })
    }

    async fn get(&self) -> Result<Bytes, BoxError> {
        let stream = TcpStream::connect((self.target.host(), self.target.port())).await?;
        let stream: Box<dyn ByteStream> = match &self.tls {
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
            None => Box::new(stream),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(self.path.as_str())
            .header(HOST, self.target.authority().as_str())
            .header(ACCEPT, "application/jwk-set+json, application/json")
            .body(NoBody::empty())?;
        // The connection is driven here, so that it ends with the fetch.
        let answered = async {
            let answer = sender.send_request(request).await?;
            if answer.status() != StatusCode::OK {
                return Err(format!("the answer has HTTP status {}", answer.status().as_u16()).into());
            }
            self.read(answer.into_body()).await
        };
        tokio::select! {
            biased;
            answered = answered => answered,
            Err(error) = connection => Err(error.into()),
        }
    }

    async fn read(&self, body: hyper::body::Incoming) -> Result<Bytes, BoxError> {
        let mut body = std::pin::pin!(body);
        let mut bytes = BytesMut::new();
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let Ok(chunk) = frame?.into_data() else { continue };
            if bytes.len() + chunk.len() > self.max_bytes {
                return Err(too_long(self.max_bytes).into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }
}

fn tls_to(target: &Target, config: &JwksConfig) -> Result<(TlsConnector, ServerName<'static>), String> {
    let tls = UpstreamTls::read(&UpstreamTlsConfig::trusting(config.ca.clone()), "ca")
        .map_err(|mistake| mistake.to_string())?;
    let name = ServerName::try_from(target.host().to_owned()).map_err(|error| error.to_string())?;
    Ok((TlsConnector::from(tls.for_http1()), name))
}

impl KeySource for HttpSource {
    fn name(&self) -> &str {
        &self.url
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, SourceError>> {
        Box::pin(async { self.get().await.map_err(|error| SourceError(error.to_string())) })
    }
}
