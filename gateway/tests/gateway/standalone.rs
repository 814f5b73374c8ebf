//! A gateway that is put together from its configuration alone.

mod forwarding;
mod reloading;
mod starting;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bojagi_gateway::{ConfigSource, DEFAULT_CONFIG, GatewayConfig, RunningGateway, Standalone, StandaloneError};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::support::{log, message};

/// Longer than anything here takes; so that a mistake fails instead of hanging.
const GUARD: Duration = Duration::from_secs(20);

/// A file that is laid over the defaults, section by section.
struct File(PathBuf);

impl ConfigSource for File {
    fn read(&self) -> Result<GatewayConfig, Vec<String>> {
        let told = |error: &dyn std::fmt::Display| vec![error.to_string()];
        let text = std::fs::read_to_string(&self.0).map_err(|error| told(&error))?;
        let mut table: toml::Table = DEFAULT_CONFIG.parse().unwrap();
        for (name, value) in text.parse::<toml::Table>().map_err(|error| told(&error))? {
            match (table.get_mut(&name), value) {
                (Some(toml::Value::Table(section)), toml::Value::Table(options)) => section.extend(options),
                (_, value) => drop(table.insert(name, value)),
            }
        }
        table.try_into().map_err(|error: toml::de::Error| told(&error.message()))
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

/// A gateway that runs from a file.
struct Alone {
    folder: TempDir,
    address: SocketAddr,
    running: RunningGateway,
    reload: Arc<Notify>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Alone {
    async fn try_with(folder: TempDir, config: &str) -> Result<Self, StandaloneError> {
        log::install();
        let file = folder.path().join("gateway.toml");
        std::fs::write(&file, on_any_port(config)).unwrap();
        let gateway = Standalone::start(File(file)).await?;
        let (address, running, reload) = (gateway.local_addr(), gateway.running(), gateway.reload());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(gateway.serve(async move {
            // A test that ends without stopping the gateway stops it too.
            let _ = stopped.await;
        }));
        Ok(Self { folder, address, running, reload, stop, served })
    }

    async fn with(config: &str) -> Self {
        Self::try_with(tempfile::tempdir().unwrap(), config).await.unwrap()
    }

    /// Writes another configuration; it is for the caller to see to it that it is read.
    fn write(&self, config: &str) {
        std::fs::write(self.folder.path().join("gateway.toml"), on_any_port(config)).unwrap();
    }

    /// Calls by native gRPC with one message.
    async fn call(&self, path: &str) -> Response<Incoming> {
        call(&h2_client(), &format!("http://{}{path}", self.address)).await
    }
}

fn on_any_port(config: &str) -> String {
    format!("listen = \"127.0.0.1:0\"\n{config}")
}

/// The mistakes with which a gateway does not start.
async fn mistakes_of(config: &str) -> Vec<String> {
    match Alone::try_with(tempfile::tempdir().unwrap(), config).await {
        Err(StandaloneError::Config(mistakes)) => mistakes,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it starts"),
    }
}

fn h2_client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).http2_only(true).build_http()
}

async fn call(client: &Client<HttpConnector, Full<Bytes>>, url: &str) -> Response<Incoming> {
    let request = Request::post(url)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(message(b"hello")))
        .unwrap();
    tokio::time::timeout(GUARD, client.request(request)).await.expect("an answer").unwrap()
}

/// The status of an answer, in the headers or after the messages, and the bytes of the messages.
async fn ending(response: Response<Incoming>) -> (i32, Bytes) {
    let of_headers = response.headers().get("grpc-status").cloned();
    let body = tokio::time::timeout(GUARD, response.into_body().collect()).await.expect("an end").unwrap();
    let of_trailers = body.trailers().and_then(|trailers| trailers.get("grpc-status").cloned());
    let status = of_trailers.or(of_headers).expect("a status");
    (status.to_str().unwrap().parse().unwrap(), body.to_bytes())
}
