//! An upstream on a socket of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bojagi_gateway::Upstream;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tower::ServiceExt;

/// Serves an upstream until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    _stop: DropGuard,
}

impl Server {
    pub(crate) async fn of(upstream: Upstream) -> Self {
        Self::start(upstream, None, None).await
    }

    /// One that allows so many streams at a time on a connection.
    pub(crate) async fn with_streams(upstream: Upstream, most: u32) -> Self {
        Self::start(upstream, None, Some(most)).await
    }

    pub(crate) async fn with_tls(upstream: Upstream, tls: TlsAcceptor) -> Self {
        Self::start(upstream, Some(tls), None).await
    }

    async fn start(upstream: Upstream, tls: Option<TlsAcceptor>, most_streams: Option<u32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, accepted) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&accepted);
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let service =
                    upstream.clone().map_request(|request: http::Request<_>| request.map(Body::new)).map_err(failed);
                let (tls, service) = (tls.clone(), TowerToHyperService::new(service));
                tokio::spawn(async move {
                    let mut http = auto::Builder::new(TokioExecutor::new()).http2_only();
                    http.http2().max_concurrent_streams(most_streams);
                    // How a connection ends is for its other end to judge.
                    let _ended = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => http.serve_connection(TokioIo::new(stream), service).await,
                            Err(_refused) => Ok(()),
                        },
                        None => http.serve_connection(TokioIo::new(stream), service).await,
                    };
                });
            }
        }));
        Self { address, accepted, _stop: stop.drop_guard() }
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// For an error of any lifetime, which is what the compiler asks of a future that is to be spawned.
fn failed(error: Box<dyn std::error::Error + Send + Sync + '_>) -> std::io::Error {
    std::io::Error::other(error.to_string())
}
