//! Every reason for which the gateway itself ends a call, and the one place that makes a gRPC status of each.

use std::collections::HashMap;

use http::HeaderValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::admit::{RoleRequired, TokenMissing, UnknownMethod};
use crate::compression::GzipError;
use crate::concurrency::TooManyCalls;
use crate::connect::ConnectFault;
use crate::deadline::DeadlineExceeded;
use crate::drain::Closing;
use crate::frame::FrameError;
use crate::grpc_timeout::MalformedTimeout;
use crate::grpc_web::RequestFault;
use crate::identity::AuthenticationFailure;
use crate::rate_limits::RateLimited;
use crate::transcode::TranscodeFault;
use crate::upstream_fault::UpstreamFault;

/// The domain of all reasons in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "bojagi.gateway";

/// The reason for which the gateway ended a call before its answer began; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason(pub(crate) &'static str);

/// Why the gateway ends a call. Each layer has a small error of its own; they meet here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(transparent)]
    UnknownMethod(#[from] UnknownMethod),
    #[error(transparent)]
    TokenMissing(#[from] TokenMissing),
    #[error(transparent)]
    Token(#[from] AuthenticationFailure),
    #[error(transparent)]
    RoleRequired(#[from] RoleRequired),
    #[error(transparent)]
    MalformedTimeout(#[from] MalformedTimeout),
    #[error(transparent)]
    DeadlineExceeded(#[from] DeadlineExceeded),
    #[error(transparent)]
    TooManyCalls(#[from] TooManyCalls),
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    #[error(transparent)]
    Closing(#[from] Closing),
    #[error(transparent)]
    Request(#[from] RequestFault),
    #[error(transparent)]
    Connect(#[from] ConnectFault),
    #[error(transparent)]
    Transcode(#[from] TranscodeFault),
    #[error(transparent)]
    Upstream(#[from] UpstreamFault),
}

impl Cause {
    /// The status for the client. What went wrong inside stays inside: the message is a sentence about the call.
    pub(crate) fn to_status(&self) -> Status {
        if let Self::Upstream(fault) = self
            && let Some(status) = fault.deliberate_status()
        {
            let (code, message, metadata) = (status.code(), status.message(), status.metadata().clone());
            return Status::with_details_and_metadata(code, message, status.details().to_vec().into(), metadata);
        }
        let (code, reason) = self.code_and_reason();
        if self.is_grpc_as_usual() {
            return Status::new(code, self.to_string());
        }
        let mut metadata = HashMap::new();
        if let Self::RoleRequired(RoleRequired { roles }) = self {
            metadata.insert("roles".to_owned(), roles.clone());
        }
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        if let Some((field, problem)) = self.violation() {
            details.add_bad_request_violation(field, problem);
        }
        if let Self::RateLimited(RateLimited { retry_after }) = self {
            details.set_retry_info(Some(*retry_after));
        }
        Status::with_error_details(code, self.to_string(), details)
    }

    /// Whether every client or server would have come to the same status by itself, without a gateway. Then it is told in the same way, so
    /// that nobody can tell the difference: a code and a sentence, no details.
    fn is_grpc_as_usual(&self) -> bool {
        matches!(
            self,
            Self::UnknownMethod(_)
                | Self::Connect(ConnectFault::Encoding(_))
                | Self::DeadlineExceeded(_)
                | Self::Upstream(UpstreamFault::HttpStatus(_))
        )
    }

    /// Which field of the request is wrong, and how.
    fn violation(&self) -> Option<(&str, String)> {
        match self {
            Self::MalformedTimeout(malformed) => Some(("grpc-timeout", malformed.to_string())),
            Self::Connect(ConnectFault::Timeout) => Some(("connect-timeout-ms", self.to_string())),
            Self::Transcode(TranscodeFault::Json { place, problem, .. }) => Some((place, problem.clone())),
            _ => None,
        }
    }

    /// The challenge that goes with a refusal, RFC 6750.
    pub(crate) fn www_authenticate(&self) -> Option<HeaderValue> {
        let challenge = match self {
            Self::TokenMissing(_) => r#"Bearer realm="bojagi""#,
            Self::Token(AuthenticationFailure::Invalid) => {
                r#"Bearer realm="bojagi", error="invalid_token", error_description="the token is not valid""#
            }
            Self::Token(AuthenticationFailure::Expired) => {
                r#"Bearer realm="bojagi", error="invalid_token", error_description="the token has expired""#
            }
            Self::RoleRequired(_) => r#"Bearer realm="bojagi", error="insufficient_scope""#,
            _ => return None,
        };
        Some(HeaderValue::from_static(challenge))
    }

    /// Its reason, for layers further out that have a way of their own to say it.
    pub(crate) fn reason(&self) -> Reason {
        Reason(self.code_and_reason().1)
    }

    /// Writes the cause to the log, once; the client does not get to see what is behind it.
    pub(crate) fn log(&self) {
        let (code, reason) = self.code_and_reason();
        match self {
            Self::Upstream(fault) => {
                let source = std::error::Error::source(fault).map(tracing::field::display);
                tracing::warn!(?code, reason, error = %fault, source, "an upstream failed a call");
            }
            // What is wrong with a message is said with what stands in it, and that is for its sender alone.
            Self::Transcode(TranscodeFault::Json { known_place, .. }) => {
                tracing::debug!(?code, reason, place = known_place, "the gateway ended a call");
            }
            _ => tracing::debug!(?code, reason, error = %self, "the gateway ended a call"),
        }
    }

    /// The reason for which the gateway ends the call; `None` where a service ended it itself.
    pub(crate) fn reason_of_gateway(&self) -> Option<&'static str> {
        match self {
            Self::Upstream(fault) if fault.deliberate_status().is_some() => None,
            _ => Some(self.code_and_reason().1),
        }
    }

    fn code_and_reason(&self) -> (Code, &'static str) {
        match self {
            Self::UnknownMethod(_) => (Code::Unimplemented, "METHOD_UNKNOWN"),
            Self::TokenMissing(_) => (Code::Unauthenticated, "TOKEN_MISSING"),
            Self::Token(AuthenticationFailure::Invalid) => (Code::Unauthenticated, "TOKEN_INVALID"),
            Self::Token(AuthenticationFailure::Expired) => (Code::Unauthenticated, "TOKEN_EXPIRED"),
            Self::Token(AuthenticationFailure::Unavailable) => (Code::Unavailable, "KEYS_UNAVAILABLE"),
            Self::RoleRequired(_) => (Code::PermissionDenied, "ROLE_REQUIRED"),
            Self::MalformedTimeout(_) => (Code::InvalidArgument, "TIMEOUT_MALFORMED"),
            Self::DeadlineExceeded(_) => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Self::TooManyCalls(_) => (Code::ResourceExhausted, "OVERLOADED"),
            Self::RateLimited(_) => (Code::ResourceExhausted, "RATE_LIMITED"),
            Self::Closing(_) => (Code::Unavailable, "GATEWAY_CLOSING"),
            Self::Request(RequestFault::Frame(FrameError::TooLong { .. })) => {
                (Code::ResourceExhausted, "MESSAGE_TOO_LONG")
            }
            Self::Request(RequestFault::BrokenOff) => (Code::Cancelled, "REQUEST_BROKEN_OFF"),
            Self::Request(RequestFault::Frame(_) | RequestFault::Text(_)) => (Code::Internal, "REQUEST_MALFORMED"),
            Self::Connect(ConnectFault::Timeout) => (Code::InvalidArgument, "TIMEOUT_MALFORMED"),
            Self::Connect(ConnectFault::Encoding(_)) => (Code::Unimplemented, "ENCODING_UNKNOWN"),
            Self::Connect(ConnectFault::Version | ConnectFault::Query(_)) => {
                (Code::InvalidArgument, "REQUEST_MALFORMED")
            }
            Self::Transcode(TranscodeFault::Streams) => (Code::Unimplemented, "METHOD_STREAMS"),
            Self::Transcode(TranscodeFault::NotByGet) => (Code::Unimplemented, "METHOD_NOT_BY_GET"),
            Self::Transcode(TranscodeFault::NoContract) => (Code::Unimplemented, "JSON_UNAVAILABLE"),
            Self::Transcode(TranscodeFault::Json { .. }) => (Code::InvalidArgument, "JSON_MALFORMED"),
            Self::Transcode(TranscodeFault::Gzip(GzipError::TooLong { .. })) => {
                (Code::ResourceExhausted, "MESSAGE_TOO_LONG")
            }
            Self::Transcode(TranscodeFault::Gzip(GzipError::Malformed)) => (Code::InvalidArgument, "REQUEST_MALFORMED"),
            Self::Upstream(fault) => (fault.code(), fault.reason()),
        }
    }
}
