//! What an order costs.

use bojagi_kernel::{Currency, Money};

use super::{Line, OrderRefusal};

/// The most that all lines of an order may cost together, in minor units. With it no sum or product over an order overflows.
pub(crate) const MAX_GROSS: i64 = 1_000_000_000_000;

/// The sums of an order in minor units of its currency: `gross = discount + net`, `net = points + external`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) gross: i64,
    pub(crate) discount: i64,
    pub(crate) points: i64,
}

impl Totals {
    /// Adds the lines up and sees that the tender pays exactly what is left after `discount`.
    ///
    /// # Errors
    /// `TENDER_MISMATCH`.
    pub(crate) fn of(
        lines: &[Line],
        discount: i64,
        points: i64,
        has_payment_method: bool,
    ) -> Result<Self, OrderRefusal> {
        let gross: i64 = lines.iter().map(Line::gross).sum();
        let totals = Self { gross, discount, points };
        if points > totals.net() || (totals.external() > 0 && !has_payment_method) {
            return Err(OrderRefusal::TenderMismatch { total: totals.net(), points });
        }
        Ok(totals)
    }

    /// What the customer pays.
    pub(crate) const fn net(&self) -> i64 {
        self.gross - self.discount
    }

    /// The part of it that the payment method pays.
    pub(crate) const fn external(&self) -> i64 {
        self.net() - self.points
    }
}

/// The currency that all amounts share.
///
/// # Errors
/// `CURRENCY_MISMATCH`.
pub(crate) fn same_currency(first: Currency, others: impl IntoIterator<Item = Money>) -> Result<(), OrderRefusal> {
    match others.into_iter().find(|amount| amount.currency() != first) {
        Some(other) => Err(OrderRefusal::CurrencyMismatch { expected: first, actual: other.currency() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_tender_pays_exactly_the_net() {
        let lines = [samples::line(1_000, 3)];
        let refused = |points, total| Err(OrderRefusal::TenderMismatch { total, points });
        for (discount, points, method, expected) in [
            (0, 0, true, Ok(3_000)),
            (0, 3_000, false, Ok(3_000)),
            (3_000, 0, false, Ok(0)),
            (500, 1_000, true, Ok(2_500)),
            (0, 0, false, refused(0, 3_000)),
            (500, 2_501, true, refused(2_501, 2_500)),
            (500, 2_499, false, refused(2_499, 2_500)),
        ] {
            let totals = Totals::of(&lines, discount, points, method);
            assert_eq!(totals.map(|totals| totals.net()), expected, "{discount} {points} {method}");
        }
    }
}
