//! The signals that ask a process to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::CommandError;

/// SIGTERM and SIGINT. Heard from the beginning, so that one that comes during the start is not lost.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Hears them from now on.
    pub(super) fn hear() -> Result<Self, CommandError> {
        let heard = |kind| signal(kind).map_err(CommandError::other);
        Ok(Self { terminate: heard(SignalKind::terminate())?, interrupt: heard(SignalKind::interrupt())? })
    }

    /// Ends when one of them has come.
    pub(super) async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
