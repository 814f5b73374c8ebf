//! Takes away from a request what only the gateway may say, and says it: who asks, by which way, and nothing else about identity.
//!
//! Place: before anything reads a header. Services behind the gateway can then believe `x-forwarded-for`, and no client can pass itself
//! off as another by a header. The `authorization` header stays: services check the token themselves.

use std::net::IpAddr;
use std::task::{Context, Poll};

use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue, Request};
use tower::{Layer, Service};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Prefixes of headers in which the mesh speaks about a caller.
const OF_THE_MESH: [&str; 3] = ["x-user-", "x-bojagi-", "x-forwarded-"];

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
        remove_listed_by_connection(headers);
        remove_where(headers, |name| is_hop_by_hop(name) || is_spoofed(name));
        if let Some(address) = peer {
            headers.insert(X_FORWARDED_FOR, address);
        }
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
        self.inner.call(request)
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
    OF_THE_MESH.iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "forwarded" | "x-real-ip" | "grpc-status" | "grpc-message" | "grpc-status-details-bin")
}
