//! How an error looks in the Connect protocol: an HTTP status, and JSON that says more.
//! <https://connectrpc.com/docs/protocol#error-codes>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::StatusCode;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::contracts::Contracts;

#[derive(Serialize)]
struct Error<'s> {
    code: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'s str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct Detail {
    /// The full name of the message.
    r#type: String,
    /// The message, encoded, in base64 without padding.
    value: String,
    /// The same for people, where its type is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<serde_json::Value>,
}

/// The error as JSON.
pub(super) fn write(status: &Status, contracts: &Contracts) -> Vec<u8> {
    let details = pb::Status::decode(status.details()).unwrap_or_else(|error| {
        tracing::debug!(%error, "the details of an error are malformed; they are left out");
        pb::Status::default()
    });
    let details = details.details.into_iter().map(|detail| {
        let name = detail.type_url.rsplit('/').next().unwrap_or_default().to_owned();
        Detail {
            debug: shown(&name, &detail.value, contracts),
            value: STANDARD_NO_PAD.encode(&detail.value),
            r#type: name,
        }
    });
    let error = Error { code: name(status.code()), message: status.message(), details: details.collect() };
    // An error is made of texts only, which can always be written.
    serde_json::to_vec(&error).unwrap_or_else(|_| format!(r#"{{"code":"{}"}}"#, error.code).into_bytes())
}

fn shown(full_name: &str, value: &[u8], contracts: &Contracts) -> Option<serde_json::Value> {
    let message = DynamicMessage::decode(contracts.message(full_name)?, value).ok()?;
    serde_json::to_value(message).ok()
}

/// The HTTP status that goes with a code.
pub(super) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // 499, which nginx has made up for a client that has gone.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The names of all codes of errors, in the order of their numbers in gRPC.
pub(crate) const ERROR_CODES: [&str; 16] = [
    "canceled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

fn name(code: Code) -> &'static str {
    // OK, the only code without a name here, is no error.
    let number = usize::try_from(code as i32).unwrap_or_default();
    number.checked_sub(1).and_then(|index| ERROR_CODES.get(index)).copied().unwrap_or("unknown")
}
