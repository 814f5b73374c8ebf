//! The rules of settlement: how money is booked, what a seller earns, how a payout moves.

mod booking;
mod ledger;
mod payout;
mod refusals;
mod sale;
mod statement;

pub(crate) use booking::{Charge, Sale, charge_points, make_payout, move_payout, sell};
pub(crate) use ledger::{Account, AccountKind, Cause, Posting, Transaction, TransactionKind};
pub(crate) use payout::{Heard, Payout, PayoutAccount, PayoutState, Step, Word};
pub(crate) use refusals::SettlementRefusal;
pub(crate) use sale::{Allocation, Amounts, Entry, EntryKind, capture, refund};
pub(crate) use statement::{CommissionRate, SellerBalance, Settlement, Statement, StatementState, net};

bojagi_kernel::typed_id! {
    /// What one seller earned up to a cut-off.
    StatementId,
    /// What one order line brought a seller, or what one refund of it took back.
    StatementEntryId,
    /// One close of statements.
    CloseId,
    /// What a seller asked to be settled.
    SettlementId,
    /// Money on its way to a seller.
    PayoutId,
    /// A fact as the bank told it.
    BankEventId,
    /// A commission rate.
    CommissionRateId,
    /// A balanced transaction of the ledger.
    TransactionId,
    /// One side of a transaction in one account.
    LedgerEntryId,
    /// An account of the ledger.
    LedgerAccountId,
}
