//! The binary as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The binary under test.
pub(crate) const BOJAGI: &str = env!("CARGO_BIN_EXE_bojagi");

/// A mesh in a process of its own; it goes with this.
pub(crate) struct Running(Child);

impl Running {
    /// Starts the binary on a folder, with flags and settings from the environment, and answers where its gateway listens.
    pub(crate) fn start(folder: &TempDir, flags: &[&str], settings: &[(&str, &str)]) -> (Self, SocketAddr) {
        let (running, mut lines) = Self::begin(folder, flags, settings);
        let address = lines
            .find_map(|line| Some(line.split_once("http://")?.1.split_whitespace().next()?.parse().unwrap()))
            .unwrap();
        // The rest is drained, so that the binary never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        (running, address)
    }

    /// Starts the binary on a folder with the sample shop, waits until that is complete, and answers where its gateway listens.
    pub(crate) fn start_sample_shop(folder: &TempDir) -> (Self, String) {
        let (running, mut lines) = Self::begin(folder, &[], &[]);
        let gateway = lines
            .find_map(|line| Some(line.split_once("http://")?.1.split_whitespace().next()?.to_owned()))
            .map(|address| format!("http://{address}"))
            .unwrap();
        assert!(lines.any(|line| line == "demo accounts"), "the sample shop is complete");
        std::thread::spawn(move || lines.for_each(drop));
        (running, gateway)
    }

    fn begin(
        folder: &TempDir,
        flags: &[&str],
        settings: &[(&str, &str)],
    ) -> (Self, impl Iterator<Item = String> + Send + use<>) {
        let mut child = Command::new(BOJAGI)
            .args(["up", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .args(flags)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        (Self(child), lines)
    }

    /// SIGKILL: nothing is said, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
