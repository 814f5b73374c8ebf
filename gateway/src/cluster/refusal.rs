//! Why a cluster does not take a call.

/// The cluster did not send the call to any endpoint, or it knows that the endpoint did not look at it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterRefusal {
    /// As many calls run as may, or as the endpoints take. Becomes RESOURCE_EXHAUSTED `UPSTREAM_OVERLOADED`.
    #[error("the upstream has as many calls as it may have at a time")]
    Overloaded,
    /// There is no endpoint that could be asked. Becomes UNAVAILABLE `UPSTREAM_UNREACHABLE`.
    #[error("no server of the upstream can be reached")]
    Unreachable,
    /// The connection was given up before the endpoint looked at the call. Becomes UNAVAILABLE `UPSTREAM_UNREACHABLE`.
    #[error("the server of the upstream did not take the call")]
    NotTaken(#[source] h2::Error),
}
