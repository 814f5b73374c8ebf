//! Takes away from a request what only the gateway may say, and says it: who asks, by which way, and nothing else about identity.
//!
//! Place: before anything reads a header. Services behind the gateway can then believe `x-forwarded-for`, and no client can pass itself
//! off as another by a header. The `authorization` header stays: services check the token themselves. So does `x-user-agent`, although
//! headers about users are otherwise the mesh's own: gRPC-Web clients say there which library they are, because a page cannot set
//! `user-agent`, and it says nothing about anybody.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue, Request};
use tower::{Layer, Service};

use crate::client_address::{ClientAddress, TrustedProxies, X_FORWARDED_FOR, X_FORWARDED_PROTO};

/// Prefixes of headers in which the mesh speaks about a caller.
const OF_THE_MESH: [&str; 3] = ["x-user-", "x-bojagi-", "x-forwarded-"];

/// What gRPC-Web clients in a page call themselves.
pub(crate) const X_USER_AGENT: HeaderName = HeaderName::from_static("x-user-agent");

/// The other end of the connection that a request came by; an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    address: IpAddr,
    /// The address as a header, written once for all requests of the connection.
    header: HeaderValue,
    is_secure: bool,
}

impl Peer {
    /// `is_secure` says whether the connection has TLS.
    pub(crate) fn new(address: IpAddr, is_secure: bool) -> Option<Self> {
        let address = address.to_canonical();
        Some(Self { address, header: header_of(address)?, is_secure })
    }
}

fn header_of(address: IpAddr) -> Option<HeaderValue> {
    HeaderValue::try_from(address.to_string()).ok()
}

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct CleanHeaders<S> {
    inner: S,
    proxies: Arc<TrustedProxies>,
}

impl<S> CleanHeaders<S> {
    pub(crate) fn layer(proxies: TrustedProxies) -> impl Layer<S, Service = Self> {
        let proxies = Arc::new(proxies);
        tower::layer::layer_fn(move |inner| Self { inner, proxies: Arc::clone(&proxies) })
    }
}

impl<S, B> Service<Request<B>> for CleanHeaders<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let origin = request.extensions().get::<Peer>().map(|peer| Origin::of(peer, &self.proxies, request.headers()));
        let headers = request.headers_mut();
        remove_listed_by_connection(headers);
        remove_where(headers, |name| is_hop_by_hop(name) || is_spoofed(name));
        let scheme = if origin.as_ref().is_some_and(|origin| origin.is_secure) { "https" } else { "http" };
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        if let Some(Origin { address, header, .. }) = origin {
            headers.extend(header.map(|header| (X_FORWARDED_FOR, header)));
            request.extensions_mut().insert(ClientAddress(address));
        }
        self.inner.call(request)
    }
}

/// Where a request comes from: the peer, or whom it speaks for.
struct Origin {
    address: IpAddr,
    header: Option<HeaderValue>,
    is_secure: bool,
}

impl Origin {
    fn of(peer: &Peer, proxies: &TrustedProxies, headers: &HeaderMap) -> Self {
        let address = proxies.client(peer.address, headers);
        let header = if address == peer.address { Some(peer.header.clone()) } else { header_of(address) };
        Self { address, header, is_secure: proxies.is_secure(peer.address, peer.is_secure, headers) }
    }
}

/// Removes what concerns one connection only, and what its `connection` header lists.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    remove_listed_by_connection(headers);
    remove_where(headers, is_hop_by_hop);
}

fn remove_listed_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in listed {
        headers.remove(name);
    }
}

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    // Mostly there are none, and then nothing is allocated.
    let unwanted: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// Headers that concern one connection only (RFC 9110, 7.6.1).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Headers that say who asks or where a request comes from, and headers that only an answer has.
fn is_spoofed(name: &str) -> bool {
    (name != X_USER_AGENT && OF_THE_MESH.iter().any(|prefix| name.starts_with(prefix)))
        || matches!(name, "forwarded" | "x-real-ip" | "grpc-status" | "grpc-message" | "grpc-status-details-bin")
}
