//! Comparing what the shop answers with what it should.

use std::fmt::Debug;

use bojagi_api::common::Money;
use tonic::{Response, Status};

use super::TourError;
use crate::client::Refused;

/// The currency of the tour.
const CURRENCY: &str = "KRW";

/// `minor_units` won.
pub(super) fn won(minor_units: i64) -> Money {
    Money { currency_code: CURRENCY.to_owned(), minor_units }
}

/// `actual` is `expected`.
pub(super) fn equal<T: PartialEq + Debug>(what: impl Into<String>, expected: T, actual: T) -> Result<(), TourError> {
    if expected == actual {
        return Ok(());
    }
    Err(TourError::differs(what, format!("{expected:?}"), format!("{actual:?}")))
}

/// `actual` is one of `expected`.
pub(super) fn one_of<T: PartialEq + Debug>(
    what: impl Into<String>,
    expected: &[T],
    actual: &T,
) -> Result<(), TourError> {
    if expected.contains(actual) {
        return Ok(());
    }
    Err(TourError::differs(what, format!("one of {expected:?}"), format!("{actual:?}")))
}

/// `actual` is there, and is `expected` won.
pub(super) fn amount(what: impl Into<String>, expected: i64, actual: Option<&Money>) -> Result<(), TourError> {
    match actual {
        Some(money) if money.currency_code == CURRENCY && money.minor_units == expected => Ok(()),
        Some(money) => {
            Err(TourError::differs(what, shown(expected), format!("{} {}", money.minor_units, money.currency_code)))
        }
        None => Err(TourError::differs(what, shown(expected), "nothing")),
    }
}

/// A part of an answer that has to be there.
pub(super) fn there<T>(what: impl Into<String>, part: Option<T>) -> Result<T, TourError> {
    part.ok_or_else(|| TourError::differs(what, "to be in the answer", "nothing"))
}

/// The only one of its kind.
pub(super) fn only<T>(what: impl Into<String>, all: Vec<T>) -> Result<T, TourError> {
    let count = all.len();
    match all.into_iter().next() {
        Some(one) if count == 1 => Ok(one),
        _ => Err(TourError::differs(what, "exactly one", count.to_string())),
    }
}

/// The call is refused for `reason`.
pub(super) fn refused<T>(reason: &str, outcome: Result<Response<T>, Status>) -> Result<Refused, TourError> {
    let what = "the outcome of the call";
    let Err(status) = outcome else { return Err(TourError::differs(what, reason, "an answer")) };
    let refused = Refused::read(&status);
    if refused.reason == reason { Ok(refused) } else { Err(TourError::differs(what, reason, refused.to_string())) }
}

fn shown(minor_units: i64) -> String {
    format!("{minor_units} {CURRENCY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_both_sides() {
        let dollars = Money { currency_code: "USD".to_owned(), minor_units: 5 };
        assert!(amount("total", 5, Some(&won(5))).is_ok());
        for (actual, told) in [
            (Some(&won(6)), "total: expected 5 KRW, got 6 KRW"),
            (Some(&dollars), "total: expected 5 KRW, got 5 USD"),
            (None, "total: expected 5 KRW, got nothing"),
        ] {
            assert_eq!(amount("total", 5, actual).unwrap_err().to_string(), told);
        }
        assert_eq!(equal("state", 1, 2).unwrap_err().to_string(), "state: expected 1, got 2");
        assert_eq!(only("line", vec![1, 2]).unwrap_err().to_string(), "line: expected exactly one, got 2");
        let answered = refused("OUT_OF_STOCK", Ok(Response::new(())));
        assert_eq!(answered.unwrap_err().to_string(), "the outcome of the call: expected OUT_OF_STOCK, got an answer");
    }
}
