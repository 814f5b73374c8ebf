//! The log of a process: one line an event, on standard error, readable by people or by machines.

use std::io::IsTerminal;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A filter that could not be read, or a subscriber that is there already.
#[derive(Debug)]
pub struct LoggingError(String);

impl std::fmt::Display for LoggingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "logging: {}", self.0)
    }
}

impl std::error::Error for LoggingError {}

/// Changes what is logged while the process runs. All clones are one.
#[derive(Debug, Clone)]
pub struct LogFilter {
    filter: Handle<EnvFilter, Registry>,
}

impl LogFilter {
    /// The filter as it is, in the form of [`start`].
    ///
    /// # Errors
    /// When the log is gone.
    pub fn get(&self) -> Result<String, LoggingError> {
        self.filter.with_current(ToString::to_string).map_err(|error| LoggingError(error.to_string()))
    }

    /// Filters by this from now on.
    ///
    /// # Errors
    /// When the filter is malformed, upon which the one before stays, or the log is gone.
    pub fn set(&self, filter: &str) -> Result<(), LoggingError> {
        self.filter.reload(read(filter)?).map_err(|error| LoggingError(error.to_string()))
    }
}

/// Starts logging for the whole process; `filter` is in the form of `tracing_subscriber::EnvFilter`, such as
/// `info,bojagi_order=debug`.
///
/// # Errors
/// When the filter is malformed, or logging was started before.
pub fn start(filter: &str, format: Format) -> Result<LogFilter, LoggingError> {
    let (filter, handle) = reload::Layer::new(read(filter)?);
    let filtered = tracing_subscriber::registry().with(filter);
    // Colours are for terminals; in a file they would only be in the way.
    let lines = Layer::default().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        Format::Text => filtered.with(lines.with_target(true)).try_init(),
        Format::Json => filtered.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| LoggingError(error.to_string()))?;
    Ok(LogFilter { filter: handle })
}

/// Whether this could be a filter.
///
/// # Errors
/// When the filter is malformed.
pub fn check(filter: &str) -> Result<(), LoggingError> {
    read(filter).map(drop)
}

fn read(filter: &str) -> Result<EnvFilter, LoggingError> {
    EnvFilter::try_new(filter).map_err(|error| LoggingError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_can_be_changed_and_a_malformed_one_changes_nothing() {
        // The only test that starts the log of the test process.
        let filter = start("warn", Format::Text).unwrap();
        assert!(!tracing::enabled!(tracing::Level::INFO));
        filter.set("info,bojagi_order=debug").unwrap();
        assert!(tracing::enabled!(tracing::Level::INFO));
        assert!(filter.set("info,=,").is_err());
        assert!(filter.get().unwrap().contains("bojagi_order=debug"));
        assert!(start("warn", Format::Text).is_err());
    }
}
