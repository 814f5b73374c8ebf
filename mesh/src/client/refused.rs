//! Reading what a status says besides its code.

use std::collections::BTreeMap;
use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A refusal as a program reads it: the code, and the `google.rpc.ErrorInfo` that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code of the status.
    pub code: Code,
    /// The reason in capital letters; empty when the status carries no `ErrorInfo`.
    pub reason: String,
    /// The context whose reason it is, such as `bojagi.item`.
    pub domain: String,
    /// The particulars of the reason.
    pub metadata: BTreeMap<String, String>,
    /// The fields that break a rule, each with a sentence.
    pub fields: Vec<(String, String)>,
    /// One sentence for people.
    pub message: String,
}

impl Refused {
    /// Reads a status.
    #[must_use]
    pub fn read(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        let (reason, domain, metadata) = info.map(|info| (info.reason, info.domain, info.metadata)).unwrap_or_default();
        Self {
            code: status.code(),
            reason,
            domain,
            metadata: metadata.into_iter().collect(),
            fields: violations.into_iter().map(|violation| (violation.field, violation.description)).collect(),
            message: status.message().to_owned(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, " {} of {}", self.reason, self.domain)?;
        }
        for (key, value) in &self.metadata {
            write!(f, ", {key}={value}")?;
        }
        write!(f, ": {}", self.message)?;
        for (field, description) in &self.fields {
            write!(f, "; {field}: {description}")?;
        }
        Ok(())
    }
}

/// The reason that a status gives, or an empty text.
#[must_use]
pub fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}
