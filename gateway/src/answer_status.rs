//! The status of an answer, read where it may stand: in the headers, in the trailers, or in the HTTP status of something that is no gRPC.

use http::response::Parts;
use http::{HeaderMap, StatusCode};
use tonic::{Code, Status};

use crate::upstream_fault::code_of_http;

/// The status that the head of an answer gives, if it gives one.
pub(crate) fn of_head(head: &Parts) -> Option<Code> {
    of_trailers(&head.headers).or_else(|| (head.status != StatusCode::OK).then(|| code_of_http(head.status)))
}

/// The status in trailers, or in headers that stand for them.
pub(crate) fn of_trailers(trailers: &HeaderMap) -> Option<Code> {
    trailers.get(Status::GRPC_STATUS).map(|status| Code::from_bytes(status.as_bytes()))
}
