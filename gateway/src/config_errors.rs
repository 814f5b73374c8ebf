//! Mistakes in how a gateway is put together, all told at once.

use std::fmt;

/// One mistake: where it is and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    option: String,
    problem: String,
}

impl ConfigMistake {
    pub(crate) fn new(option: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { option: option.into(), problem: problem.into() }
    }

    /// The option as it is written in the configuration, such as `connections.max`, or the part of the builder.
    #[must_use]
    pub fn option(&self) -> &str {
        &self.option
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.problem)
    }
}

/// Why a gateway could not be built; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", join(.0))]
pub struct ConfigErrors(pub(crate) Vec<ConfigMistake>);

impl ConfigErrors {
    /// The mistakes, in the order of the configuration.
    #[must_use]
    pub fn mistakes(&self) -> &[ConfigMistake] {
        &self.0
    }
}

fn join(mistakes: &[ConfigMistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
