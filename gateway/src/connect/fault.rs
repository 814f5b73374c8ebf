//! What may be wrong with a request of the Connect protocol before its message is looked at.

/// An extension of a request that cannot be translated; the layer that answers errors ends the call with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectFault {
    #[error("connect-protocol-version must be 1")]
    Version,
    #[error("connect-timeout-ms must be one to ten digits")]
    Timeout,
    #[error("messages with the encoding {0:?} cannot be read; gzip and identity can")]
    Encoding(String),
    #[error("the query is malformed: {0}")]
    Query(&'static str),
}
