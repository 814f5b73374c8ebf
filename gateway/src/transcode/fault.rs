//! Why a call of the Connect protocol cannot be handed on.

use crate::compression::GzipError;

/// What is wrong with a call, once its method is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TranscodeFault {
    #[error("the method streams, and over this protocol there is one message each way; call it by gRPC-Web or gRPC")]
    Streams,
    #[error("a GET can only call methods that are marked as having no side effects; use POST")]
    NotByGet,
    #[error("the gateway has no contract of the method, so it cannot translate JSON; use application/proto")]
    NoContract,
    /// The place is a path such as `lines[0].quantity`, empty for the whole message. As far as it is known it holds nothing that somebody has
    /// written into the message.
    #[error("the request is not the JSON of its message: {problem}")]
    Json { place: String, known_place: String, problem: String },
    #[error(transparent)]
    Gzip(#[from] GzipError),
}
