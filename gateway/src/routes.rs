//! Which path leads to which upstream, and what holds for the calls that go there.
//!
//! A route of the configuration may hold sections that the configuration has as a whole, such as `deadlines`; what it does not name there is
//! inherited, so that every route knows all of its settings.

mod inheritance;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cluster::{ClusterConfig, Target};
use crate::config::{DeadlineConfig, MessageConfig};
use crate::config_errors::ConfigMistake;
use crate::deadline::DeadlineRules;
use crate::rate_limits::RateLimitConfig;
use crate::retry::{RetryConfig, RetryRules};
use crate::tls::UpstreamTlsConfig;
use crate::upstream::Upstream;

pub(crate) use inheritance::inherit;

/// Where calls of some methods go, and what holds for them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// What the paths of its calls begin with, such as `/bojagi.order.v1.`. The longest prefix wins.
    pub prefix: String,
    /// The URLs of the servers, `http://HOST:PORT` or `https://HOST:PORT`; a name stands for every address it resolves to.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// How long its calls may take.
    pub deadlines: DeadlineConfig,
    /// How long their messages may be.
    pub messages: MessageConfig,
    /// How often one caller may call its methods.
    pub rate_limits: RateLimitConfig,
    /// How TLS to its endpoints is spoken.
    pub upstream_tls: UpstreamTlsConfig,
    /// How its endpoints are reached and watched.
    pub upstreams: ClusterConfig,
    /// When its calls are sent once more.
    pub retries: RetryConfig,
}

impl RouteConfig {
    /// Every mistake in what this route says by itself; `option` is where it stands in the configuration.
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let mut mistakes = Vec::new();
        if self.endpoints.is_empty() {
            mistakes.push(ConfigMistake::new(format!("{option}.endpoints"), "name no server"));
        }
        for endpoint in &self.endpoints {
            if let Err(problem) = endpoint.parse::<Target>() {
                mistakes.push(ConfigMistake::new(format!("{option}.endpoints"), format!("{endpoint:?} {problem}")));
            }
        }
        mistakes.extend(self.deadlines.mistakes(&format!("{option}.deadlines")));
        mistakes.extend(self.messages.mistakes(&format!("{option}.messages")));
        mistakes.extend(self.rate_limits.mistakes(&format!("{option}.rate_limits")));
        mistakes.extend(self.upstream_tls.mistakes(&format!("{option}.upstream_tls")));
        mistakes.extend(self.upstreams.mistakes(&format!("{option}.upstreams")));
        mistakes.extend(self.retries.mistakes(&format!("{option}.retries")));
        mistakes
    }
}

/// A route that is open: what holds for its calls, and who answers them.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) settings: Arc<RouteSettings>,
    pub(crate) upstream: Upstream,
}

/// The configuration of a route, and what layers have made of it so that it costs a call nothing.
pub(crate) struct RouteSettings {
    pub(crate) config: RouteConfig,
    pub(crate) deadlines: DeadlineRules,
    pub(crate) retries: RetryRules,
}

impl Route {
    pub(crate) fn new(config: RouteConfig, upstream: Upstream) -> Self {
        let deadlines = DeadlineRules::new(config.deadlines);
        let retries = RetryRules::new(config.retries);
        Self { settings: Arc::new(RouteSettings { config, deadlines, retries }), upstream }
    }
}

/// Routes by path prefix.
#[derive(Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
}

impl Routes {
    pub(crate) fn add(&mut self, config: RouteConfig, upstream: Upstream) {
        self.routes.push(Route::new(config, upstream));
    }

    /// The route with the longest prefix of `path`.
    pub(crate) fn find(&self, path: &str) -> Option<&Route> {
        let leading = self.routes.iter().filter(|route| path.starts_with(&route.settings.config.prefix));
        leading.max_by_key(|route| route.settings.config.prefix.len())
    }

    pub(crate) fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.settings.config.prefix.as_str())
    }

    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        let mut mistakes = Vec::new();
        for (index, prefix) in self.prefixes().enumerate() {
            let option = format!("route {prefix:?}");
            if !prefix.starts_with('/') {
                mistakes.push(ConfigMistake::new(&option, "must begin with /"));
            }
            if self.prefixes().take(index).any(|earlier| earlier == prefix) {
                mistakes.push(ConfigMistake::new(&option, "is given twice"));
            }
        }
        mistakes
    }
}

#[cfg(test)]
mod tests;
