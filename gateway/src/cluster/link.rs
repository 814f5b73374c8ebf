//! Keeps a connection to an endpoint: opens it, watches it, and opens the next one when it is lost. Opens more when one is not enough.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use h2::client::{Connection, SendRequest};
use h2::{Ping, PingPong};
use tokio::time::{Instant, sleep, timeout};
use tower::BoxError;

use super::config::ClusterConfig;
use super::endpoint::Endpoint;
use super::endpoint_set::EndpointSet;
use super::health;
use super::lane::Lane;
use super::ports::ByteStream;

/// A connection that ends sooner than this counts as one that could not be opened, so that an endpoint which hangs up at once is not
/// called up again and again.
const SHORT_LIVED: Duration = Duration::from_secs(1);
/// Calls must not wait for each other because one of them is read slowly, so the window of the connection is as wide as HTTP/2 allows; what
/// may be on its way is bounded for each call.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// An answer whose headers are longer than this is an error of the endpoint.
const HEADER_LIST_BYTES: u32 = 64 * 1024;

/// Begins to keep a connection, until the endpoint is gone.
pub(crate) fn start(set: &Arc<EndpointSet>, endpoint: &Arc<Endpoint>) {
    let (set, endpoint) = (Arc::clone(set), Arc::clone(endpoint));
    tokio::spawn(async move {
        let gone = endpoint.gone.clone();
        gone.run_until_cancelled(keep(&set, &endpoint)).await;
    });
}

async fn keep(set: &Arc<EndpointSet>, endpoint: &Arc<Endpoint>) {
    let mut attempts_failed = 0;
    loop {
        // After a failure nobody waits for the next attempt.
        if attempts_failed == 0 {
            endpoint.connecting();
            set.tell();
        }
        let error = match open(set, endpoint).await {
            Ok((sender, connection)) => match use_until_lost(set, endpoint, sender, connection).await {
                Lost::Later => {
                    attempts_failed = 0;
                    continue;
                }
                // A server may have had a reason to hang up once.
                Lost::AtOnce(_) if attempts_failed == 0 => {
                    endpoint.connecting();
                    set.tell();
                    attempts_failed = 1;
                    continue;
                }
                Lost::AtOnce(reason) => reason,
            },
            Err(error) => {
                tracing::warn!(endpoint = &*endpoint.label, %error, "an endpoint cannot be reached");
                error.to_string()
            }
        };
        endpoint.disconnected(error);
        set.tell();
        sleep(set.config.pause(attempts_failed)).await;
        attempts_failed += 1;
    }
}

type Opened = Connection<Box<dyn ByteStream>, Bytes>;

async fn open(set: &EndpointSet, endpoint: &Endpoint) -> Result<(SendRequest<Bytes>, Opened), BoxError> {
    let opening = async {
        let stream = set.connector.connect(&endpoint.target, endpoint.address).await?;
        let (sender, mut connection) = h2::client::Builder::new()
            .initial_max_send_streams(0)
            .initial_window_size(set.config.window_bytes)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await?;
        allowed_to_call(&mut connection).await?;
        Ok((sender, connection))
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the connection was not opened in time");
    timeout(Duration::from_millis(set.config.connect_ms), opening).await.map_err(|_| late())?
}

/// Waits for the settings of the endpoint, before which nobody knows how many calls it allows.
async fn allowed_to_call(connection: &mut Opened) -> Result<(), BoxError> {
    poll_fn(|cx| match connection.poll_unpin(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err("the endpoint closed the connection".into())),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
        Poll::Pending if connection.max_concurrent_send_streams() > 0 => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// How a connection ended.
enum Lost {
    /// After so short a time that one must be careful with the endpoint.
    AtOnce(String),
    /// As connections end.
    Later,
}

/// The connection is used until it is lost.
async fn use_until_lost(
    set: &Arc<EndpointSet>,
    endpoint: &Arc<Endpoint>,
    sender: SendRequest<Bytes>,
    mut connection: Opened,
) -> Lost {
    let began = Instant::now();
    let pings = connection.ping_pong();
    // In a task of its own, because calls on it go on when it is not used for new ones any more.
    let mut driven = tokio::spawn(connection);
    // What was said of the connection before this one does not concern it.
    let _ = endpoint.lost.notified().now_or_never();
    let lane = Lane::new(sender);
    let place_of_watch = set.config.health.watch.then(|| lane.reserve());
    endpoint.connected(lane);
    set.tell();
    tracing::debug!(endpoint = &*endpoint.label, "connected to an endpoint");

    let reason = tokio::select! {
        ended = &mut driven => match ended {
            Ok(Err(error)) => error.to_string(),
            Ok(Ok(())) | Err(_) => "the endpoint closed the connection".to_owned(),
        },
        () = endpoint.lost.notified() => "the endpoint takes no more calls on the connection".to_owned(),
        () = health::watch(set, endpoint, place_of_watch) => "the health of the endpoint cannot be watched any more".to_owned(),
        () = pinged(&set.config, pings) => {
            driven.abort();
            "the endpoint does not answer pings".to_owned()
        }
        never = widen_when_crowded(set, endpoint) => match never {},
    };
    tracing::debug!(endpoint = &*endpoint.label, reason, "the connection to an endpoint is lost");
    if began.elapsed() < SHORT_LIVED { Lost::AtOnce(reason) } else { Lost::Later }
}

/// Opens further connections, one at a time, as long as the endpoint has as many calls as it allows on those there are.
async fn widen_when_crowded(set: &Arc<EndpointSet>, endpoint: &Arc<Endpoint>) -> Infallible {
    loop {
        endpoint.crowded.notified().await;
        if endpoint.may_widen(set.config.max_connections) {
            widen(set, endpoint).await;
        }
        // Also if there is room again by now: whoever found none waits to be told.
        set.tell();
    }
}

async fn widen(set: &Arc<EndpointSet>, endpoint: &Arc<Endpoint>) {
    match open(set, endpoint).await {
        Ok((sender, connection)) => {
            let lane = Lane::new(sender);
            let of = (Arc::downgrade(set), Arc::downgrade(endpoint));
            tokio::spawn(drive(connection, set.config.clone(), Arc::downgrade(&lane), of));
            endpoint.widened(lane);
            tracing::debug!(endpoint = &*endpoint.label, "one more connection to an endpoint");
        }
        Err(error) => {
            tracing::warn!(endpoint = &*endpoint.label, %error, "an endpoint takes no further connection");
            sleep(set.config.pause(0)).await;
        }
    }
}

/// Drives a further connection to its end. It keeps nothing alive that would keep the connection open.
async fn drive(
    mut connection: Opened,
    config: ClusterConfig,
    lane: Weak<Lane>,
    of: (Weak<EndpointSet>, Weak<Endpoint>),
) {
    let pings = connection.ping_pong();
    tokio::select! {
        _ended = connection => {}
        () = pinged(&config, pings) => {}
    }
    if let (Some(set), Some(endpoint)) = (of.0.upgrade(), of.1.upgrade()) {
        endpoint.retire(&lane);
        set.tell();
    }
}

/// Ends when a ping was not answered in time.
async fn pinged(config: &ClusterConfig, pings: Option<PingPong>) {
    let (Some(mut pings), true) = (pings, config.keep_alive_interval_ms > 0) else {
        return std::future::pending().await;
    };
    loop {
        sleep(Duration::from_millis(config.keep_alive_interval_ms)).await;
        let answered = timeout(Duration::from_millis(config.keep_alive_timeout_ms), pings.ping(Ping::opaque())).await;
        if !matches!(answered, Ok(Ok(_))) {
            return;
        }
    }
}
