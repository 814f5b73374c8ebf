//! The sections of a mesh of several processes: how one of them serves, and where the others are.

use bojagi_api::policy::{Access, METHODS};
use bojagi_gateway::{ClusterConfig, RetryConfig};
use serde::{Deserialize, Serialize};

use crate::database::CONTEXTS;
use crate::identity::{GATEWAY, IdentitySettings};

/// How a process serves some of the services; see the commented defaults.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServeSettings {
    /// Where it takes calls.
    pub listen: String,
    /// The door for operators; empty for none.
    pub admin_listen: String,
    /// Milliseconds that running calls may take to finish.
    pub drain_ms: u64,
    /// Milliseconds for which readiness waits for the keys of tokens.
    pub keys_ms: u64,
    /// Who the process is.
    pub identity: IdentitySettings,
    /// Limits of connections.
    pub connections: ConnectionLimits,
}

/// Limits of the connections of other processes.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionLimits {
    /// Connections at a time.
    pub max: usize,
    /// Calls at a time on one of them.
    pub max_concurrent_streams: u32,
    /// Bytes of the headers of one call.
    pub header_list_bytes: u32,
    /// Milliseconds for the TLS handshake.
    pub handshake_ms: u64,
    /// Milliseconds between pings to a silent client.
    pub keep_alive_interval_ms: u64,
    /// Milliseconds that a client has to answer a ping.
    pub keep_alive_timeout_ms: u64,
}

impl ServeSettings {
    pub(super) fn check(&self) -> Vec<String> {
        let address = |text: &str| text.parse::<std::net::SocketAddr>().is_ok();
        let mut mistakes = Vec::new();
        if !address(&self.listen) {
            mistakes.push(format!("listen: {:?} is no address and port, such as 127.0.0.1:9090", self.listen));
        }
        if !self.admin_listen.is_empty() && !address(&self.admin_listen) {
            mistakes.push(format!("admin_listen: {:?} is no address and port", self.admin_listen));
        }
        let limits = &self.connections;
        let counts = [limits.max as u64, limits.max_concurrent_streams.into(), limits.header_list_bytes.into()];
        let times = [limits.handshake_ms, limits.keep_alive_interval_ms, limits.keep_alive_timeout_ms];
        if counts.iter().chain(&times).any(|limit| *limit == 0) {
            mistakes.push("connections: every limit must be at least 1".into());
        }
        mistakes
    }
}

/// Where the services of other processes are, and how they are reached; see the commented defaults.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    user: Vec<String>,
    item: Vec<String>,
    coupon: Vec<String>,
    order: Vec<String>,
    payment: Vec<String>,
    settlement: Vec<String>,
    pub(crate) upstreams: ClusterConfig,
    pub(crate) retries: RetryConfig,
}

impl ServiceSettings {
    pub(super) fn check(&self) -> Vec<String> {
        let mut mistakes: Vec<String> = self.upstreams.mistakes("upstreams").iter().map(ToString::to_string).collect();
        mistakes.extend(self.retries.mistakes("retries").iter().map(ToString::to_string));
        for (context, _) in CONTEXTS {
            for url in self.of(context) {
                if let Err(problem) = url.parse::<bojagi_gateway::Target>() {
                    mistakes.push(format!("{context}: {url:?} {problem}"));
                } else if !url.starts_with("https://") {
                    mistakes.push(format!(
                        "{context}: {url:?} must begin with https://: services know each other by their certificates"
                    ));
                }
            }
        }
        mistakes
    }

    /// The URLs of the servers of a context.
    #[must_use]
    pub fn of(&self, context: &str) -> &[String] {
        match context {
            bojagi_user::NAME => &self.user,
            bojagi_item::NAME => &self.item,
            bojagi_coupon::NAME => &self.coupon,
            bojagi_order::NAME => &self.order,
            bojagi_payment::NAME => &self.payment,
            bojagi_settlement::NAME => &self.settlement,
            _ => &[],
        }
    }

    /// Says where the servers of a context are.
    pub fn place(&mut self, context: &str, urls: Vec<String>) {
        match context {
            bojagi_user::NAME => self.user = urls,
            bojagi_item::NAME => self.item = urls,
            bojagi_coupon::NAME => self.coupon = urls,
            bojagi_order::NAME => self.order = urls,
            bojagi_payment::NAME => self.payment = urls,
            bojagi_settlement::NAME => self.settlement = urls,
            _ => {}
        }
    }

    /// A mistake for each context that one of these workloads calls, that is not among them, and of which nobody says where it
    /// is.
    pub(crate) fn missing_for(&self, workloads: &[&'static str]) -> Vec<String> {
        let elsewhere = |context: &str| !workloads.contains(&context) && self.of(context).is_empty();
        let missing = CONTEXTS.iter().map(|(context, _)| *context).filter(|context| elsewhere(context));
        missing
            .filter_map(|context| {
                let asker = workloads.iter().find(|workload| calls(workload, context))?;
                Some(format!("services.{context}: is empty, and {asker} calls it; name its servers, https://HOST:PORT"))
            })
            .collect()
    }
}

/// Whether a workload calls a context: the contracts name those whom internal methods are for, and the gateway carries the calls
/// of customers to every context.
pub(crate) fn calls(workload: &str, context: &str) -> bool {
    let of_context = format!("/bojagi.{context}.");
    let meant =
        METHODS.iter().filter(|method| method.path.starts_with(&of_context)).any(|method| match method.access {
            Access::Internal(workloads) => workloads.contains(&workload),
            Access::Public | Access::SignedIn | Access::Roles(_) => false,
        });
    meant || workload == GATEWAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MeshSettings;

    #[test]
    fn who_calls_whom_is_what_the_contracts_say() {
        let called_by = |workload: &str| {
            let called = CONTEXTS.iter().map(|(context, _)| *context).filter(|context| calls(workload, context));
            called.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(called_by("order"), "user item coupon payment");
        assert_eq!(called_by("settlement"), "user order payment");
        assert_eq!(called_by("item"), "user");
        assert_eq!(called_by(GATEWAY), "user item coupon order payment settlement");
    }

    #[test]
    fn what_a_process_needs_is_told_at_once() {
        let mut services = MeshSettings::defaults().unwrap().services;
        assert_eq!(services.missing_for(&["order"]).len(), 4);
        services.place("user", vec!["https://127.0.0.1:1".into()]);
        let missing = services.missing_for(&["order", "item"]);
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].starts_with("services.coupon: is empty, and order calls it"), "{missing:?}");
    }

    #[test]
    fn mistakes_of_these_sections_are_told_with_all_others() {
        let environment = [
            ("BOJAGI_SERVICES__ITEM", "http://item:9090,item"),
            ("BOJAGI_SERVICES__RETRIES__ATTEMPTS", "0"),
            ("BOJAGI_SERVE__LISTEN", "here"),
            ("BOJAGI_SERVE__CONNECTIONS__MAX", "0"),
        ];
        let named = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mistakes = MeshSettings::load(None, named).err().unwrap();
        assert_eq!(mistakes.0.len(), 5, "{mistakes}");
    }
}
