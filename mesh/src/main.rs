//! The `bojagi` binary.

mod commands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    keep_to_small_pages();
    let command = commands::CommandLine::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bojagi: the runtime did not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command.run()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bojagi: {error}");
            error.exit_code()
        }
    }
}

/// With transparent huge pages the kernel makes 2 MiB resident where a few bytes are used; most of a small shop's memory was that.
fn keep_to_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_thp_disable(true) {
        eprintln!("bojagi: memory is kept in huge pages: {error}");
    }
}
