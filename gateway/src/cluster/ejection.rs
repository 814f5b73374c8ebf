//! Leaves endpoints alone for a while that fail too many calls.
//!
//! Two rules, as in <https://github.com/grpc/proposal/blob/master/A50-xds-outlier-detection.md>: so many failures in a row, or a success rate
//! over a window that is far below that of the others. An ejection is longer each time, up to a bound, and for each time as long as the first
//! that then passes without one, an ejection is forgotten. A failure is a call that ended with UNKNOWN, INTERNAL, UNAVAILABLE or DATA_LOSS, or
//! that broke off; what a caller may cause by itself, such as a deadline too short, does not count.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::config::EjectionConfig;
use super::endpoint::Endpoint;
use super::endpoint_set::EndpointSet;

/// Whether a status speaks against the endpoint.
pub(crate) const fn is_failure(code: Code) -> bool {
    matches!(code, Code::Unknown | Code::Internal | Code::Unavailable | Code::DataLoss)
}

/// What is held for and against an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Record {
    failures_in_a_row: u32,
    calls_in_window: u32,
    failures_in_window: u32,
    ejected_until: Option<Instant>,
    /// How many times the base the last ejection took, before the bound.
    times: u32,
    ejections: u64,
}

impl Record {
    /// Takes down how a call ended; the answer is how many in a row failed.
    pub(crate) fn note(&mut self, failed: bool) -> u32 {
        self.calls_in_window = self.calls_in_window.saturating_add(1);
        if failed {
            self.failures_in_window = self.failures_in_window.saturating_add(1);
            self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        } else {
            self.failures_in_a_row = 0;
        }
        self.failures_in_a_row
    }

    pub(crate) fn is_ejected(&self, now: Instant) -> bool {
        self.ejected_for(now).is_some()
    }

    pub(crate) fn ejected_for(&self, now: Instant) -> Option<Duration> {
        self.ejected_until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    pub(crate) const fn ejections(&self) -> u64 {
        self.ejections
    }

    /// Ejects, and says for how long.
    fn eject(&mut self, now: Instant, config: &EjectionConfig) -> Duration {
        self.times = self.times.saturating_sub(self.forgotten(now, config)).saturating_add(1);
        let time = Duration::from_millis(config.base_ms.saturating_mul(self.times.into()).min(config.longest_ms));
        self.ejected_until = now.checked_add(time);
        self.ejections += 1;
        self.failures_in_a_row = 0;
        time
    }

    /// How many of the ejections there were are forgotten by now.
    fn forgotten(&self, now: Instant, config: &EjectionConfig) -> u32 {
        let good = self.ejected_until.map_or(Duration::ZERO, |until| now.saturating_duration_since(until));
        let forgotten = good.as_millis().checked_div(config.base_ms.into()).unwrap_or(0);
        u32::try_from(forgotten).unwrap_or(u32::MAX)
    }

    /// The success rate of the window that ends now, if there were enough calls to have one.
    fn end_window(&mut self, config: &EjectionConfig) -> Option<f64> {
        let (calls, failures) = (self.calls_in_window, self.failures_in_window);
        (self.calls_in_window, self.failures_in_window) = (0, 0);
        let enough = calls > 0 && calls >= config.success_rate_calls;
        enough.then(|| f64::from(calls - failures) / f64::from(calls))
    }
}

/// A call to the endpoint has ended.
pub(crate) fn call_ended(set: &EndpointSet, endpoint: &Endpoint, failed: bool) {
    let in_a_row = endpoint.call_ended(failed);
    let limit = set.config.ejection.consecutive_failures;
    if limit > 0 && in_a_row >= limit {
        eject(set, endpoint, "so many calls in a row failed");
    }
}

fn eject(set: &EndpointSet, endpoint: &Endpoint, why: &'static str) {
    let (now, config) = (Instant::now(), &set.config.ejection);
    let all = set.all();
    let ejected = all.iter().filter(|other| other.with_record(|record| record.is_ejected(now))).count();
    let too_many = (ejected + 1) * 100 > all.len() * usize::from(config.max_percent);
    // Two that are ejected at the very same moment may pass together; a percentage need not be exact.
    let time = endpoint.with_record(|record| (!too_many && !record.is_ejected(now)).then(|| record.eject(now, config)));
    if let Some(time) = time {
        tracing::warn!(endpoint = &*endpoint.label, seconds = time.as_secs_f64(), why, "an endpoint is left alone");
        set.tell();
    }
}

/// Compares success rates at the end of every window.
pub(crate) fn start(set: &Arc<EndpointSet>, stop: &CancellationToken) {
    if set.config.ejection.window_ms == 0 {
        return;
    }
    let (set, stop) = (Arc::downgrade(set), stop.clone());
    tokio::spawn(async move { stop.run_until_cancelled(compare_windows(&set)).await });
}

async fn compare_windows(set: &Weak<EndpointSet>) {
    let Some(window) = set.upgrade().map(|set| Duration::from_millis(set.config.ejection.window_ms)) else { return };
    let mut window_ends = interval_at(Instant::now() + window, window);
    window_ends.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        window_ends.tick().await;
        let Some(set) = set.upgrade() else { return };
        end_window(&set);
    }
}

fn end_window(set: &EndpointSet) {
    let (config, all) = (&set.config.ejection, set.all());
    let with_rate = all.iter().filter_map(|endpoint| {
        let rate = endpoint.with_record(|record| record.end_window(config));
        rate.map(|rate| (endpoint, rate))
    });
    let rated: Vec<(&Arc<Endpoint>, f64)> = with_rate.collect();
    if rated.len() < config.success_rate_endpoints.max(2) {
        return;
    }
    let rates: Vec<f64> = rated.iter().map(|(_, rate)| *rate).collect();
    let least = least_success_rate(&rates, config.success_rate_deviation_percent);
    for (endpoint, _) in rated.into_iter().filter(|(_, rate)| *rate < least) {
        eject(set, endpoint, "the success rate is far below that of the others");
    }
}

/// The mean of the rates, less so many hundredths of their standard deviation.
fn least_success_rate(rates: &[f64], deviation_percent: u32) -> f64 {
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / count;
    mean - variance.sqrt() * f64::from(deviation_percent) / 100.0
}

#[cfg(test)]
mod tests;
