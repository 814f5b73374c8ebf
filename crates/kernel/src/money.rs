//! Amounts: whole minor units of one currency, checked everywhere.

use std::fmt;

/// Why an amount could not be computed or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met.
    #[error("{0} and {1} cannot be mixed")]
    MixedCurrencies(Currency, Currency),
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
    /// Not three capital letters.
    #[error("a currency code is three capital letters")]
    MalformedCurrency,
    /// Not between 0 and 10,000.
    #[error("a rate is 0 to 10,000 basis points")]
    RateOutOfRange,
}

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// South Korean won; it has no minor unit, so one minor unit is one won.
    pub const KRW: Self = Self(*b"KRW");

    /// Reads a code of three capital letters.
    ///
    /// # Errors
    /// `MalformedCurrency` for anything else.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        match code.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|letter| letter.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::MalformedCurrency),
        }
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in whole minor units of one currency. It may be negative: a difference, a posting.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    currency: Currency,
    minor: i64,
}

impl Money {
    /// `minor` minor units of `currency`.
    #[must_use]
    pub const fn new(currency: Currency, minor: i64) -> Self {
        Self { currency, minor }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(currency, 0)
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.minor > 0
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.minor < 0
    }

    /// The sum.
    ///
    /// # Errors
    /// `MixedCurrencies`, or `Overflow`.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// `MixedCurrencies`, or `Overflow`.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// The amount `count` times.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The smaller of two amounts of the same currency.
    ///
    /// # Errors
    /// `MixedCurrencies`.
    pub fn at_most(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, |left, right| Some(left.min(right)))
    }

    /// The sum of `amounts`, in `currency`.
    ///
    /// # Errors
    /// `MixedCurrencies`, or `Overflow`.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn combine(self, other: Self, by: impl Fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies(self.currency, other.currency));
        }
        by(self.minor, other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A rate from 0 to 10,000 hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads a rate.
    ///
    /// # Errors
    /// `RateOutOfRange` outside 0 to 10,000.
    pub fn new(points: i32) -> Result<Self, MoneyError> {
        match u16::try_from(points) {
            Ok(points) if points <= Self::WHOLE.0 => Ok(Self(points)),
            _ => Err(MoneyError::RateOutOfRange),
        }
    }

    /// The rate in basis points.
    #[must_use]
    pub const fn points(&self) -> i32 {
        self.0 as i32
    }

    /// This rate of `amount`, rounded down toward zero, so that a rate never takes more than its share.
    #[must_use]
    pub fn of(&self, amount: Money) -> Money {
        let product = i128::from(amount.minor()) * i128::from(self.0) / 10_000;
        // A rate is at most the whole, so the product is never larger than the amount it came from.
        Money::new(amount.currency(), i64::try_from(product).unwrap_or(amount.minor()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(minor: i64) -> Money {
        Money::new(Currency::KRW, minor)
    }

    #[test]
    fn currencies_do_not_mix() {
        let dollars = Money::new(Currency::parse("USD").unwrap(), 1);
        assert_eq!(won(1).plus(dollars), Err(MoneyError::MixedCurrencies(Currency::KRW, dollars.currency())));
    }

    #[test]
    fn arithmetic_refuses_to_wrap() {
        assert_eq!(won(i64::MAX).plus(won(1)), Err(MoneyError::Overflow));
        assert_eq!(won(i64::MIN).minus(won(1)), Err(MoneyError::Overflow));
        assert_eq!(won(i64::MAX).times(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_rate_rounds_toward_zero_and_never_overflows() {
        let rate = BasisPoints::new(1_250).unwrap();
        assert_eq!(rate.of(won(999)), won(124));
        assert_eq!(rate.of(won(-999)), won(-124));
        assert_eq!(BasisPoints::WHOLE.of(won(i64::MAX)), won(i64::MAX));
        assert_eq!(BasisPoints::new(10_001), Err(MoneyError::RateOutOfRange));
        assert_eq!(BasisPoints::new(-1), Err(MoneyError::RateOutOfRange));
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        for malformed in ["", "krw", "KR", "KRWW", "K1W", "₩₩₩"] {
            assert_eq!(Currency::parse(malformed), Err(MoneyError::MalformedCurrency), "{malformed}");
        }
    }
}
