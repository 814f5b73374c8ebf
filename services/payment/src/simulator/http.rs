//! The simulator as a peer on the network, so that the shop talks to it as to a real provider:
//!
//! * `POST /operations` does what an instruction says; 504 when it gives no answer;
//! * `GET /operations/{key}` looks a key up; 404 when it was never asked;
//! * `POST /operations/{key}/tell` makes it tell what came of a key by webhook;
//! * `POST /tokens` says whether it knows a token.
//!
//! Events go to a webhook URL, signed.

use std::convert::Infallible;
use std::sync::Arc;

use bojagi_kernel::Failure;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Behaviour, Simulator, deliver};
use crate::provider::protocol::{self, InstructionBody, OutcomeBody, TokenBody, TokenKnownBody};
use crate::provider::{Knowledge, Outcome, Provider, ProviderKey, ProviderToken, SignedEvent};

/// Serves the simulator on a socket, and posts its events to `webhooks`, until `stop` is cancelled.
///
/// # Errors
/// When `webhooks` is not a URL.
pub async fn serve(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    events: mpsc::Receiver<SignedEvent>,
    webhooks: &str,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let webhooks: Uri = webhooks.parse().map_err(|error| Failure::broken(format!("{webhooks:?}: {error}")))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let take = move |event| {
        let (client, webhooks) = (client.clone(), webhooks.clone());
        async move { post(&client, webhooks, event).await }
    };
    let delivering = deliver(events, stop.clone(), take);
    tokio::join!(accept(listener, simulator, &stop), delivering);
    Ok(())
}

async fn accept(listener: TcpListener, simulator: Arc<Simulator>, stop: &CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (simulator, stop) = (Arc::clone(&simulator), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&simulator), request));
            let mut builder = hyper::server::conn::http1::Builder::new();
            let connection = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                () = stop.cancelled() => {}
                // A client that hangs up is no event for a simulator.
                _ = connection => {}
            }
        });
    }
}

async fn answer(simulator: Arc<Simulator>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, protocol::BODY_LIMIT).collect().await else {
        return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let body = body.to_bytes();
    let path = parts.uri.path();
    let key = path.strip_prefix(protocol::OPERATIONS).and_then(|rest| rest.strip_prefix('/'));
    Ok(match (&parts.method, path, key) {
        (&Method::POST, protocol::OPERATIONS, _) => perform(&simulator, &body).await,
        (&Method::POST, protocol::TOKENS, _) => know(&body),
        (&Method::GET, _, Some(key)) => look_up(&simulator, key).await,
        (&Method::POST, _, Some(key)) => tell(&simulator, key),
        _ => empty(StatusCode::NOT_FOUND),
    })
}

async fn perform(simulator: &Simulator, body: &[u8]) -> Response<Full<Bytes>> {
    let read = serde_json::from_slice::<InstructionBody>(body).ok();
    let Some(instruction) = read.and_then(|body| body.read()) else { return empty(StatusCode::BAD_REQUEST) };
    outcome(&simulator.perform(&instruction).await)
}

async fn look_up(simulator: &Simulator, key: &str) -> Response<Full<Bytes>> {
    let Ok(key) = key.parse::<ProviderKey>() else { return empty(StatusCode::BAD_REQUEST) };
    match simulator.look_up(&key).await {
        Knowledge::Known(known) => outcome(&known),
        Knowledge::NeverAsked => empty(StatusCode::NOT_FOUND),
        Knowledge::Unreachable => empty(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn tell(simulator: &Simulator, path: &str) -> Response<Full<Bytes>> {
    let key = path.strip_suffix("/tell").and_then(|key| key.parse::<ProviderKey>().ok());
    let told = key.is_some_and(|key| simulator.tell(&key));
    empty(if told { StatusCode::ACCEPTED } else { StatusCode::NOT_FOUND })
}

fn know(body: &[u8]) -> Response<Full<Bytes>> {
    let Ok(body) = serde_json::from_slice::<TokenBody>(body) else { return empty(StatusCode::BAD_REQUEST) };
    let token = ProviderToken::parse(&body.token).ok();
    json(&TokenKnownBody { known: token.is_some_and(|token| Behaviour::of(&token).is_some()) })
}

fn outcome(outcome: &Outcome) -> Response<Full<Bytes>> {
    OutcomeBody::of(outcome).map_or_else(|| empty(StatusCode::GATEWAY_TIMEOUT), |body| json(&body))
}

fn json(body: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(body) {
        Ok(body) => Response::new(Full::from(body)),
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

type WebhookClient = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

/// Whether the shop took the event.
async fn post(client: &WebhookClient, webhooks: Uri, event: SignedEvent) -> bool {
    let request = Request::builder()
        .method(Method::POST)
        .uri(webhooks)
        .header(protocol::SIGNATURE, &event.signature)
        .body(Full::from(event.body));
    let Ok(request) = request else { return false };
    client.request(request).await.is_ok_and(|response| response.status().is_success())
}
