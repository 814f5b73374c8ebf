#![doc = include_str!("../README.md")]

mod books;
mod invariants;
mod report;

use std::path::Path;

pub use books::VerifyError;
pub use report::{Finding, Report};

/// Which invariants are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that hold in every snapshot of one store.
    AnyMoment,
    /// All, once nothing is under way any more.
    AtRest,
}

/// Checks the stores in a data directory.
///
/// # Errors
/// When a store is missing or cannot be read.
pub fn check(data: &Path, scope: Scope) -> Result<Report, VerifyError> {
    let books = books::Books::open(data)?;
    let mut questions: Vec<_> = invariants::all().collect();
    for part in invariants::PARTS {
        if books.have(part)? {
            questions.extend(part.questions);
        }
    }
    let mut findings = Vec::new();
    for question in questions {
        if scope == Scope::AnyMoment && question.scope == Scope::AtRest {
            continue;
        }
        let violations = books.ask(question)?;
        findings.push(Finding { invariant: question.invariant, sentence: question.sentence, violations });
    }
    Ok(Report { findings })
}
