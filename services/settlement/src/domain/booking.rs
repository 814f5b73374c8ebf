//! Which accounts move, and on which side.

use bojagi_kernel::{Currency, Money};

use super::ledger::Unbookable;
use super::{
    Account, AccountKind, Amounts, Cause, Entry, EntryKind, Payout, Posting, Step, Transaction, TransactionKind,
};

/// Captured or refunded money with what it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Sale<'a> {
    /// Whether the money came or went back.
    pub(crate) kind: EntryKind,
    /// The payment or the refund.
    pub(crate) cause: Cause,
    /// The whole, both legs together.
    pub(crate) total: Money,
    /// The points among it.
    pub(crate) points: Money,
    /// Its lines.
    pub(crate) entries: &'a [Entry],
}

/// Points that were bought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    /// The charge.
    pub(crate) cause: Cause,
    /// How many points, and what was paid for them.
    pub(crate) amount: Money,
}

/// The transactions of a sale or a refund. The first one stands for the money itself and is there even when nothing moved,
/// so that the source is known; subsidy and commission follow where there are any.
///
/// # Errors
/// When the lines don't add up to the total.
pub(crate) fn sell(sale: &Sale<'_>) -> Result<Vec<Transaction>, Unbookable> {
    let shop = Account::of_shop;
    let currency = sale.total.currency();
    let of_each_line = |amount: fn(&Amounts) -> i64| {
        sale.entries.iter().map(move |entry| {
            (Account::payable_to(entry.seller_id), Money::new(entry.currency, amount(&entry.amounts)))
        })
    };

    let paid = Money::sum(currency, of_each_line(Amounts::paid).map(|(_, amount)| amount))?;
    if paid != sale.total {
        return Err(Unbookable::Unbalanced(sale.total.minus(paid)?));
    }
    let money = of_each_line(Amounts::paid)
        .map(|(seller, amount)| Move { debited: shop(AccountKind::PaymentClearing), credited: seller, amount })
        .chain([Move {
            debited: shop(AccountKind::CustomerPoints),
            credited: shop(AccountKind::PointsClearing),
            amount: sale.points,
        }]);
    let subsidies = of_each_line(|amounts| amounts.platform_subsidy).map(|(seller, amount)| Move {
        debited: shop(AccountKind::CouponSubsidy),
        credited: seller,
        amount,
    });
    let commissions = of_each_line(|amounts| amounts.commission).map(|(seller, amount)| Move {
        debited: seller,
        credited: shop(AccountKind::CommissionIncome),
        amount,
    });

    let kind = match sale.kind {
        EntryKind::Capture => TransactionKind::Capture,
        EntryKind::Refund => TransactionKind::Refund,
    };
    let mut booked = vec![sale.transaction(kind, money)?];
    for also in [
        sale.transaction(TransactionKind::Subsidy, subsidies)?,
        sale.transaction(TransactionKind::Commission, commissions)?,
    ] {
        if !also.postings().is_empty() {
            booked.push(also);
        }
    }
    Ok(booked)
}

/// An amount on its way from one account to another, as a capture moves it; a refund moves it back.
struct Move {
    debited: Account,
    credited: Account,
    amount: Money,
}

impl Sale<'_> {
    fn transaction(
        &self,
        kind: TransactionKind,
        moves: impl IntoIterator<Item = Move>,
    ) -> Result<Transaction, Unbookable> {
        let postings = moves.into_iter().flat_map(|Move { debited, credited, amount }| match self.kind {
            EntryKind::Capture => [Posting::debit(debited, amount), Posting::credit(credited, amount)],
            EntryKind::Refund => [Posting::debit(credited, amount), Posting::credit(debited, amount)],
        });
        Transaction::balanced(kind, self.cause, postings)
    }
}

/// The transaction of bought points.
///
/// # Errors
/// When the amount does not fit.
pub(crate) fn charge_points(charge: &Charge) -> Result<Transaction, Unbookable> {
    let paid = Posting::debit(Account::of_shop(AccountKind::PointsClearing), charge.amount);
    let owed = Posting::credit(Account::of_shop(AccountKind::CustomerPoints), charge.amount);
    Transaction::balanced(TransactionKind::PointsCharge, charge.cause, [paid, owed])
}

/// The transaction by which a payout begins.
///
/// # Errors
/// When the amount does not fit.
pub(crate) fn make_payout(payout: &Payout, cause: Cause) -> Result<Transaction, Unbookable> {
    let owed = Posting::debit(Account::payable_to(payout.seller_id), payout.amount);
    let leaving = Posting::credit(Account::of_shop(AccountKind::PayoutClearing), payout.amount);
    Transaction::balanced(TransactionKind::Payout, cause, [owed, leaving])
}

/// The transaction of a step that a payout takes at the bank; `fee` is what the bank charges, in minor units of the payout's
/// currency, when it takes the payout.
///
/// # Errors
/// When the amount does not fit.
pub(crate) fn move_payout(payout: &Payout, step: Step, fee: i64, cause: Cause) -> Result<Transaction, Unbookable> {
    let currency: Currency = payout.amount.currency();
    let seller = Account::payable_to(payout.seller_id);
    let clearing = Account::of_shop(AccountKind::PayoutClearing);
    let bank = Account::of_shop(AccountKind::Bank);
    let (kind, debited, credited, amount) = match step {
        Step::Take => (TransactionKind::Fee, Account::of_shop(AccountKind::Fees), bank, Money::new(currency, fee)),
        Step::Pay => (TransactionKind::PayoutPaid, clearing, bank, payout.amount),
        Step::Fail => (TransactionKind::PayoutFailed, clearing, seller, payout.amount),
        Step::Return => (TransactionKind::PayoutReturned, bank, seller, payout.amount),
    };
    Transaction::balanced(kind, cause, [Posting::debit(debited, amount), Posting::credit(credited, amount)])
}
