//! What can be configured. `config.default.toml` is the documentation of every option and holds its default.

mod reading;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::admin::AdminConfig;
use crate::auth::AuthConfig;
use crate::client_address::ProxiesConfig;
use crate::cluster::ClusterConfig;
use crate::concurrency::LimitConfig;
use crate::config_errors::ConfigMistake;
use crate::cors::CorsRules;
use crate::openapi::OpenApiConfig;
use crate::policies::PoliciesConfig;
use crate::rate_limits::RateLimitConfig;
use crate::retry::RetryConfig;
use crate::routes::RouteConfig;
use crate::tls::{ListenerTlsConfig, UpstreamTlsConfig};

/// The commented defaults, for programs that lay a file of their own over them.
pub const DEFAULT_CONFIG: &str = include_str!("../config.default.toml");

/// The least that HTTP/1.1 needs for the head of a request.
const LEAST_HEADER_LIST_BYTES: u32 = 8192;

/// The configuration of a gateway; see `config.default.toml` for what each option means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct GatewayConfig {
    /// Where a gateway that stands alone listens.
    pub listen: SocketAddr,
    /// What a gateway that stands alone logs.
    pub log: LogConfig,
    /// Whether the files of a gateway that stands alone are watched.
    pub reload: ReloadConfig,
    /// Where calls go, of a gateway that stands alone.
    pub routes: Vec<RouteConfig>,
    /// Who checks tokens, of a gateway that stands alone.
    pub auth: AuthConfig,
    /// Who may call which method, of a gateway that stands alone.
    pub policies: PoliciesConfig,
    /// TLS on the listener.
    pub tls: ListenerTlsConfig,
    /// TLS to upstreams.
    pub upstream_tls: UpstreamTlsConfig,
    /// How the servers of routes are reached and watched.
    pub upstreams: ClusterConfig,
    /// When calls are sent once more.
    pub retries: RetryConfig,
    /// The door for operators.
    pub admin: AdminConfig,
    /// Which proxies stand before the gateway.
    pub proxies: ProxiesConfig,
    /// How much is taken on at a time.
    pub limits: LimitConfig,
    /// How often one caller may call.
    pub rate_limits: RateLimitConfig,
    /// Which web pages may call.
    pub cors: CorsConfig,
    /// How the API is described.
    pub openapi: OpenApiConfig,
    /// How long calls may take.
    pub deadlines: DeadlineConfig,
    /// How long messages may be.
    pub messages: MessageConfig,
    /// Limits of connections.
    pub connections: ConnectionConfig,
    /// What happens when the gateway stops.
    pub drain: DrainConfig,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// In the form of tracing's `EnvFilter`.
    pub filter: String,
    /// For whom the lines are.
    pub format: LogFormat,
}

/// For whom the lines of the log are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Whether files are watched for changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReloadConfig {
    /// Milliseconds between looks at the files; 0 for no looks.
    pub watch_ms: u64,
}

impl ReloadConfig {
    /// The time between looks at the files, if they are looked at.
    #[must_use]
    pub fn interval(self) -> Option<Duration> {
        bounded(self.watch_ms)
    }
}

/// Which web pages may call the gateway from a browser.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CorsConfig {
    /// Exact origins, or `*` alone.
    pub allowed_origins: Vec<String>,
    /// Request headers that a page may set.
    pub allowed_headers: Vec<String>,
    /// Seconds for which a preflight may be remembered.
    pub max_age_seconds: u32,
}

/// How long calls may take, in milliseconds; 0 means without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineConfig {
    /// For a unary call without `grpc-timeout`.
    pub unary_default_ms: u64,
    /// The longest that a unary call may ask for.
    pub unary_cap_ms: u64,
    /// For a streaming call without `grpc-timeout`.
    pub stream_default_ms: u64,
    /// The longest that a streaming call may ask for.
    pub stream_cap_ms: u64,
}

/// How long messages may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MessageConfig {
    /// Bytes of one message of a request, without its five-byte prefix.
    pub max_request_bytes: u32,
    /// Bytes of one message of an answer, without its five-byte prefix.
    pub max_response_bytes: u32,
}

/// Limits of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// Connections at a time.
    pub max: usize,
    /// Connections at a time from one address; 0 for no limit.
    pub max_per_address: usize,
    /// Streams at a time on one HTTP/2 connection.
    pub max_concurrent_streams: u32,
    /// Bytes of the headers of one request.
    pub header_list_bytes: u32,
    /// Milliseconds for the head of an HTTP/1.1 request.
    pub header_ms: u64,
    /// Milliseconds after which a connection is closed that is unused, or whose client has hung up.
    pub idle_ms: u64,
    /// Milliseconds for which a client may take nothing of what is written to it.
    pub stalled_ms: u64,
    /// Milliseconds after which a silent client is asked whether it is still there, by TCP and over HTTP/2 by pings.
    pub keep_alive_interval_ms: u64,
    /// Milliseconds that a client has to answer that.
    pub keep_alive_timeout_ms: u64,
}

/// What happens when the gateway stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DrainConfig {
    /// Milliseconds for running calls to finish.
    pub grace_ms: u64,
    /// Milliseconds for connections to close after that.
    pub close_ms: u64,
}

impl Serialize for GatewayConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl Default for GatewayConfig {
    /// The values of `config.default.toml`.
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test parses it")]
    fn default() -> Self {
        toml::from_str(DEFAULT_CONFIG).expect("config.default.toml has every option")
    }
}

impl GatewayConfig {
    /// Every mistake, so that they can be mended in one go.
    pub fn mistakes(&self) -> Vec<ConfigMistake> {
        let mut mistakes = Vec::new();
        if let Err(of_cors) = CorsRules::read(&self.cors) {
            mistakes.extend(of_cors);
        }
        mistakes.extend(self.openapi.mistakes());

        mistakes.extend(self.admin.mistakes());
        mistakes.extend(self.proxies.mistakes());
        mistakes.extend(self.limits.mistakes());
        mistakes.extend(self.rate_limits.mistakes("rate_limits"));
        mistakes.extend(self.messages.mistakes("messages"));
        let positive = [
            ("connections.max", self.connections.max as u64),
            ("connections.max_concurrent_streams", u64::from(self.connections.max_concurrent_streams)),
            ("connections.header_ms", self.connections.header_ms),
            ("connections.idle_ms", self.connections.idle_ms),
            ("connections.stalled_ms", self.connections.stalled_ms),
            ("connections.keep_alive_interval_ms", self.connections.keep_alive_interval_ms),
            ("connections.keep_alive_timeout_ms", self.connections.keep_alive_timeout_ms),
        ];
        mistakes.extend(must_be_positive(&positive));

        if self.connections.header_list_bytes < LEAST_HEADER_LIST_BYTES {
            mistakes.push(ConfigMistake::new("connections.header_list_bytes", "must be at least 8192"));
        }
        mistakes.extend(self.deadlines.mistakes("deadlines"));
        for (index, route) in self.routes.iter().enumerate() {
            mistakes.extend(route.mistakes(&format!("routes[{index}]")));
        }
        mistakes.extend(self.auth.mistakes());
        mistakes.extend(self.policies.mistakes());
        mistakes.extend(self.tls.mistakes());
        mistakes.extend(self.upstream_tls.mistakes("upstream_tls"));
        mistakes.extend(self.upstreams.mistakes("upstreams"));
        mistakes.extend(self.retries.mistakes("retries"));
        mistakes
    }

    /// Options that only a gateway that stands alone has a use for, and that are set here nonetheless.
    #[must_use]
    pub fn only_for_one_alone(&self) -> Vec<ConfigMistake> {
        let default = Self::default();
        let set = [
            ("listen", self.listen != default.listen),
            ("log", self.log != default.log),
            ("routes", self.routes != default.routes),
            ("auth", self.auth != default.auth),
            ("policies", self.policies != default.policies),
        ];
        let problem = "is only for a gateway that stands alone (`bojagi gateway`)";
        set.into_iter().filter(|(_, is_set)| *is_set).map(|(option, _)| ConfigMistake::new(option, problem)).collect()
    }

    /// The files that the configuration names, which may change while it is in force.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let of_routes = self.routes.iter().flat_map(|route| route.upstream_tls.files());
        let of_auth = self.auth.jwks.files();
        of_routes.chain(of_auth).chain(self.tls.files()).chain(self.policies.files()).cloned().collect()
    }

    /// A route to no endpoint yet, with the settings that hold for all.
    #[must_use]
    pub fn route(&self, prefix: impl Into<String>) -> RouteConfig {
        RouteConfig {
            prefix: prefix.into(),
            endpoints: Vec::new(),
            deadlines: self.deadlines,
            messages: self.messages,
            rate_limits: self.rate_limits,
            upstream_tls: self.upstream_tls.clone(),
            upstreams: self.upstreams.clone(),
            retries: self.retries,
        }
    }
}

impl DeadlineConfig {
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let kinds = [
            ("unary", self.unary_default_ms, self.unary_cap_ms),
            ("stream", self.stream_default_ms, self.stream_cap_ms),
        ];
        let too_long = kinds.into_iter().filter(|(_, default_ms, cap_ms)| exceeds(*default_ms, *cap_ms));
        too_long
            .map(|(kind, ..)| {
                let problem = format!("must not exceed {option}.{kind}_cap_ms");
                ConfigMistake::new(format!("{option}.{kind}_default_ms"), problem)
            })
            .collect()
    }
}

impl MessageConfig {
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        must_be_positive(&[
            (&format!("{option}.max_request_bytes"), u64::from(self.max_request_bytes)),
            (&format!("{option}.max_response_bytes"), u64::from(self.max_response_bytes)),
        ])
    }
}

pub(crate) fn must_be_positive(options: &[(&str, u64)]) -> Vec<ConfigMistake> {
    let zero = options.iter().filter(|(_, value)| *value == 0);
    zero.map(|(option, _)| ConfigMistake::new(*option, "must be greater than 0")).collect()
}

/// Whether a default is past its cap, when 0 stands for "without end" in both. No default under a cap is fine: the cap then holds alone.
fn exceeds(default_ms: u64, cap_ms: u64) -> bool {
    cap_ms != 0 && default_ms > cap_ms
}

/// A time in milliseconds where 0 means that there is none.
pub(crate) fn bounded(milliseconds: u64) -> Option<Duration> {
    (milliseconds != 0).then(|| Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_without_mistakes() {
        let config = GatewayConfig::default();
        assert_eq!(config.mistakes(), Vec::new());
        assert_eq!(config.messages.max_request_bytes, 4 * 1024 * 1024);
        assert_eq!(config.deadlines.unary_default_ms, 30_000);
        assert_eq!(config.connections.header_list_bytes, 16 * 1024);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let misspelt = DEFAULT_CONFIG.replace("grace_ms", "grace_seconds");
        assert!(toml::from_str::<GatewayConfig>(&misspelt).is_err());
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mut config = GatewayConfig::default();
        config.cors.allowed_origins = vec!["shop.example".into(), "*".into()];
        config.messages.max_request_bytes = 0;
        config.connections.header_list_bytes = 100;
        config.deadlines.unary_default_ms = 301_000;
        let options: Vec<_> = config.mistakes().iter().map(|mistake| mistake.option().to_owned()).collect();
        assert_eq!(
            options,
            [
                "cors.allowed_origins",
                "cors.allowed_origins",
                "messages.max_request_bytes",
                "connections.header_list_bytes",
                "deadlines.unary_default_ms",
            ]
        );
    }
}
