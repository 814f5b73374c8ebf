//! Which client a request comes from, when other proxies stand before the gateway.
//!
//! `x-forwarded-for` is a list to which every proxy adds the address that it was called from; what stands left of an address that nobody
//! vouches for may be invented. So the list is read from its right end, as long as the addresses are those of proxies that are trusted. The
//! first one that is not is the client.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::config_errors::ConfigMistake;

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Which proxies stand before the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProxiesConfig {
    /// Networks, such as `10.0.0.0/8`, or single addresses, whose `x-forwarded-for` and `x-forwarded-proto` are believed.
    pub trusted: Vec<String>,
}

/// The address of the client; an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// The proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies {
    networks: Vec<IpNet>,
}

impl ProxiesConfig {
    /// Every mistake.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        TrustedProxies::read(self).err().unwrap_or_default()
    }
}

impl TrustedProxies {
    /// Reads the networks of the configuration.
    pub(crate) fn read(config: &ProxiesConfig) -> Result<Self, Vec<ConfigMistake>> {
        let mut networks = Vec::new();
        let mut mistakes = Vec::new();
        for text in &config.trusted {
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            match network {
                Ok(network) => networks.push(network),
                Err(_) => {
                    let problem = format!("{text:?} is neither an address nor a network such as 10.0.0.0/8");
                    mistakes.push(ConfigMistake::new("proxies.trusted", problem));
                }
            }
        }
        if mistakes.is_empty() { Ok(Self { networks }) } else { Err(mistakes) }
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Who asks, if `peer` is at the other end of the connection.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        while self.trusts(client) {
            // Where the list ends, or holds something that is no address, the last proxy that is known is all there is.
            let Some(hop) = hops.next().and_then(read_hop) else { break };
            client = hop;
        }
        client
    }

    /// Whether the client spoke TLS, if `peer` is at the other end of a connection with or without TLS.
    pub(crate) fn is_secure(&self, peer: IpAddr, peer_is_secure: bool, headers: &HeaderMap) -> bool {
        let told = headers.get(X_FORWARDED_PROTO).filter(|_| self.trusts(peer));
        match told.map(http::HeaderValue::as_bytes) {
            Some(b"https") => true,
            Some(b"http") => false,
            _ => peer_is_secure,
        }
    }
}

/// An entry of the list: an address, which some proxies write with a port and IPv6 in brackets.
fn read_hop(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bracketed = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bracketed.parse().or_else(|_| entry.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn trusting(networks: &[&str]) -> TrustedProxies {
        let trusted = networks.iter().map(ToString::to_string).collect();
        TrustedProxies::read(&ProxiesConfig { trusted }).unwrap()
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_is_the_client() {
        let proxies = trusting(&["10.0.0.0/8", "fd00::/8", "192.0.2.1"]);
        for (peer, lines, client) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.7"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1", "10.0.0.7,192.0.2.1"], "198.51.100.1"),
            ("fd00::1", &["[2001:db8::5]:443"], "2001:db8::5"),
            ("fd00::1", &["[2001:db8::5]"], "2001:db8::5"),
            ("10.0.0.1", &["198.51.100.1:5555"], "198.51.100.1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1, , 10.0.0.2"], "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_connection_unless_a_proxy_says_otherwise() {
        let proxies = trusting(&["10.0.0.0/8"]);
        for (peer, peer_is_secure, told, secure) in [
            ("10.0.0.1", false, "https", true),
            ("10.0.0.1", true, "http", false),
            ("10.0.0.1", true, "gopher", true),
            ("203.0.113.9", false, "https", false),
            ("203.0.113.9", true, "http", true),
        ] {
            let headers = HeaderMap::from_iter([(X_FORWARDED_PROTO, HeaderValue::from_static(told))]);
            let found = proxies.is_secure(peer.parse().unwrap(), peer_is_secure, &headers);
            assert_eq!(found, secure, "{peer} {told}");
        }
    }

    #[test]
    fn what_is_no_network_is_told() {
        let config = ProxiesConfig { trusted: ["10.0.0.0/33", "::1", "proxy.example"].map(String::from).to_vec() };
        let told: Vec<_> = config.mistakes().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "proxies.trusted: \"10.0.0.0/33\" is neither an address nor a network such as 10.0.0.0/8",
                "proxies.trusted: \"proxy.example\" is neither an address nor a network such as 10.0.0.0/8",
            ]
        );
    }
}
