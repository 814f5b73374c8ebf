//! The one place that turns a `Failure` into a `tonic::Status`, and a peer's status back into a `Failure`.

use std::borrow::Cow;

use bojagi_kernel::{Failure, Kind, Refusal, Violation};
use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Answers a call of the context `domain` with what `work` comes to.
///
/// # Errors
/// The status of the failure.
pub async fn to<T>(
    domain: &'static str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<Response<T>, Status> {
    work.await.map(Response::new).map_err(|failure| status(domain, failure))
}

/// The status of a failure in the context `domain`. What broke is logged here, once, and not told.
#[must_use]
pub fn status(domain: &'static str, failure: Failure) -> Status {
    match failure {
        Failure::Refused(refusal) => refused(&refusal),
        Failure::Unavailable(cause) => {
            tracing::warn!(domain, %cause, "unavailable");
            with_reason(Code::Unavailable, domain, "UNAVAILABLE", "not available at the moment; try again")
        }
        Failure::Broken(cause) => {
            tracing::error!(domain, %cause, "broken");
            with_reason(Code::Internal, domain, "INTERNAL", "something went wrong on our side")
        }
    }
}

fn with_reason(code: Code, domain: &str, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, format!("bojagi.{domain}"), []);
    Status::with_error_details(code, message, details)
}

/// Field violations that are told, and characters of a text: a status travels in headers, which peers limit (to 16 KiB and
/// less), and some of its texts repeat what the caller sent.
const VIOLATIONS_TOLD: usize = 20;
const TEXT_TOLD: usize = 200;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn refused(refusal: &Refusal) -> Status {
    let metadata = refusal.metadata.iter().map(|(key, value)| (key.to_string(), shortened(value)));
    let mut details = ErrorDetails::with_error_info(
        refusal.reason.as_ref(),
        format!("bojagi.{}", refusal.domain),
        metadata.collect::<std::collections::HashMap<_, _>>(),
    );
    for violation in refusal.violations.iter().take(VIOLATIONS_TOLD) {
        details.add_bad_request_violation(shortened(&violation.field), shortened(&violation.description));
    }
    if let Some(delay) = refusal.retry_after {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code(refusal.kind), shortened(&refusal.message), details)
}

/// The status code of a kind of refusal.
#[must_use]
pub const fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::WrongState => Code::FailedPrecondition,
        Kind::LostRace => Code::Aborted,
        Kind::Exhausted => Code::ResourceExhausted,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::Unavailable => Code::Unavailable,
        Kind::TooLate => Code::DeadlineExceeded,
    }
}

const fn kind(code: Code) -> Option<Kind> {
    Some(match code {
        Code::InvalidArgument | Code::OutOfRange => Kind::Invalid,
        Code::NotFound => Kind::NotFound,
        Code::AlreadyExists => Kind::AlreadyExists,
        Code::FailedPrecondition => Kind::WrongState,
        Code::Aborted => Kind::LostRace,
        Code::ResourceExhausted => Kind::Exhausted,
        Code::Unauthenticated => Kind::Unauthenticated,
        Code::PermissionDenied => Kind::Forbidden,
        _ => return None,
    })
}

/// What a peer's status means to the caller of the peer. A refusal keeps its domain, reason and metadata; a status that
/// leaves open whether anything happened (deadline, unavailable, cancelled) is `Unavailable`; all else is `Broken`.
#[must_use]
pub fn failure(status: Status) -> Failure {
    let details = status.get_error_details();
    if let (Some(kind), Some(info)) = (kind(status.code()), details.error_info()) {
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        let refusal = Refusal {
            domain: Cow::Owned(info.domain.strip_prefix("bojagi.").unwrap_or(&info.domain).to_owned()),
            kind,
            reason: Cow::Owned(info.reason.clone()),
            message: status.message().to_owned(),
            metadata: info.metadata.iter().map(|(key, value)| (Cow::Owned(key.clone()), value.clone())).collect(),
            violations: violations.into_iter().map(|bad| Violation::new(bad.field, bad.description)).collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        };
        return refusal.into();
    }
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => {
            Failure::Unavailable(Box::new(status))
        }
        _ => Failure::Broken(Box::new(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_the_wire() {
        let mut refusal = Refusal::new("item", Kind::WrongState, "OUT_OF_STOCK", "only 3 left");
        refusal.metadata.push(("available".into(), "3".into()));
        refusal.violations.push(Violation::new("lines[0].quantity", "too many"));
        let status = status("order", refusal.clone().into());
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(failure(status).refusal(), Some(&refusal));
    }

    #[test]
    fn a_status_fits_into_headers_whatever_was_sent() {
        let violations = (0..1_000).map(|line| Violation::new(format!("lines[{line}]"), "가".repeat(10_000))).collect();
        let mut refusal = Refusal::invalid("order", violations);
        refusal.metadata.push(("name".into(), "가".repeat(10_000)));
        let status = status("order", refusal.into());
        assert!(status.details().len() + status.message().len() < 16 * 1024, "{}", status.details().len());
        assert_eq!(status.get_details_bad_request().unwrap().field_violations.len(), VIOLATIONS_TOLD);
    }

    #[test]
    fn what_broke_is_not_told() {
        let status = status("order", Failure::broken("disk on fire"));
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("fire"));
    }
}
