//! A server as the configuration names it.

use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// A server: how it is spoken to, and the host and port where it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    scheme: Scheme,
    authority: Authority,
}

impl Target {
    /// Whether connections to it are encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The name or the address, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host().trim_matches(['[', ']'])
    }

    /// The port, or that of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// The address, where the host is no name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    pub(crate) const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let parts = url.parse::<Uri>().map_err(|_| "is no URL")?.into_parts();
        let scheme = parts.scheme.filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
        let (Some(scheme), Some(authority)) = (scheme, parts.authority) else {
            return Err("must be http://HOST:PORT or https://HOST:PORT");
        };
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err("must be http://HOST:PORT or https://HOST:PORT");
        }
        // The path of a call is its method, so there is no place for one more.
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err("must end after the host or port");
        }
        Ok(Self { scheme, authority })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, host, port, tls) in [
            ("http://127.0.0.1:9000", "127.0.0.1", 9000, false),
            ("http://[::1]:9000/", "::1", 9000, false),
            ("https://orders.internal", "orders.internal", 443, true),
            ("http://orders", "orders", 80, false),
        ] {
            let target: Target = url.parse().unwrap();
            assert_eq!((target.host(), target.port(), target.is_tls()), (host, port, tls), "{url}");
            assert_eq!(target.address().is_some(), host.parse::<IpAddr>().is_ok(), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for url in ["", "orders:9000", "ftp://orders", "http://", "http://orders/shop", "http://u:p@orders", "/orders"]
        {
            assert!(url.parse::<Target>().is_err(), "{url}");
        }
    }
}
