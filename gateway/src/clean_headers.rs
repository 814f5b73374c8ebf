//! Takes away from a request what only the gateway may say, and says it: who asks, by which way, and nothing else about identity.
//!
//! Place: before anything reads a header. Services behind the gateway can then believe `x-forwarded-for`, and no client can pass itself
//! off as another by a header. The `authorization` header stays: services check the token themselves.

use std::net::IpAddr;
use std::task::{Context, Poll};

use http::header::{
    CONNECTION, FORWARDED, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Request};
use tower::{Layer, Service};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Prefixes of headers in which the mesh speaks about a caller.
const OF_THE_MESH: [&str; 3] = ["x-user-", "x-bojagi-", "x-forwarded-"];

/// Headers of an answer, which no request has, and other ways to say where a request comes from.
const NEVER_OF_A_CLIENT: [&str; 4] = ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-real-ip"];

/// Headers that concern one connection only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The other end of the connection that a request came by; an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    address: HeaderValue,
}

impl Peer {
    pub(crate) fn new(address: IpAddr) -> Option<Self> {
        HeaderValue::try_from(address.to_canonical().to_string()).ok().map(|address| Self { address })
    }
}

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct CleanHeaders<S> {
    inner: S,
}

impl<S> CleanHeaders<S> {
    pub(crate) fn layer() -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(|inner| Self { inner })
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
        let peer = request.extensions().get::<Peer>().map(|peer| peer.address.clone());
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        for spoofed in headers.keys().filter(|name| is_spoofed(name)).cloned().collect::<Vec<_>>() {
            headers.remove(spoofed);
        }
        if let Some(address) = peer {
            headers.insert(X_FORWARDED_FOR, address);
        }
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
        self.inner.call(request)
    }
}

/// Removes what concerns one connection only, and what its `connection` header lists.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
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
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn is_spoofed(name: &HeaderName) -> bool {
    let text = name.as_str();
    OF_THE_MESH.iter().any(|prefix| text.starts_with(prefix)) || NEVER_OF_A_CLIENT.contains(&text) || name == FORWARDED
}
