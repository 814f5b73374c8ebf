//! The gRPC services: wire to domain and back, and who may see what. No rules.

mod ledger;
mod settlement;
mod show;

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bojagi_api::policy::Role;
use bojagi_chassis::{Account, Channel, Context, Fields};
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Failure, Moment};
use tokio::sync::Notify;

pub(crate) use ledger::LedgerRpc;
pub(crate) use settlement::SettlementRpc;

use crate::bank::Bank;
use crate::domain::SettlementRefusal;
use crate::ingest_bank_event::Intake;

/// What the services work with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) context: Context,
    pub(crate) channel: Channel,
    pub(crate) bank: Arc<dyn Bank>,
    /// How long the bank may take to answer.
    pub(crate) bank_timeout: Duration,
    pub(crate) intake: Intake,
    /// Wakes the task that gives payouts to the bank.
    pub(crate) payout_stored: Arc<Notify>,
}

/// Whose things a list shows: an admin's choice, or the caller's own.
fn whose(caller: &Account, asked_for: Option<AccountId>) -> Result<Option<AccountId>, Failure> {
    if caller.has(Role::Admin) {
        return Ok(asked_for);
    }
    match asked_for {
        Some(seller_id) if seller_id != caller.account_id => Err(SettlementRefusal::NotYourOwn.into()),
        _ => Ok(Some(caller.account_id)),
    }
}

/// Whether the caller may see what belongs to `seller_id`.
fn may_see(caller: &Account, seller_id: AccountId) -> bool {
    caller.has(Role::Admin) || caller.account_id == seller_id
}

/// A value of an enum as a filter: `Some(None)` when it stands for every value.
fn filter<W, D>(fields: &mut Fields, field: &str, number: i32, read: impl Fn(W) -> Option<D>) -> Option<Option<D>>
where
    W: TryFrom<i32>,
{
    match W::try_from(number) {
        Ok(value) => Some(read(value)),
        Err(_) => {
            fields.wrong(field, format_args!("{number} is not one of its values"));
            None
        }
    }
}

/// The place of something in a list that is ordered by a moment and an id, as page tokens carry it.
fn cursor(moment: Moment, id: impl Display) -> (i64, String) {
    (moment.micros(), id.to_string())
}

fn place<Id: FromStr>((micros, id): (i64, String)) -> Option<(Moment, Id)> {
    Some((Moment::from_micros(micros), id.parse().ok()?))
}

/// A business date that may be left out, as YYYY-MM-DD.
fn optional_date(fields: &mut Fields, field: &str, text: &str) -> Option<Option<String>> {
    if text.is_empty() { Some(None) } else { date(fields, field, text).map(Some) }
}

/// A business date, as YYYY-MM-DD.
fn date(fields: &mut Fields, field: &str, text: &str) -> Option<String> {
    let read = text.parse::<jiff::civil::Date>().ok().map(|date| date.to_string());
    let read = read.filter(|date| date == text);
    if read.is_none() {
        fields.wrong(field, "must be a date as YYYY-MM-DD");
    }
    read
}
