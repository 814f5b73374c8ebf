//! What the system says of the process, read when it is asked for. The names are those that all Prometheus clients use.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The unit of times in `/proc/PID/stat`; Linux has shown programs this one on every machine since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads `/proc`; elsewhere than on Linux there is nothing to read, and nothing is shown.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: Option<u64>| {
            let Some(value) = value else { return Ok(()) };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("process_resident_memory_bytes", "Memory that is in use.", resident_bytes())?;
        gauge("process_open_fds", "Open files and sockets.", open_files())?;
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let help = "Processor time used, for the program and for the system.";
            counter.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    // The folder that was read is one of them.
    u64::try_from(open).ok().map(|open| open.saturating_sub(1))
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the name of the program, which may hold anything; the fourteenth and fifteenth are the times.
    let mut after_name = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (of_program, of_system): (u32, u32) = (after_name.next()?.parse().ok()?, after_name.next()?.parse().ok()?);
    Some((f64::from(of_program) + f64::from(of_system)) / TICKS_PER_SECOND)
}
