//! Double entry: accounts, postings, and transactions that balance or do not exist.

use std::collections::BTreeMap;

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Currency, Failure, Moment, Money, MoneyError};

use super::LedgerAccountId;

/// The kinds of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum AccountKind {
    /// Asset: captured for orders and not refunded, both legs together.
    PaymentClearing,
    /// Asset: paid for points that are not spent.
    PointsClearing,
    /// Liability: points that customers have.
    CustomerPoints,
    /// Liability: owed to one seller.
    SellerPayable,
    /// Income: commission.
    CommissionIncome,
    /// Expense: the platform's part of discounts.
    CouponSubsidy,
    /// Expense: what the bank charges.
    Fees,
    /// Liability: payouts that the bank has not confirmed.
    PayoutClearing,
    /// Asset: the shop's own bank account.
    Bank,
}

impl AccountKind {
    /// All kinds.
    pub(crate) const ALL: [Self; 9] = [
        Self::PaymentClearing,
        Self::PointsClearing,
        Self::CustomerPoints,
        Self::SellerPayable,
        Self::CommissionIncome,
        Self::CouponSubsidy,
        Self::Fees,
        Self::PayoutClearing,
        Self::Bank,
    ];

    /// The name under which it is kept. Ids are derived from it: it never changes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PaymentClearing => "PAYMENT_CLEARING",
            Self::PointsClearing => "POINTS_CLEARING",
            Self::CustomerPoints => "CUSTOMER_POINTS",
            Self::SellerPayable => "SELLER_PAYABLE",
            Self::CommissionIncome => "COMMISSION_INCOME",
            Self::CouponSubsidy => "COUPON_SUBSIDY",
            Self::Fees => "FEES",
            Self::PayoutClearing => "PAYOUT_CLEARING",
            Self::Bank => "BANK",
        }
    }
}

/// An account: one of the shop's, or what is owed to one seller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Account {
    /// The kind.
    pub(crate) kind: AccountKind,
    /// Whose it is; nobody's for the shop's own.
    pub(crate) seller_id: Option<AccountId>,
}

impl Account {
    /// The shop's account of a kind.
    pub(crate) const fn of_shop(kind: AccountKind) -> Self {
        Self { kind, seller_id: None }
    }

    /// What is owed to a seller.
    pub(crate) const fn payable_to(seller_id: AccountId) -> Self {
        Self { kind: AccountKind::SellerPayable, seller_id: Some(seller_id) }
    }

    /// Its id, the same everywhere and always, so that an account can be opened by whoever books in it first.
    pub(crate) fn id(&self) -> LedgerAccountId {
        let owner = self.seller_id.map_or(Uuid::nil(), Uuid::from);
        LedgerAccountId::derive(&owner, self.kind.name())
    }
}

/// What a transaction is booked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TransactionKind {
    /// Points were bought.
    PointsCharge,
    /// The money of an order was captured.
    Capture,
    /// Captured money went back.
    Refund,
    /// Commission was taken, or given back.
    Commission,
    /// The platform paid its part of discounts, or took it back.
    Subsidy,
    /// The bank charged a fee.
    Fee,
    /// A payout began.
    Payout,
    /// The bank confirmed a payout.
    PayoutPaid,
    /// The bank refused a payout.
    PayoutFailed,
    /// The bank sent a payout back.
    PayoutReturned,
}

/// What made a transaction necessary. Kind and source together name it: nothing is booked twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The payment, refund, charge or payout.
    pub(crate) source_id: Uuid,
    /// The order, if there is one.
    pub(crate) order_id: Option<OrderId>,
    /// When it happened.
    pub(crate) booked_at: Moment,
}

/// An amount in an account: a debit above 0, a credit below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    /// The account.
    pub(crate) account: Account,
    /// The amount.
    pub(crate) amount: Money,
}

impl Posting {
    /// An amount on the left side.
    pub(crate) const fn debit(account: Account, amount: Money) -> Self {
        Self { account, amount }
    }

    /// An amount on the right side.
    pub(crate) const fn credit(account: Account, amount: Money) -> Self {
        Self { account, amount: Money::new(amount.currency(), amount.minor().saturating_neg()) }
    }
}

/// Why a transaction cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unbookable {
    /// Debits and credits differ.
    #[error("debits and credits differ by {0}")]
    Unbalanced(Money),
    /// An amount cannot be computed.
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

impl From<Unbookable> for Failure {
    fn from(unbookable: Unbookable) -> Self {
        Self::Broken(Box::new(unbookable))
    }
}

/// Postings that balance in every currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transaction {
    kind: TransactionKind,
    cause: Cause,
    postings: Vec<Posting>,
}

impl Transaction {
    /// Makes a transaction. Postings in the same account become one, those of nothing are left out, and they are ordered by
    /// account.
    ///
    /// # Errors
    /// `Unbalanced`; an amount that does not fit.
    pub(crate) fn balanced(
        kind: TransactionKind,
        cause: Cause,
        postings: impl IntoIterator<Item = Posting>,
    ) -> Result<Self, Unbookable> {
        let mut accounts: BTreeMap<(Account, Currency), Money> = BTreeMap::new();
        let mut sums: BTreeMap<Currency, Money> = BTreeMap::new();
        for Posting { account, amount } in postings {
            let (currency, nothing) = (amount.currency(), Money::zero(amount.currency()));
            let of_account = accounts.entry((account, currency)).or_insert(nothing);
            *of_account = of_account.plus(amount)?;
            let sum = sums.entry(currency).or_insert(nothing);
            *sum = sum.plus(amount)?;
        }
        if let Some(difference) = sums.into_values().find(|sum| !sum.is_zero()) {
            return Err(Unbookable::Unbalanced(difference));
        }
        let moved = accounts.into_iter().filter(|(_, amount)| !amount.is_zero());
        let postings = moved.map(|((account, _), amount)| Posting { account, amount }).collect();
        Ok(Self { kind, cause, postings })
    }

    /// What it is booked for.
    pub(crate) const fn kind(&self) -> &TransactionKind {
        &self.kind
    }

    /// What made it necessary.
    pub(crate) const fn cause(&self) -> Cause {
        self.cause
    }

    /// Its postings; none when nothing moved.
    pub(crate) fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::Currency;

    use super::*;

    const CAUSE: Cause = Cause { source_id: Uuid::nil(), order_id: None, booked_at: Moment::from_micros(0) };

    fn won(minor: i64) -> Money {
        Money::new(Currency::KRW, minor)
    }

    #[test]
    fn a_transaction_balances_or_does_not_exist() {
        let bank = Account::of_shop(AccountKind::Bank);
        let fees = Account::of_shop(AccountKind::Fees);
        let book = |postings: Vec<Posting>| Transaction::balanced(TransactionKind::Fee, CAUSE, postings);
        assert!(book(vec![Posting::debit(fees, won(5)), Posting::credit(bank, won(5))]).is_ok());
        assert_eq!(
            book(vec![Posting::debit(fees, won(5)), Posting::credit(bank, won(4))]),
            Err(Unbookable::Unbalanced(won(1))),
        );
        let dollars = Money::new(Currency::parse("USD").unwrap(), 5);
        assert!(book(vec![Posting::debit(fees, won(5)), Posting::credit(bank, dollars)]).is_err());
        assert!(book(vec![Posting::debit(fees, won(i64::MAX)), Posting::debit(fees, won(1))]).is_err());
    }

    #[test]
    fn postings_in_one_account_become_one_and_nothing_is_left_out() {
        let seller = Account::payable_to(AccountId::generate());
        let clearing = Account::of_shop(AccountKind::PaymentClearing);
        let booked = Transaction::balanced(
            TransactionKind::Capture,
            CAUSE,
            [
                Posting::credit(seller, won(3)),
                Posting::credit(seller, won(4)),
                Posting::debit(clearing, won(7)),
                Posting::debit(Account::of_shop(AccountKind::Fees), won(0)),
            ],
        )
        .unwrap();
        assert_eq!(booked.postings(), [Posting::debit(clearing, won(7)), Posting::credit(seller, won(7))]);
    }

    #[test]
    fn an_account_has_one_id_for_ever() {
        let seller = AccountId::generate();
        assert_eq!(Account::payable_to(seller).id(), Account::payable_to(seller).id());
        let ids: std::collections::BTreeSet<_> = AccountKind::ALL.map(|kind| Account::of_shop(kind).id()).into();
        assert_eq!(ids.len(), AccountKind::ALL.len());
    }
}
