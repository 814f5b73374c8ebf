//! What is to be bought: lines with prices, all in one currency and small enough to compute with.

use bojagi_kernel::id::OptionId;
use bojagi_kernel::{Currency, Failure, Money, Refusal, Violation};

use super::CouponRefusal;

/// The highest price of one piece, in minor units.
pub(crate) const LARGEST_PRICE: i64 = 1_000_000_000_000;
/// The most pieces on a line.
pub(crate) const LARGEST_QUANTITY: i64 = 1_000_000;
/// The highest sum of all lines, in minor units.
const LARGEST_TOTAL: i64 = 1_000_000_000_000_000;

/// One line as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WantedLine {
    pub(crate) option_id: OptionId,
    pub(crate) quantity: i64,
    pub(crate) unit_price: Money,
}

/// Lines whose sums are known to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basket {
    currency: Currency,
    lines: Vec<WantedLine>,
}

impl Basket {
    /// A basket of these lines, none of them negative.
    ///
    /// # Errors
    /// `CurrencyMismatch` for the first line in another currency than the first one; `INVALID_ARGUMENT` for the line at
    /// which the sum becomes too large, and for no lines at all.
    pub(crate) fn of(lines: Vec<WantedLine>) -> Result<Self, Failure> {
        let invalid = |field: String, description: &str| {
            Failure::from(Refusal::invalid("coupon", vec![Violation::new(field, description)]))
        };
        let Some(first) = lines.first() else {
            return Err(invalid("lines".into(), "must not be empty"));
        };
        let currency = first.unit_price.currency();
        let mut total: i64 = 0;
        for (index, line) in lines.iter().enumerate() {
            if line.unit_price.currency() != currency {
                return Err(CouponRefusal::CurrencyMismatch { option_id: line.option_id }.into());
            }
            let sum = line.unit_price.minor().checked_mul(line.quantity).and_then(|gross| total.checked_add(gross));
            total = sum.filter(|sum| *sum <= LARGEST_TOTAL).ok_or_else(|| {
                invalid(
                    format!("lines[{index}].quantity"),
                    "makes the sum of the lines larger than 1,000,000,000,000,000",
                )
            })?;
        }
        Ok(Self { currency, lines })
    }

    /// The currency of all its amounts.
    pub(crate) const fn currency(&self) -> Currency {
        self.currency
    }

    /// The lines; at least one.
    pub(crate) fn lines(&self) -> &[WantedLine] {
        &self.lines
    }
}

impl WantedLine {
    /// Unit price times quantity, in minor units; in a basket it fits.
    pub(crate) const fn gross(&self) -> i64 {
        self.unit_price.minor().saturating_mul(self.quantity)
    }
}
