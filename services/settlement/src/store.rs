//! What settlement keeps: the only place that knows the database.

mod bank;
mod closes;
mod entries;
mod ledger;
mod payouts;
mod rates;
mod schema;
mod settlements;
mod statements;
mod stored;

pub(crate) use bank::{SimulatedEvent, due_events, note_bank_event, plan_events, told};
pub(crate) use closes::{Run, begin_close, close_batch, closed, end_close, last_daily_close, unstated};
pub(crate) use entries::{KeptEntry, insert_entries, of_payment, of_statement};
pub(crate) use ledger::{
    BookSum, Booked, EntryFilter, LedgerLine, book, clearing_totals, imbalances, list_entries, sum_accounts,
};
pub(crate) use payouts::{
    Due, PayoutFilter, claim, due_payouts, find_payout, insert_payout, list_payouts, move_to, payout_account,
    register_account,
};
pub(crate) use rates::{forget_defaults_after, insert_default, insert_rate, last_default, list_rates, rates_at};
pub(crate) use schema::{DEFAULT_RATES, NEWEST_POSTINGS, SCHEMA};
pub(crate) use settlements::{balances, carried, insert_settlement, next_number, settle_statements};
pub(crate) use statements::{StatementFilter, find_statement, list_statements};
