//! The log of a process: one line an event, on standard error, readable by people or by machines.

use tracing_subscriber::EnvFilter;

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

/// Starts logging for the whole process; `filter` is in the form of `tracing_subscriber::EnvFilter`, such as
/// `info,bojagi_order=debug`.
///
/// # Errors
/// When the filter is malformed, or logging was started before.
pub fn start(filter: &str, format: Format) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| LoggingError(error.to_string()))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Text => subscriber.with_target(true).try_init(),
        Format::Json => subscriber.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| LoggingError(error.to_string()))
}
