//! What can be configured about the servers of a route.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{GatewayConfig, must_be_positive};
use crate::config_errors::ConfigMistake;

/// HTTP/2 allows no larger window.
const WIDEST_WINDOW: u32 = (1 << 31) - 1;

/// How the servers of a route are reached and watched; see `[upstreams]` in `config.default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// Milliseconds for a connection to be opened, TLS included.
    pub connect_ms: u64,
    /// Milliseconds of the first pause after a connection could not be opened; every further pause is twice as long.
    pub reconnect_first_ms: u64,
    /// Milliseconds of the longest pause.
    pub reconnect_longest_ms: u64,
    /// Milliseconds between two looks at the addresses of a name.
    pub resolve_ms: u64,
    /// Milliseconds between HTTP/2 pings; 0 for none.
    pub keep_alive_interval_ms: u64,
    /// Milliseconds that an endpoint has to answer a ping.
    pub keep_alive_timeout_ms: u64,
    /// Connections to one endpoint. Another one is opened when the endpoint allows no more calls on those there are.
    pub max_connections: usize,
    /// Calls to all endpoints together, at a time.
    pub max_in_flight: usize,
    /// Bytes of an answer that may be on their way before the client has taken them, for each call.
    pub window_bytes: u32,
    /// Percentage of usable endpoints below which health and ejections are ignored; 0 for never.
    pub panic_percent: u8,
    /// Whether endpoints are asked how they are.
    pub health: HealthConfig,
    /// When endpoints that fail are left alone.
    pub ejection: EjectionConfig,
}

/// Whether endpoints are asked how they are, by `grpc.health.v1.Health/Watch`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HealthConfig {
    /// Whether they are asked.
    pub watch: bool,
    /// The service that is asked about; empty for the server as a whole.
    pub service: String,
}

/// When endpoints that fail are left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EjectionConfig {
    /// Failures in a row that eject an endpoint; 0 for never.
    pub consecutive_failures: u32,
    /// Milliseconds over which success rates are compared; 0 for no comparison.
    pub window_ms: u64,
    /// Calls in a window from which on an endpoint has a success rate.
    pub success_rate_calls: u32,
    /// Endpoints with a success rate from which on they are compared.
    pub success_rate_endpoints: usize,
    /// How far below the mean a success rate may be, in hundredths of a standard deviation.
    pub success_rate_deviation_percent: u32,
    /// Milliseconds of the first ejection; every further one is longer by as much.
    pub base_ms: u64,
    /// Milliseconds of the longest ejection.
    pub longest_ms: u64,
    /// Percentage of the endpoints that may be ejected at a time.
    pub max_percent: u8,
}

impl ClusterConfig {
    /// Every mistake; `option` is where it stands in the configuration.
    #[must_use]
    pub fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let named = |name: &str| format!("{option}.{name}");
        let mut mistakes = must_be_positive(&[
            (&named("connect_ms"), self.connect_ms),
            (&named("reconnect_first_ms"), self.reconnect_first_ms),
            (&named("resolve_ms"), self.resolve_ms),
            (&named("keep_alive_timeout_ms"), self.keep_alive_timeout_ms),
            (&named("max_connections"), self.max_connections as u64),
            (&named("max_in_flight"), self.max_in_flight as u64),
            (&named("window_bytes"), u64::from(self.window_bytes)),
            (&named("ejection.base_ms"), self.ejection.base_ms),
            (
                &named("ejection.success_rate_deviation_percent"),
                u64::from(self.ejection.success_rate_deviation_percent),
            ),
        ]);
        if self.reconnect_longest_ms < self.reconnect_first_ms {
            let problem = format!("must not be less than {option}.reconnect_first_ms");
            mistakes.push(ConfigMistake::new(named("reconnect_longest_ms"), problem));
        }
        if self.window_bytes > WIDEST_WINDOW {
            mistakes.push(ConfigMistake::new(named("window_bytes"), "must be at most 2147483647"));
        }
        if self.ejection.longest_ms < self.ejection.base_ms {
            let problem = format!("must not be less than {option}.ejection.base_ms");
            mistakes.push(ConfigMistake::new(named("ejection.longest_ms"), problem));
        }
        let percentages = [("panic_percent", self.panic_percent), ("ejection.max_percent", self.ejection.max_percent)];
        for (name, _) in percentages.into_iter().filter(|(_, percent)| *percent > 100) {
            mistakes.push(ConfigMistake::new(named(name), "must be at most 100"));
        }
        mistakes
    }

    /// The pause before an endpoint is tried again. It doubles from attempt to attempt, and a random fifth of it is left out, so that gateways
    /// do not come back all at once.
    pub(crate) fn pause(&self, attempts_failed: u32) -> Duration {
        let doubled = self.reconnect_first_ms.saturating_mul(1_u64.checked_shl(attempts_failed).unwrap_or(u64::MAX));
        let pause = Duration::from_millis(doubled.min(self.reconnect_longest_ms));
        pause.mul_f64(rand::random_range(0.8..=1.0))
    }
}

impl Default for ClusterConfig {
    /// The values of `config.default.toml`.
    fn default() -> Self {
        GatewayConfig::default().upstreams
    }
}
