//! How long to wait before the next attempt.

use std::time::Duration;

use super::config::RetryConfig;

/// Pauses drawn at random below a bound that doubles, so that the calls which one failure has ended do not all come back at once.
pub(crate) struct Backoff {
    first: u64,
    longest: u64,
    bound: u64,
}

impl Backoff {
    pub(crate) fn new(config: &RetryConfig) -> Self {
        Self { first: config.first_ms, longest: config.longest_ms, bound: config.first_ms }
    }

    pub(crate) fn next_pause(&mut self) -> Duration {
        let bound = Duration::from_millis(self.bound);
        self.bound = self.bound.saturating_mul(2).min(self.longest);
        bound.mul_f64(rand::random())
    }

    /// The upstream has said when to come, so it is not as lost as it seemed.
    pub(crate) fn begin_anew(&mut self) {
        self.bound = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_longest_and_pauses_differ() {
        let bounds = [10, 20, 40, 50, 50].map(Duration::from_millis);
        let mut pauses = Vec::new();
        for _ in 0..100 {
            let mut backoff = Backoff { first: 10, longest: 50, bound: 10 };
            for bound in bounds {
                let pause = backoff.next_pause();
                assert!(pause <= bound, "{pause:?} of at most {bound:?}");
                pauses.push(pause);
            }
            backoff.begin_anew();
            assert!(backoff.next_pause() <= bounds[0]);
        }
        assert!(pauses.iter().any(|pause| *pause > Duration::from_millis(25)), "the bound is made use of");
    }
}
