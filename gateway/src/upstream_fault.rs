//! What an upstream may do wrong, and the status that a client gets for it.
//! The mappings are those of <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors> and
//! <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>.

use std::error::Error;

use h2::Reason;
use http::StatusCode;
use tonic::{Code, Status};
use tower::BoxError;

use crate::cluster::{ClusterRefusal, ExchangeError};
use crate::frame::FrameError;

/// Why an answer of an upstream cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamFault {
    /// No answer, or an answer that broke off.
    #[error("the upstream failed")]
    Failed(#[source] BoxError),
    /// The call was not sent, or not looked at.
    #[error(transparent)]
    Refused(#[from] ClusterRefusal),
    #[error("the upstream answered with HTTP status {}", .0.as_u16())]
    HttpStatus(StatusCode),
    #[error("the upstream answered with content-type {0:?}, which is not gRPC")]
    NotGrpc(String),
    #[error("the upstream ended its answer without trailers")]
    NoTrailers,
    #[error("the upstream ended its answer without a grpc-status")]
    NoStatus,
    #[error("the upstream ended its answer with a grpc-status that is no number")]
    MalformedStatus,
    #[error("the upstream sent messages after it had ended its answer with a grpc-status in the headers")]
    MessagesAfterStatus,
    #[error("the upstream did not answer with exactly one message")]
    MessageCount,
    #[error("the answer of the upstream cannot be written as JSON: {0}")]
    NoJson(String),
    #[error("the answer of the upstream is malformed: {0}")]
    Frame(#[from] FrameError),
}

impl UpstreamFault {
    /// The status code for the client.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Failed(error) => code_of_failure(error.as_ref()),
            Self::Refused(ClusterRefusal::Overloaded) => Code::ResourceExhausted,
            Self::Refused(ClusterRefusal::Unreachable | ClusterRefusal::NotTaken(_)) => Code::Unavailable,
            Self::HttpStatus(status) => code_of_http(*status),
            Self::Frame(FrameError::TooLong { .. }) => Code::ResourceExhausted,
            // A stream that ends without trailers was cut by somebody between; what ends with the wrong ones was written by the upstream.
            Self::NoTrailers | Self::MessageCount | Self::NoJson(_) | Self::Frame(_) => Code::Internal,
            Self::NotGrpc(_) | Self::NoStatus | Self::MalformedStatus | Self::MessagesAfterStatus => Code::Unknown,
        }
    }

    /// The status code that the client is told in the end.
    pub(crate) fn told_code(&self) -> Code {
        self.deliberate_status().map_or_else(|| self.code(), Status::code)
    }

    /// The reason in the error details.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Failed(_) => "UPSTREAM_FAILED",
            Self::Refused(ClusterRefusal::Overloaded) => "UPSTREAM_OVERLOADED",
            Self::Refused(ClusterRefusal::Unreachable | ClusterRefusal::NotTaken(_)) => "UPSTREAM_UNREACHABLE",
            Self::HttpStatus(_) => "UPSTREAM_HTTP_STATUS",
            _ => "UPSTREAM_MALFORMED",
        }
    }

    /// What became of a call that an upstream did not answer.
    pub(crate) fn of_failure(error: BoxError) -> Self {
        let error = match error.downcast::<ClusterRefusal>() {
            Ok(refusal) => return Self::Refused(*refusal),
            Err(error) => error,
        };
        match error.downcast::<ExchangeError>().map(|error| *error) {
            Ok(ExchangeError::Refused(refusal)) => Self::Refused(refusal),
            Ok(failed @ ExchangeError::Http2(_)) => Self::Failed(failed.into()),
            Err(error) => Self::Failed(error),
        }
    }

    /// Whether the upstream has certainly done nothing for the call, so that it may be sent once more whatever it does.
    pub(crate) fn is_untouched(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(refusal, ClusterRefusal::Overloaded),
            Self::Failed(error) => reset_of(error.as_ref()) == Some(Reason::REFUSED_STREAM),
            _ => false,
        }
    }

    /// The status that an in-process service failed with on purpose; it is passed on as it is.
    pub(crate) fn deliberate_status(&self) -> Option<&Status> {
        let Self::Failed(error) = self else { return None };
        // A status that has a source was made of a transport error, whose text is not for the caller.
        error.downcast_ref::<Status>().filter(|status| status.source().is_none())
    }
}

/// The status code of a body that failed with this status: its own where a service gave it, else that of what is behind it.
pub(crate) fn code_of_status(status: &Status) -> Code {
    if status.source().is_none() { status.code() } else { code_of_failure(status) }
}

fn code_of_failure(error: &(dyn Error + 'static)) -> Code {
    match http2_error(error) {
        // A server that leaves has not done what it was asked, whatever the code by which it says so.
        Some(left) if left.is_go_away() && left.is_remote() => Code::Unavailable,
        Some(error) => error.reason().map_or(Code::Unavailable, code_of_reset),
        None => Code::Unavailable,
    }
}

/// The code with which HTTP/2 ended the stream or the connection, if it did.
fn reset_of(error: &(dyn Error + 'static)) -> Option<Reason> {
    http2_error(error).and_then(h2::Error::reason)
}

fn http2_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e h2::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn code_of_reset(reason: Reason) -> Code {
    match reason {
        Reason::NO_ERROR
        | Reason::PROTOCOL_ERROR
        | Reason::INTERNAL_ERROR
        | Reason::FLOW_CONTROL_ERROR
        | Reason::SETTINGS_TIMEOUT
        | Reason::FRAME_SIZE_ERROR
        | Reason::COMPRESSION_ERROR
        | Reason::CONNECT_ERROR => Code::Internal,
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Unknown,
    }
}

pub(crate) fn code_of_http(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(error: impl Into<BoxError>) -> Code {
        UpstreamFault::Failed(error.into()).code()
    }

    #[test]
    fn resets_by_their_code() {
        for (reason, code) in [
            (Reason::NO_ERROR, 13),
            (Reason::PROTOCOL_ERROR, 13),
            (Reason::INTERNAL_ERROR, 13),
            (Reason::FLOW_CONTROL_ERROR, 13),
            (Reason::FRAME_SIZE_ERROR, 13),
            (Reason::COMPRESSION_ERROR, 13),
            (Reason::CONNECT_ERROR, 13),
            (Reason::REFUSED_STREAM, 14),
            (Reason::CANCEL, 1),
            (Reason::ENHANCE_YOUR_CALM, 8),
            (Reason::INADEQUATE_SECURITY, 7),
            (Reason::STREAM_CLOSED, 2),
        ] {
            assert_eq!(code_of(h2::Error::from(reason)) as i32, code, "{reason:?}");
            let inside_a_status = Status::from_error(Box::new(h2::Error::from(reason)));
            assert_eq!(code_of(inside_a_status) as i32, code, "{reason:?} inside a status");
        }
    }

    #[test]
    fn http_statuses_by_their_number() {
        for (status, code) in
            [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (302, 2), (500, 2)]
        {
            let fault = UpstreamFault::HttpStatus(StatusCode::from_u16(status).unwrap());
            assert_eq!(fault.code() as i32, code, "{status}");
        }
    }

    #[test]
    fn a_lost_connection_is_unavailable() {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(code_of(Status::from_error(Box::new(lost))), Code::Unavailable);
    }

    #[test]
    fn only_a_status_made_on_purpose_is_passed_on() {
        let on_purpose = UpstreamFault::Failed(Status::data_loss("the disk is gone").into());
        assert_eq!(on_purpose.deliberate_status().unwrap().code(), Code::DataLoss);
        let accident = Status::from_error(Box::new(h2::Error::from(Reason::CANCEL)));
        assert!(UpstreamFault::Failed(accident.into()).deliberate_status().is_none());
    }
}
