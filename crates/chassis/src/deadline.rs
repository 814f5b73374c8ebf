//! How long the caller waits: a deadline that travels with the task and goes into every call it makes.

use std::time::{Duration, Instant};

use http::HeaderValue;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// The deadline of the task that asks, if it has one.
#[must_use]
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Runs `work` under a deadline; calls that it makes carry what is left of it. `work` is not stopped at the deadline.
pub async fn scope<F: Future>(deadline: Instant, work: F) -> F::Output {
    DEADLINE.scope(deadline, work).await
}

/// Reads a `grpc-timeout` header: at most eight digits and a unit
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
#[must_use]
pub fn parse_timeout(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// A `grpc-timeout` header that says how much time is left: in microseconds, or in milliseconds from some 100 seconds on. What
/// is longer than a day is told as a day.
#[must_use]
pub fn header(left: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let text = match left.as_micros() {
        micros @ 0..=MOST => format!("{micros}u"),
        _ => format!("{}m", left.as_millis().min(MOST)),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0u"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_is_left() {
        let read = |left| parse_timeout(header(left).to_str().unwrap());
        for left in [Duration::ZERO, Duration::from_micros(1_500), Duration::from_secs(99), Duration::from_secs(300)] {
            assert_eq!(read(left), Some(left));
        }
        assert_eq!(read(Duration::from_secs(1_000_000)), Some(Duration::from_millis(99_999_999)));
    }

    #[test]
    fn timeouts_are_digits_and_a_unit() {
        assert_eq!(parse_timeout("20S"), Some(Duration::from_secs(20)));
        assert_eq!(parse_timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for malformed in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S", "1é"] {
            assert_eq!(parse_timeout(malformed), None, "{malformed}");
        }
    }
}
