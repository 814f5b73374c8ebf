//! Saying a thing that happens many times a second only now and then.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long the same thing is not said again.
const SILENCE: Duration = Duration::from_secs(30);
/// Different things remembered before old ones are forgotten.
const REMEMBERED: usize = 64;

/// What was said lately.
#[derive(Default)]
pub(super) struct Sparing(Mutex<HashMap<String, Said>>);

struct Said {
    at: Instant,
    held_back: u64,
}

impl Sparing {
    /// Whether `what` should be said now; then the answer is how often it was held back since it was said last.
    pub(super) fn say(&self, what: &str, now: Instant) -> Option<u64> {
        let mut lately = self.0.lock();
        if lately.len() >= REMEMBERED {
            lately.retain(|_, said| now.duration_since(said.at) < SILENCE);
        }
        match lately.get_mut(what) {
            Some(said) if now.duration_since(said.at) < SILENCE => {
                said.held_back += 1;
                None
            }
            Some(said) => {
                said.at = now;
                Some(std::mem::take(&mut said.held_back))
            }
            None => {
                lately.insert(what.to_owned(), Said { at: now, held_back: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_said_once_and_then_counted() {
        let (sparing, start) = (Sparing::default(), Instant::now());
        assert_eq!(sparing.say("all brokers are down", start), Some(0));
        for _ in 0..1_000 {
            assert_eq!(sparing.say("all brokers are down", start + Duration::from_secs(1)), None);
        }
        assert_eq!(sparing.say("something else", start), Some(0));
        assert_eq!(sparing.say("all brokers are down", start + SILENCE), Some(1_000));
        assert_eq!(sparing.say("all brokers are down", start + 2 * SILENCE), Some(0));
    }
}
