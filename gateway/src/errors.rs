//! Every reason for which the gateway itself ends a call, and the one place that makes a gRPC status of each.

use std::collections::HashMap;

use http::HeaderValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::admit::{RoleRequired, TokenMissing, UnknownMethod};
use crate::deadline::DeadlineExceeded;
use crate::drain::Closing;
use crate::frame::FrameError;
use crate::grpc_timeout::MalformedTimeout;
use crate::grpc_web::RequestFault;
use crate::identity::AuthenticationFailure;
use crate::upstream_fault::UpstreamFault;

/// The domain of all reasons in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "bojagi.gateway";

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
    Closing(#[from] Closing),
    #[error(transparent)]
    Request(#[from] RequestFault),
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
        if let Self::MalformedTimeout(malformed) = self {
            details.add_bad_request_violation("grpc-timeout", malformed.to_string());
        }
        Status::with_error_details(code, self.to_string(), details)
    }

    /// Whether every gRPC client would have come to the same status by itself, without a gateway. Then it is told in the same way, so that
    /// nobody can tell the difference: a code and a sentence, no details.
    fn is_grpc_as_usual(&self) -> bool {
        matches!(self, Self::DeadlineExceeded(_) | Self::Upstream(UpstreamFault::HttpStatus(_)))
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

    /// Writes the cause to the log, once; the client does not get to see what is behind it.
    pub(crate) fn log(&self) {
        let (code, reason) = self.code_and_reason();
        match self {
            Self::Upstream(fault) => {
                let source = std::error::Error::source(fault).map(tracing::field::display);
                tracing::warn!(?code, reason, error = %fault, source, "an upstream failed a call");
            }
            _ => tracing::debug!(?code, reason, error = %self, "the gateway ended a call"),
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
            Self::Closing(_) => (Code::Unavailable, "GATEWAY_CLOSING"),
            Self::Request(RequestFault::Frame(FrameError::TooLong { .. })) => {
                (Code::ResourceExhausted, "MESSAGE_TOO_LONG")
            }
            Self::Request(RequestFault::BrokenOff) => (Code::Cancelled, "REQUEST_BROKEN_OFF"),
            Self::Request(RequestFault::Frame(_) | RequestFault::Text(_)) => (Code::Internal, "REQUEST_MALFORMED"),
            Self::Upstream(fault) => (fault.code(), fault.reason()),
        }
    }
}
