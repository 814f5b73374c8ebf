//! Booking what payment tells: a capture, a refund, bought points. Each is booked once, in the ledger and, for sellers, as
//! entries of their next statement.

use std::collections::BTreeSet;

use bojagi_kernel::id::{AccountId, OrderId, PaymentId};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Failure, Moment, Money};
use bojagi_store::Tx;

use crate::domain::{self, Allocation, Cause, Charge, Entry, EntryKind, Sale};
use crate::store::{self, Booked};

/// Captured or refunded money, as payment told it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The payment.
    pub(crate) payment_id: PaymentId,
    /// The order.
    pub(crate) order_id: OrderId,
    /// The payment again for a capture, the refund for a refund.
    pub(crate) source_id: Uuid,
    /// Both legs together.
    pub(crate) total: Money,
    /// The points among it.
    pub(crate) points: Money,
    /// How each line is made up.
    pub(crate) allocations: Vec<Allocation>,
    /// When the money moved.
    pub(crate) moved_at: Moment,
    /// The trace of what caused it; empty when it had none.
    pub(crate) trace_id: String,
}

/// Books a capture at the commission rates of its moment.
///
/// # Errors
/// Broken when the parts are not the whole; what the database says.
pub(crate) async fn capture(tx: &mut Tx, told: &Told) -> Result<(), Failure> {
    let sellers: BTreeSet<AccountId> = told.allocations.iter().map(|line| line.seller_id).collect();
    let rates = store::rates_at(tx, &sellers, told.moved_at).await?;
    let mut entries = Vec::with_capacity(told.allocations.len());
    for line in &told.allocations {
        let rate = rates.get(&line.seller_id);
        let rate = rate.ok_or_else(|| Failure::broken(format!("no rate holds for {}", line.seller_id)))?;
        entries.push(domain::capture(line, *rate)?);
    }
    book(tx, EntryKind::Capture, told, &entries).await
}

/// Books a refund at the rates of its capture.
///
/// # Errors
/// Broken when the payment's capture is not booked, or more would go back than was captured; what the database says.
pub(crate) async fn refund(tx: &mut Tx, told: &Told) -> Result<(), Failure> {
    let before = store::of_payment(tx, told.payment_id).await?;
    if before.iter().any(|kept| kept.source_id == told.source_id) {
        return Ok(());
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(told.allocations.len());
    for line in &told.allocations {
        entries.push(domain::refund(line, before.iter().map(|kept| &kept.entry))?);
    }
    book(tx, EntryKind::Refund, told, &entries).await
}

/// Books points that were bought.
///
/// # Errors
/// What the database says.
pub(crate) async fn charge_points(tx: &mut Tx, charge: &Charge, trace_id: &str) -> Result<(), Failure> {
    let transaction = domain::charge_points(charge)?;
    store::book(tx, &[transaction], trace_id).await.map(drop)
}

async fn book(tx: &mut Tx, kind: EntryKind, told: &Told, entries: &[Entry]) -> Result<(), Failure> {
    let sale = Sale {
        kind,
        cause: Cause { source_id: told.source_id, order_id: Some(told.order_id), booked_at: told.moved_at },
        total: told.total,
        points: told.points,
        entries,
    };
    if store::book(tx, &domain::sell(&sale)?, &told.trace_id).await? == Booked::Now {
        store::insert_entries(tx, told.payment_id, told.order_id, told.source_id, told.moved_at, entries).await?;
    }
    Ok(())
}
