//! The `grpc-timeout` header: one to eight digits and a unit.
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests>

use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const MOST_DIGITS: usize = 8;
const GREATEST: u128 = 99_999_999;

/// The header says nothing that can be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("grpc-timeout must be one to eight digits followed by one of H, M, S, m, u, n")]
pub(crate) struct MalformedTimeout;

/// The time that the client gives the call, if it says so.
pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Duration>, MalformedTimeout> {
    let mut values = headers.get_all(GRPC_TIMEOUT).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(MalformedTimeout);
    }
    parse(value.as_bytes()).map(Some)
}

fn parse(value: &[u8]) -> Result<Duration, MalformedTimeout> {
    let (unit, digits) = value.split_last().ok_or(MalformedTimeout)?;
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return Err(MalformedTimeout);
    }
    let amount = digits.iter().fold(0, |amount: u64, digit| amount * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Ok(Duration::from_secs(amount * 3600)),
        b'M' => Ok(Duration::from_secs(amount * 60)),
        b'S' => Ok(Duration::from_secs(amount)),
        b'm' => Ok(Duration::from_millis(amount)),
        b'u' => Ok(Duration::from_micros(amount)),
        b'n' => Ok(Duration::from_nanos(amount)),
        _ => Err(MalformedTimeout),
    }
}

/// A time as a header value, in the finest unit that eight digits allow, down to microseconds.
pub(crate) fn write(timeout: Duration) -> HeaderValue {
    let units = [(timeout.as_micros(), 'u'), (timeout.as_millis(), 'm'), (u128::from(timeout.as_secs()), 'S')];
    let (amount, unit) = units.into_iter().find(|(amount, _)| *amount <= GREATEST).unwrap_or((GREATEST, 'S'));
    HeaderValue::try_from(format!("{amount}{unit}")).unwrap_or_else(|_| HeaderValue::from_static("99999999S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (value, expected) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("6n", Duration::from_nanos(6)),
            ("0S", Duration::ZERO),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(parse(value.as_bytes()), Ok(expected), "{value}");
        }
    }

    #[test]
    fn everything_else_is_malformed() {
        for value in ["", "S", "1", "123456789S", "1s", "-1S", "+1S", "1.5S", "1 S", " 1S", "1SS", "١S"] {
            assert_eq!(parse(value.as_bytes()), Err(MalformedTimeout), "{value}");
        }
        let mut twice = HeaderMap::new();
        twice.append(GRPC_TIMEOUT, HeaderValue::from_static("1S"));
        twice.append(GRPC_TIMEOUT, HeaderValue::from_static("2S"));
        assert_eq!(read(&twice), Err(MalformedTimeout));
    }

    #[test]
    fn what_is_written_can_be_read() {
        for (timeout, written) in [
            (Duration::from_secs(30), "30000000u"),
            (Duration::from_secs(300), "300000m"),
            (Duration::from_secs(200_000), "200000S"),
            (Duration::from_nanos(1_500), "1u"),
        ] {
            assert_eq!(write(timeout), written);
            assert!(parse(written.as_bytes()).is_ok());
        }
    }
}
