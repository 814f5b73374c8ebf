//! What an order line brings its seller, and what a refund of it takes back.

use bojagi_kernel::id::{AccountId, OptionId, OrderLineId, StoreId};
use bojagi_kernel::{BasisPoints, Currency, Failure, Money, MoneyError, split};

/// Whether an entry adds or takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A line was captured.
    Capture,
    /// A line, or pieces of it, was refunded.
    Refund,
}

/// How the money of a line is made up, as order passed it: gross = paid + platform discount + seller discount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// The line.
    pub(crate) order_line_id: OrderLineId,
    /// What was sold.
    pub(crate) option_id: OptionId,
    /// Which store sold it.
    pub(crate) store_id: StoreId,
    /// Who owns the store.
    pub(crate) seller_id: AccountId,
    /// How many pieces.
    pub(crate) quantity: i64,
    /// Unit price times quantity.
    pub(crate) gross: Money,
    /// What the customer pays, or gets back.
    pub(crate) paid: Money,
    /// The platform's part of the discounts.
    pub(crate) platform_discount: Money,
    /// The seller's part of the discounts.
    pub(crate) seller_discount: Money,
}

/// The amounts of an entry in minor units of its currency, each 0 or above. net = gross - seller_discount - commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amounts {
    /// Unit price times quantity.
    pub(crate) gross: i64,
    /// The seller's part of the discounts.
    pub(crate) seller_discount: i64,
    /// The platform's part of the discounts; the seller gets it from the platform.
    pub(crate) platform_subsidy: i64,
    /// What the platform keeps.
    pub(crate) commission: i64,
    /// What the seller gets.
    pub(crate) net: i64,
}

impl Amounts {
    /// What commission is taken of: gross less the seller's part of the discounts.
    pub(crate) const fn base(&self) -> i64 {
        self.gross - self.seller_discount
    }

    /// What the customer pays.
    pub(crate) const fn paid(&self) -> i64 {
        self.base() - self.platform_subsidy
    }
}

/// What a line brought a seller, or what one refund of it took back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Whether it adds or takes back.
    pub(crate) kind: EntryKind,
    /// The line.
    pub(crate) order_line_id: OrderLineId,
    /// What was sold.
    pub(crate) option_id: OptionId,
    /// Which store sold it.
    pub(crate) store_id: StoreId,
    /// Who is paid.
    pub(crate) seller_id: AccountId,
    /// How many pieces.
    pub(crate) quantity: i64,
    /// The currency of the amounts.
    pub(crate) currency: Currency,
    /// The amounts.
    pub(crate) amounts: Amounts,
    /// The rate at the moment of capture.
    pub(crate) rate: BasisPoints,
}

/// Why an allocation cannot be booked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAllocation {
    /// Two currencies, or an amount that does not fit.
    #[error("line {0}: {1}")]
    Amount(OrderLineId, MoneyError),
    /// The parts are not the whole.
    #[error("line {0}: what is paid and the discounts are not the gross amount")]
    DoesNotAddUp(OrderLineId),
    /// A refund of a line that was not captured for this payment.
    #[error("line {0} was not captured")]
    NotCaptured(OrderLineId),
    /// More goes back than was captured.
    #[error("line {0}: more is refunded than was captured")]
    TooMuch(OrderLineId),
}

impl From<BadAllocation> for Failure {
    fn from(bad: BadAllocation) -> Self {
        Self::Broken(Box::new(bad))
    }
}

/// Books a captured line at the rate that holds at its capture. Commission is rounded down.
///
/// # Errors
/// When the allocation does not add up.
pub(crate) fn capture(line: &Allocation, rate: BasisPoints) -> Result<Entry, BadAllocation> {
    let mut amounts = checked(line)?;
    amounts.commission = rate.of(Money::new(line.gross.currency(), amounts.base())).minor();
    amounts.net = amounts.base() - amounts.commission;
    Ok(entry(EntryKind::Capture, line, amounts, rate))
}

/// Books a refund of a line: `entries` are its capture and what was refunded of it before. Commission goes back at the rate
/// of the capture by cumulative floor, so that refunds of the whole, in any grouping, give back exactly what was taken.
///
/// # Errors
/// When the line was not captured, or more would go back than was.
pub(crate) fn refund<'a>(
    line: &Allocation,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<Entry, BadAllocation> {
    let id = line.order_line_id;
    let mut sold = None;
    let (mut gone, mut gone_quantity) = (Amounts::default(), 0);
    for entry in entries.into_iter().filter(|entry| entry.order_line_id == id) {
        match entry.kind {
            EntryKind::Capture => sold = Some(entry),
            EntryKind::Refund => {
                gone.gross += entry.amounts.gross;
                gone.seller_discount += entry.amounts.seller_discount;
                gone.platform_subsidy += entry.amounts.platform_subsidy;
                gone_quantity += entry.quantity;
            }
        }
    }
    let sold = sold.ok_or(BadAllocation::NotCaptured(id))?;
    if sold.seller_id != line.seller_id || sold.currency != line.gross.currency() {
        return Err(BadAllocation::NotCaptured(id));
    }

    let mut amounts = checked(line)?;
    let fits = |whole: i64, gone: i64, now: i64| now <= whole - gone;
    let within = fits(sold.amounts.gross, gone.gross, amounts.gross)
        && fits(sold.amounts.seller_discount, gone.seller_discount, amounts.seller_discount)
        && fits(sold.amounts.platform_subsidy, gone.platform_subsidy, amounts.platform_subsidy)
        && fits(sold.amounts.paid(), gone.paid(), amounts.paid())
        && fits(sold.quantity, gone_quantity, line.quantity);
    if !within {
        return Err(BadAllocation::TooMuch(id));
    }
    amounts.commission = if sold.amounts.base() == 0 {
        0
    } else {
        split::by_cumulative_floor(sold.amounts.commission, sold.amounts.base(), gone.base(), amounts.base())
            .ok_or(BadAllocation::TooMuch(id))?
    };
    amounts.net = amounts.base() - amounts.commission;
    Ok(entry(EntryKind::Refund, line, amounts, sold.rate))
}

fn entry(kind: EntryKind, line: &Allocation, amounts: Amounts, rate: BasisPoints) -> Entry {
    Entry {
        kind,
        order_line_id: line.order_line_id,
        option_id: line.option_id,
        store_id: line.store_id,
        seller_id: line.seller_id,
        quantity: line.quantity,
        currency: line.gross.currency(),
        amounts,
        rate,
    }
}

/// The amounts of an allocation, without commission; all in one currency, none below 0, and the parts are the whole.
fn checked(line: &Allocation) -> Result<Amounts, BadAllocation> {
    let id = line.order_line_id;
    let parts = [line.paid, line.platform_discount, line.seller_discount];
    let whole = Money::sum(line.gross.currency(), parts).map_err(|error| BadAllocation::Amount(id, error))?;
    if whole != line.gross || parts.iter().any(Money::is_negative) {
        return Err(BadAllocation::DoesNotAddUp(id));
    }
    Ok(Amounts {
        gross: line.gross.minor(),
        seller_discount: line.seller_discount.minor(),
        platform_subsidy: line.platform_discount.minor(),
        commission: 0,
        net: 0,
    })
}

#[cfg(test)]
mod tests;
