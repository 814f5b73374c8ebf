//! Entries of statements: what each line brought, and what each refund took back.

use bojagi_kernel::id::{OrderId, PaymentId};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{BasisPoints, Moment};
use bojagi_store::{Bind, Error, FromRow, Row, Tx, Value, params};

use super::stored::currency;
use crate::domain::{Amounts, Entry, StatementEntryId, StatementId};

/// An entry as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct KeptEntry {
    /// Which.
    pub(crate) id: StatementEntryId,
    /// The order.
    pub(crate) order_id: OrderId,
    /// The payment that was captured, or the refund.
    pub(crate) source_id: Uuid,
    /// When the money moved.
    pub(crate) booked_at: Moment,
    /// What it says.
    pub(crate) entry: Entry,
}

/// The columns of an entry, in the order in which it is read.
const COLUMNS: &str =
    "id, order_id, source_id, booked_at, kind, order_line_id, option_id, store_id, seller_id, quantity,
    currency, gross, seller_discount, platform_subsidy, commission, net, rate_bps";

impl FromRow for KeptEntry {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let rate = BasisPoints::new(row.get(16)?);
        Ok(Self {
            id: row.get(0)?,
            order_id: row.get(1)?,
            source_id: row.get(2)?,
            booked_at: row.get(3)?,
            entry: Entry {
                kind: row.get(4)?,
                order_line_id: row.get(5)?,
                option_id: row.get(6)?,
                store_id: row.get(7)?,
                seller_id: row.get(8)?,
                quantity: row.get(9)?,
                currency: currency(row, 10)?,
                amounts: Amounts {
                    gross: row.get(11)?,
                    seller_discount: row.get(12)?,
                    platform_subsidy: row.get(13)?,
                    commission: row.get(14)?,
                    net: row.get(15)?,
                },
                rate: rate.map_err(|error| Error::Column { index: 16, problem: error.to_string() })?,
            },
        })
    }
}

/// Adds the entries of one capture or refund; they are in no statement yet.
///
/// # Errors
/// What the database says.
pub(crate) async fn insert_entries(
    tx: &mut Tx,
    payment_id: PaymentId,
    order_id: OrderId,
    source_id: Uuid,
    booked_at: Moment,
    entries: &[Entry],
) -> Result<(), Error> {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            vec![
                Value::Uuid(StatementEntryId::generate().into()),
                payment_id.bind(),
                order_id.bind(),
                source_id.bind(),
                booked_at.bind(),
                entry.kind.bind(),
                entry.order_line_id.bind(),
                entry.option_id.bind(),
                entry.store_id.bind(),
                entry.seller_id.bind(),
                entry.quantity.bind(),
                Value::Text(entry.currency.code()),
                entry.amounts.gross.bind(),
                entry.amounts.seller_discount.bind(),
                entry.amounts.platform_subsidy.bind(),
                entry.amounts.commission.bind(),
                entry.amounts.net.bind(),
                Value::Integer(entry.rate.points().into()),
            ]
        })
        .collect();
    tx.send_many(
        "INSERT INTO statement_entry (id, payment_id, order_id, source_id, booked_at, kind, order_line_id, option_id,
            store_id, seller_id, quantity, currency, gross, seller_discount, platform_subsidy, commission, net, rate_bps)
         VALUES {(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)}",
        &rows,
    )
    .await
}

/// The entries of a payment: of its capture and of its refunds.
///
/// # Errors
/// What the database says.
pub(crate) async fn of_payment(tx: &mut Tx, payment_id: PaymentId) -> Result<Vec<KeptEntry>, Error> {
    tx.fetch_all(&format!("SELECT {COLUMNS} FROM statement_entry WHERE payment_id = ?1"), params![payment_id]).await
}

/// The entries of a statement, oldest first, beginning after `after`.
///
/// # Errors
/// What the database says.
pub(crate) async fn of_statement(
    tx: &mut Tx,
    statement_id: StatementId,
    after: Option<(Moment, StatementEntryId)>,
    limit: i64,
) -> Result<Vec<KeptEntry>, Error> {
    let (booked_at, id) = after.map_or((None, None), |(booked_at, id)| (Some(booked_at), Some(id)));
    tx.fetch_all(
        &format!(
            "SELECT {COLUMNS} FROM statement_entry
             WHERE statement_id = ?1 AND (?2 IS NULL OR (booked_at, id) > (?2, ?3))
             ORDER BY booked_at, id LIMIT ?4"
        ),
        params![statement_id, booked_at, id, limit],
    )
    .await
}
