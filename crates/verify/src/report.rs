//! What was found.

use std::fmt;

/// What one question found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The invariant, such as `M1`.
    pub invariant: &'static str,
    /// What must hold.
    pub sentence: &'static str,
    /// What violates it: a line each, at most 20.
    pub violations: Vec<String>,
}

/// What all questions found.
#[derive(Debug, Clone)]
pub struct Report {
    /// In the order of the invariants.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether every invariant that was checked holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.violations.is_empty())
    }

    /// The invariants that are violated.
    pub fn violated(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.violations.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let verdict = if finding.violations.is_empty() { "holds" } else { "VIOLATED" };
            writeln!(f, "{:<4} {verdict:<9} {}", finding.invariant, finding.sentence)?;
            for violation in &finding.violations {
                writeln!(f, "       {violation}")?;
            }
        }
        let violated = self.violated().count();
        match violated {
            0 => writeln!(f, "all {} questions are answered well", self.findings.len()),
            _ => writeln!(f, "{violated} of {} questions found violations", self.findings.len()),
        }
    }
}
