//! Keeps web pages out of the admin port, and lets only its own machine change something.
//!
//! A page can make the browser that shows it send requests to loopback. Browsers mark what a page sends to another origin with `origin` or
//! `sec-fetch-site`. A page whose name was made to resolve to loopback counts as the same origin, and gives itself away by `host`.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request may come from a page. `only_loopback` says that the port cannot be reached by other names than those of loopback.
pub(super) fn is_of_a_page(headers: &HeaderMap, only_loopback: bool) -> bool {
    // "none" is an address that somebody typed.
    let typed = headers.get(SEC_FETCH_SITE).is_none_or(|site| site == "none" || site == "same-origin");
    headers.contains_key(ORIGIN) || !typed || (only_loopback && !names_loopback(headers))
}

/// Whether a caller from there may change something: from this machine, or in a container from its own network namespace, which is where
/// `kubectl port-forward` comes from.
pub(super) fn may_change(peer: IpAddr) -> bool {
    // A socket for both versions sees 127.0.0.1 as ::ffff:127.0.0.1.
    peer.to_canonical().is_loopback()
}

fn names_loopback(headers: &HeaderMap) -> bool {
    // HTTP/1.0 has no host, and no browser speaks it.
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refused(lines: &[(&'static str, &'static str)]) -> bool {
        let pairs = lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        is_of_a_page(&pairs.collect(), true)
    }

    #[test]
    fn people_and_machines_are_let_in() {
        for host in ["127.0.0.1:9901", "localhost:9901", "LOCALHOST", "[::1]:9901", "10.0.0.7"] {
            assert!(!refused(&[("host", host)]), "{host}");
        }
        assert!(!refused(&[]));
        assert!(!refused(&[("host", "localhost"), ("sec-fetch-site", "none")]));
    }

    #[test]
    fn pages_are_not() {
        assert!(refused(&[("host", "127.0.0.1:9901"), ("origin", "https://evil.example")]));
        assert!(refused(&[("host", "127.0.0.1:9901"), ("origin", "null")]));
        assert!(refused(&[("host", "127.0.0.1:9901"), ("sec-fetch-site", "cross-site")]));
        assert!(refused(&[("host", "rebound.evil.example:9901")]));
        assert!(refused(&[("host", "a b")]));
        let named = HeaderMap::from_iter([(HOST, HeaderValue::from_static("gateway.internal:9901"))]);
        assert!(!is_of_a_page(&named, false), "a port that is open to others may have any name");
    }
}
