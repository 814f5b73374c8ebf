//! Payments.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderId, PaymentId};
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, Value, params};

use super::columns::StoredCurrency;
use crate::domain::{MethodSummary, PaidWith, Payment, PaymentState, UnderWay};

/// The columns of a payment, in the order in which they are read.
macro_rules! columns {
    () => {
        "id, order_id, customer_id, state, currency, total, points, external, authorized, captured, refunding, refunded,
         refunding_external, refunded_external, decline_reason, provider_token, method_type, method_issuer,
         method_last_four, under_way, asked_at, allocations, created_at, authorized_at, captured_at, updated_at, version"
    };
}

impl FromRow for Payment {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let paid_with = if row.is_null(15)? {
            None
        } else {
            let summary = MethodSummary { kind: row.get(16)?, issuer: row.get(17)?, last_four: row.get(18)? };
            Some(PaidWith { token: row.get(15)?, summary })
        };
        Ok(Self {
            id: row.get(0)?,
            order_id: row.get(1)?,
            customer_id: row.get(2)?,
            state: row.get(3)?,
            currency: row.get::<StoredCurrency>(4)?.0,
            total: row.get(5)?,
            points: row.get(6)?,
            external: row.get(7)?,
            authorized: row.get(8)?,
            captured: row.get(9)?,
            refunding: row.get(10)?,
            refunded: row.get(11)?,
            refunding_external: row.get(12)?,
            refunded_external: row.get(13)?,
            decline_reason: row.get(14)?,
            paid_with,
            under_way: row.get(19)?,
            asked_at: row.get(20)?,
            allocations: row.get(21)?,
            created_at: row.get(22)?,
            authorized_at: row.get(23)?,
            captured_at: row.get(24)?,
            updated_at: row.get(25)?,
            version: row.get(26)?,
        })
    }
}

/// Stores a new payment. False when the order has one already.
pub(crate) async fn insert(tx: &mut Tx, payment: &Payment) -> Result<bool, Error> {
    let (token, summary) = match &payment.paid_with {
        Some(paid_with) => (Some(&paid_with.token), Some(&paid_with.summary)),
        None => (None, None),
    };
    let inserted = tx
        .execute(
            concat!(
                "INSERT INTO payment (",
                columns!(),
                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                   ?21, ?22, ?23, ?24, ?25, ?26, ?27)
                 ON CONFLICT (order_id) DO NOTHING"
            ),
            params![
                payment.id,
                payment.order_id,
                payment.customer_id,
                payment.state,
                payment.currency.code(),
                payment.total,
                payment.points,
                payment.external,
                payment.authorized,
                payment.captured,
                payment.refunding,
                payment.refunded,
                payment.refunding_external,
                payment.refunded_external,
                payment.decline_reason,
                token,
                summary.map(|summary| summary.kind),
                summary.map(|summary| summary.issuer.as_str()),
                summary.map(|summary| summary.last_four.as_str()),
                payment.under_way,
                payment.asked_at,
                payment.allocations,
                payment.created_at,
                payment.authorized_at,
                payment.captured_at,
                payment.updated_at,
                payment.version,
            ],
        )
        .await?;
    Ok(inserted > 0)
}

/// Stores a changed payment as its next version. False when somebody else changed it since it was read.
async fn update(tx: &mut Tx, payment: &Payment) -> Result<bool, Error> {
    let updated = tx
        .execute(
            "UPDATE payment SET state = ?3, authorized = ?4, captured = ?5, refunding = ?6, refunded = ?7,
                refunding_external = ?8, refunded_external = ?9, decline_reason = ?10, under_way = ?11, asked_at = ?12,
                allocations = ?13, authorized_at = ?14, captured_at = ?15, updated_at = ?16, version = ?17
             WHERE id = ?1 AND version = ?2",
            params![
                payment.id,
                payment.version - 1,
                payment.state,
                payment.authorized,
                payment.captured,
                payment.refunding,
                payment.refunded,
                payment.refunding_external,
                payment.refunded_external,
                payment.decline_reason,
                payment.under_way,
                payment.asked_at,
                payment.allocations,
                payment.authorized_at,
                payment.captured_at,
                payment.updated_at,
                payment.version,
            ],
        )
        .await?;
    Ok(updated > 0)
}

/// Lets the rules decide about the payment of an order, and stores what they decided; if somebody else changed it since
/// `known` was read, reads it again and decides anew. `decide` answers `None` when it leaves the payment as it is.
/// Answers `None` when the order has no payment.
pub(crate) async fn change<T, E: From<Error>>(
    tx: &mut Tx,
    order_id: OrderId,
    mut known: Option<Payment>,
    mut decide: impl FnMut(&mut Payment) -> Result<Option<T>, E>,
) -> Result<Option<(Payment, Option<T>)>, E> {
    loop {
        let found = match known.take() {
            Some(payment) => Some(payment),
            None => of_order(tx, order_id).await?,
        };
        let Some(mut payment) = found else { return Ok(None) };
        let Some(decided) = decide(&mut payment)? else { return Ok(Some((payment, None))) };
        payment.version += 1;
        if update(tx, &payment).await? {
            return Ok(Some((payment, Some(decided))));
        }
    }
}

pub(crate) async fn of_order(tx: &mut Tx, order_id: OrderId) -> Result<Option<Payment>, Error> {
    tx.fetch_optional(concat!("SELECT ", columns!(), " FROM payment WHERE order_id = ?1"), params![order_id]).await
}

pub(crate) async fn by_id(tx: &mut Tx, payment_id: PaymentId) -> Result<Option<Payment>, Error> {
    tx.fetch_optional(concat!("SELECT ", columns!(), " FROM payment WHERE id = ?1"), params![payment_id]).await
}

/// Payments that the provider was asked about before `before` and has not answered for good, the longest waiting first.
pub(crate) async fn waiting(tx: &mut Tx, before: Moment, limit: i64) -> Result<Vec<Payment>, Error> {
    tx.fetch_all(
        concat!("SELECT ", columns!(), " FROM payment WHERE asked_at <= ?1 ORDER BY asked_at LIMIT ?2"),
        params![before, limit],
    )
    .await
}

/// Notes that the provider is asked now about what is under way; nothing that is shown changes. False when that is not under way any
/// more, or was asked since it was asked at `read`.
pub(crate) async fn claim(
    tx: &mut Tx,
    order_id: OrderId,
    under_way: UnderWay,
    read: Moment,
    now: Moment,
) -> Result<bool, Error> {
    let claimed = tx
        .execute(
            "UPDATE payment SET asked_at = ?4 WHERE order_id = ?1 AND under_way = ?2 AND asked_at = ?3",
            params![order_id, under_way, read, now],
        )
        .await?;
    Ok(claimed > 0)
}

/// Which payments to list.
#[derive(Debug, Clone)]
pub(crate) struct PaymentFilter {
    pub(crate) customer_id: Option<AccountId>,
    pub(crate) state: Option<PaymentState>,
    pub(crate) created_from: Option<Moment>,
    pub(crate) created_before: Option<Moment>,
}

/// Payments of customers, newest first, those after `after`: ids sort by time.
pub(crate) async fn list(
    tx: &mut Tx,
    wanted: &PaymentFilter,
    after: Option<PaymentId>,
    limit: i64,
) -> Result<Vec<Payment>, Error> {
    let (sql, params) = page(wanted, after.as_ref(), limit);
    tx.fetch_all(&sql, &params).await
}

pub(super) fn page<'a>(
    wanted: &'a PaymentFilter,
    after: Option<&'a PaymentId>,
    limit: i64,
) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    match &wanted.customer_id {
        Some(customer_id) => filter.and("customer_id = ?", [customer_id.bind()]),
        None => filter.and("customer_id IS NOT NULL", []),
    }
    filter.and_if("state = ?", wanted.state.as_ref());
    if matches!(wanted.state, Some(PaymentState::Pending | PaymentState::Unresolved)) {
        // As the index says it: that a parameter is one of these no database can know beforehand.
        filter.and("state IN ('PENDING', 'UNRESOLVED')", []);
    }
    filter.and_if("created_at >= ?", wanted.created_from.as_ref());
    filter.and_if("created_at < ?", wanted.created_before.as_ref());
    filter.and_if("id < ?", after);
    filter.statement(concat!("SELECT ", columns!(), " FROM payment"), "id DESC", limit)
}

pub(super) const CAPTURED_BEFORE: &str =
    "SELECT currency, CAST(sum(captured) AS BIGINT) FROM payment WHERE captured_at IS NOT NULL AND captured_at < ?1
     GROUP BY currency ORDER BY currency";

/// What was captured before a moment, by currency.
pub(crate) async fn captured_before(tx: &mut Tx, as_of: Moment) -> Result<Vec<(String, i64)>, Error> {
    tx.fetch_all(CAPTURED_BEFORE, params![as_of]).await
}
