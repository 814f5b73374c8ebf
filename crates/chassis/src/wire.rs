//! Amounts and moments as they are on the wire.

use bojagi_api::common;
use bojagi_kernel::{Currency, Moment, Money};

/// An amount for the wire.
#[must_use]
pub fn money(money: Money) -> common::Money {
    common::Money { currency_code: money.currency().code().to_owned(), minor_units: money.minor() }
}

/// An amount from the wire; `None` when its currency code is malformed.
#[must_use]
pub fn read_money(money: &common::Money) -> Option<Money> {
    Currency::parse(&money.currency_code).ok().map(|currency| Money::new(currency, money.minor_units))
}

/// A moment for the wire.
#[must_use]
pub fn timestamp(moment: Moment) -> prost_types::Timestamp {
    let micros = moment.micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        // Less than 1,000,000,000 by construction.
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default(),
    }
}

/// A moment from the wire, rounded down to microseconds; `None` when it is outside the years 1 to 9999.
#[must_use]
pub fn moment(timestamp: &prost_types::Timestamp) -> Option<Moment> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let in_range = (FIRST..=LAST).contains(&timestamp.seconds) && (0..1_000_000_000).contains(&timestamp.nanos);
    in_range.then(|| Moment::from_micros(timestamp.seconds * 1_000_000 + i64::from(timestamp.nanos) / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_survive_the_wire() {
        for micros in [0, 1, -1, 1_700_000_000_123_456, -1_700_000_000_123_456] {
            let there = Moment::from_micros(micros);
            assert_eq!(moment(&timestamp(there)), Some(there));
        }
        assert_eq!(moment(&prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), None);
        assert_eq!(moment(&prost_types::Timestamp { seconds: 0, nanos: -1 }), None);
    }
}
