//! How a cluster is now, for people and for metrics.

use serde::Serialize;

/// How a cluster is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterStatus {
    /// Every endpoint, in the order of the configuration and of the resolver.
    pub endpoints: Vec<EndpointStatus>,
    /// Whether so few endpoints are usable that health and ejections are ignored (`panic_percent`).
    pub panicking: bool,
    /// Calls that run now, at all endpoints together.
    pub in_flight: usize,
    /// Calls that may run at a time.
    pub max_in_flight: usize,
    /// Calls that were refused because as many ran as may, since the start.
    pub refused_overloaded: u64,
    /// Calls for which there was no endpoint, since the start.
    pub refused_unreachable: u64,
    /// Why names could not be resolved the last time; absent when all could.
    pub resolve_error: Option<String>,
}

/// How one endpoint is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointStatus {
    /// The host and port of its URL.
    pub authority: String,
    /// The address that stands for it.
    pub address: String,
    /// Whether there is a connection to it.
    pub connection: EndpointConnection,
    /// How many connections there are to it: more than one while it has more calls than it allows on one.
    pub connections: usize,
    /// Why the last connection could not be opened or was lost.
    pub connection_error: Option<String>,
    /// What it says about itself.
    pub health: EndpointHealth,
    /// Milliseconds until it is tried again, while it is ejected.
    pub ejected_for_ms: Option<u64>,
    /// How often it was ejected.
    pub ejections: u64,
    /// Calls that run there now.
    pub in_flight: usize,
    /// Calls that were sent there, since it is known.
    pub calls: u64,
    /// Those of them that it failed: UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS, or no status at all.
    pub failures: u64,
}

/// Whether there is a connection to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointConnection {
    /// One is being opened.
    Connecting,
    /// There is one.
    Connected,
    /// The last attempt failed, and the next one waits for its time.
    Waiting,
}

/// What an endpoint says about itself by `grpc.health.v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointHealth {
    /// It is not asked, or does not know the question.
    Unwatched,
    /// It has not answered yet.
    Unknown,
    /// SERVING.
    Serving,
    /// Anything else.
    NotServing,
}

impl EndpointHealth {
    /// Whether it may get calls.
    pub(crate) const fn allows_calls(self) -> bool {
        matches!(self, Self::Unwatched | Self::Serving)
    }
}
