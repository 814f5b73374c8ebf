//! Calls a mesh the way a browser does: gRPC-Web over HTTP/1.1, through the gateway.
//!
//! ```no_run
//! # async fn example(token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use bojagi::client::GatewayClient;
//! use bojagi_api::order::ListOrdersRequest;
//!
//! let gateway = GatewayClient::new("http://127.0.0.1:8080")?;
//! let customer = gateway.signed_in(token)?;
//! let orders = customer.orders().list_orders(ListOrdersRequest::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A call belongs to the trace of the task that makes it (`TraceContext::scope`), or to one that the gateway begins. It ends at the
//! time-out of the client unless the request brings its own.

mod answer_body;
mod refused;
mod services;

use std::error::Error;
use std::task::{Context, Poll};
use std::time::Duration;

use bojagi_chassis::deadline;
use bojagi_telemetry::TraceContext;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::uri::{Authority, InvalidUri, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tonic_web::{GrpcWebCall, GrpcWebClientService};
use tower::Service;

use self::answer_body::AnswerBody;
pub use self::refused::{Refused, reason};

/// How long a call may take unless its client or its request says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The gateway answers at the end of a deadline by itself, with the particulars; this much later nobody waits for them.
const GRACE: Duration = Duration::from_millis(500);

/// The longest time-out that fits into the eight digits of `grpc-timeout` as milliseconds.
const LONGEST_TIMEOUT: Duration = Duration::from_millis(99_999_999);

type WebClient = GrpcWebClientService<Client<HttpConnector, GrpcWebCall<Body>>>;

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address of the gateway cannot be read.
    #[error("{address:?} is no address of a gateway; it looks like http://127.0.0.1:8080")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it, when its form is.
        source: Option<InvalidUri>,
    },
    /// The gateway speaks TLS.
    #[error(
        "{0:?} is a gateway behind TLS, and this client speaks plain HTTP; give it the address of one without [gateway.tls]"
    )]
    Encrypted(String),
    /// The access token cannot stand in a header.
    #[error("an access token holds only visible ASCII characters")]
    Token,
}

/// A client of one gateway, as nobody or as one account. Clones share their connections.
///
/// It is the transport of the generated clients, `OrderServiceClient::new(gateway)`, or by name, `gateway.orders()`.
#[derive(Clone)]
pub struct GatewayClient {
    http: WebClient,
    authority: Authority,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

impl GatewayClient {
    /// A client of the gateway at `address`, such as `http://127.0.0.1:8080`. Nothing is connected yet.
    ///
    /// # Errors
    /// `Encrypted` when it is `https://`, and `Address` unless it is `http://`, a host and, maybe, a port.
    pub fn new(address: &str) -> Result<Self, ClientError> {
        let refuse = |source| ClientError::Address { address: address.to_owned(), source };
        let uri: Uri = address.parse().map_err(|error| refuse(Some(error)))?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(ClientError::Encrypted(address.to_owned()));
        }
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP) && bare);
        let authority = authority.ok_or_else(|| refuse(None))?.clone();

        let mut connector = HttpConnector::new();
        // A call is one small request and one small answer; waiting to fill a packet only delays it.
        connector.set_nodelay(true);
        let http = GrpcWebClientService::new(Client::builder(TokioExecutor::new()).build(connector));
        Ok(Self { http, authority, authorization: None, timeout: DEFAULT_TIMEOUT })
    }

    /// The same gateway, called by the account that `access_token` was issued to.
    ///
    /// # Errors
    /// `Token` when it has characters that no token has.
    pub fn signed_in(&self, access_token: &str) -> Result<Self, ClientError> {
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {access_token}")).map_err(|_| ClientError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self { authorization: Some(authorization), ..self.clone() })
    }

    /// The same client with another time-out for each call, from sending it to the end of its answer; at most a day.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(LONGEST_TIMEOUT), ..self.clone() }
    }

    /// Where the gateway is: host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Completes a request of a generated client, which knows only the path of the method, and answers when it has to end.
    fn prepare(&self, request: &mut Request<Body>) -> Result<Instant, Status> {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.authority.clone());
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| Status::internal(error.to_string()))?;

        let headers = request.headers_mut();
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(trace) = TraceContext::current() {
            trace.write_to(headers);
        }
        let own_timeout = headers.get("grpc-timeout").and_then(|header| deadline::parse_timeout(header.to_str().ok()?));
        let timeout = match own_timeout {
            Some(timeout) => timeout,
            None => {
                headers.insert("grpc-timeout", milliseconds(self.timeout)?);
                self.timeout
            }
        };
        Ok(Instant::now() + timeout + GRACE)
    }
}

impl Service<Request<Body>> for GatewayClient {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.http.poll_ready(cx).map_err(|error| unreachable(&self.authority, &error))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let ends = match self.prepare(&mut request) {
            Ok(ends) => ends,
            Err(status) => return Box::pin(std::future::ready(Err(status))),
        };
        let sent = self.http.call(request);
        let authority = self.authority.clone();
        Box::pin(async move {
            let answer = timeout_at(ends, sent).await.map_err(|_| too_late())?;
            let answer = answer.map_err(|error| unreachable(&authority, &error))?;
            Ok(answer.map(|body| Body::new(AnswerBody::new(Body::new(body), ends))))
        })
    }
}

impl std::fmt::Debug for GatewayClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let signed_in = self.authorization.is_some();
        let mut shown = f.debug_struct("GatewayClient");
        shown.field("authority", &self.authority).field("signed_in", &signed_in).finish_non_exhaustive()
    }
}

fn milliseconds(timeout: Duration) -> Result<HeaderValue, Status> {
    HeaderValue::try_from(format!("{}m", timeout.as_millis())).map_err(|error| Status::internal(error.to_string()))
}

fn too_late() -> Status {
    Status::deadline_exceeded("the gateway did not answer in time")
}

fn unreachable(authority: &Authority, error: &legacy::Error) -> Status {
    let what = if error.is_connect() { "cannot be reached" } else { "broke the call off" };
    let mut sentence = format!("the gateway at {authority} {what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Status::unavailable(sentence)
}

#[cfg(test)]
mod tests;
