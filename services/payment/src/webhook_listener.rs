//! A small HTTP listener for the provider's webhooks: `POST /provider-events` with the signature in a header. It does what
//! `IngestProviderEvent` does, for providers that don't speak gRPC.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bojagi_kernel::{Failure, Kind};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::ingest_provider_event::Intake;
use crate::provider::protocol::{BODY_LIMIT, SIGNATURE};

/// The path that events are posted to.
const PATH: &str = "/provider-events";
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 64;
/// How long one connection may take to send a request and to get its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted, as when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds an address.
///
/// # Errors
/// When it cannot be listened on.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Failure::broken(format!("cannot listen for webhooks on {address}: {error}")))
}

/// Takes in events until `stop` is cancelled.
pub(crate) async fn serve(listener: TcpListener, intake: Intake, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (intake, stop) = (intake.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = converse(stream, intake) => {}
            }
            drop(permit);
        });
    }
}

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "a webhook connection was not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn converse(stream: TcpStream, intake: Intake) {
    let service = service_fn(move |request| {
        let intake = intake.clone();
        async move { Ok::<_, Infallible>(answer(&intake, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a webhook connection ended early");
    }
}

async fn answer(intake: &Intake, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let answered = tokio::time::timeout(PATIENCE, take_in(intake, request)).await;
    *response.status_mut() = answered.unwrap_or(StatusCode::REQUEST_TIMEOUT);
    response
}

async fn take_in(intake: &Intake, request: Request<Incoming>) -> StatusCode {
    if request.uri().path() != PATH {
        return StatusCode::NOT_FOUND;
    }
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let (parts, body) = request.into_parts();
    let signature = parts.headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else { return StatusCode::PAYLOAD_TOO_LARGE };
    match intake.ingest(&body.to_bytes(), signature).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(Failure::Refused(refusal)) => status(refusal.kind),
        Err(Failure::Unavailable(cause)) => {
            tracing::warn!(%cause, "a webhook was not taken in");
            StatusCode::SERVICE_UNAVAILABLE
        }
        Err(Failure::Broken(cause)) => {
            tracing::error!(%cause, "a webhook was not taken in");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// What makes the provider give up (4xx) or tell it again (404, 5xx).
const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
