//! Statements on what orders take.

use bojagi_kernel::id::{AccountId, CouponId, IssuedCouponId, OrderId, OrderLineId};
use bojagi_kernel::{Currency, Moment};
use bojagi_store::{Bind, Error, FromRow, Row, Tx, params};

use super::columns::read_currency;
use crate::domain::{Consumed, DiscountedLine, RedemptionState};

/// An order that asks for the first time.
pub(crate) struct NewRedemption<'a> {
    pub(crate) order_id: OrderId,
    pub(crate) customer_id: AccountId,
    /// A digest of what is asked for.
    pub(crate) fingerprint: [u8; 32],
    pub(crate) currency: Currency,
    pub(crate) quote_hash: &'a str,
    /// How many pieces it takes.
    pub(crate) consumed_count: i64,
}

/// What is kept of an order.
pub(crate) struct RedemptionRow {
    pub(crate) state: RedemptionState,
    /// Missing when the order ended before it asked.
    pub(crate) fingerprint: Option<Vec<u8>>,
    pub(crate) quote_hash: String,
}

bojagi_store::from_row!(RedemptionRow { state, fingerprint, quote_hash });

/// Whom an order belongs to and how much it takes, as its end is written.
pub(crate) struct EndedRedemption {
    pub(crate) customer_id: Option<AccountId>,
    /// Missing when nothing was ever asked for the order.
    pub(crate) currency: Option<Currency>,
    pub(crate) consumed_count: i64,
}

impl FromRow for EndedRedemption {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let currency = if row.is_null(1)? { None } else { Some(read_currency(row, 1)?) };
        Ok(Self { customer_id: row.get(0)?, currency, consumed_count: row.get(2)? })
    }
}

/// Writes the row of an order. False when it is there already.
pub(crate) async fn claim(tx: &mut Tx, new: &NewRedemption<'_>, now: Moment) -> Result<bool, Error> {
    let claimed = tx
        .execute(
            "INSERT INTO redemption_order
                 (order_id, customer_id, state, fingerprint, quote_hash, currency, consumed_count, asked_at)
             VALUES (?1, ?2, 'RESERVED', ?3, ?4, ?5, ?6, ?7) ON CONFLICT (order_id) DO NOTHING",
            params![
                new.order_id,
                new.customer_id,
                new.fingerprint,
                new.quote_hash,
                new.currency.code(),
                new.consumed_count,
                now,
            ],
        )
        .await?;
    Ok(claimed == 1)
}

/// The row of an order, if there is one.
pub(crate) async fn find(tx: &mut Tx, order_id: OrderId) -> Result<Option<RedemptionRow>, Error> {
    tx.fetch_optional(
        "SELECT state, fingerprint, quote_hash FROM redemption_order WHERE order_id = ?1",
        params![order_id],
    )
    .await
}

/// Writes that an order is confirmed. `None` when that or its end is written already.
pub(crate) async fn confirm(tx: &mut Tx, order_id: OrderId) -> Result<Option<EndedRedemption>, Error> {
    tx.fetch_optional(
        "INSERT INTO redemption_order (order_id, state, quote_hash, consumed_count) VALUES (?1, 'USED', '', 0)
         ON CONFLICT (order_id) DO UPDATE SET state = 'USED' WHERE redemption_order.state = 'RESERVED'
         RETURNING customer_id, currency, consumed_count",
        params![order_id],
    )
    .await
}

/// Writes the end of an order, whether or not it ever asked. `None` when it is written already.
pub(crate) async fn release(tx: &mut Tx, order_id: OrderId, now: Moment) -> Result<Option<EndedRedemption>, Error> {
    tx.fetch_optional(
        "INSERT INTO redemption_order (order_id, state, quote_hash, consumed_count, ended_at)
         VALUES (?1, 'RELEASED', '', 0, ?2)
         ON CONFLICT (order_id) DO UPDATE SET state = 'RELEASED', ended_at = excluded.ended_at
             WHERE redemption_order.state <> 'RELEASED'
         RETURNING customer_id, currency, consumed_count",
        params![order_id, now],
    )
    .await
}

/// Notes the pieces that an order takes.
pub(crate) async fn insert_coupons(tx: &mut Tx, order_id: OrderId, consumed: &[Consumed]) -> Result<(), Error> {
    let rows: Vec<_> = consumed
        .iter()
        .map(|piece| {
            vec![order_id.bind(), piece.issued_coupon_id.bind(), piece.coupon_id.bind(), piece.discount.bind()]
        })
        .collect();
    tx.send_many(
        "INSERT INTO redemption_coupon (order_id, issued_coupon_id, coupon_id, discount_minor)
         VALUES {(?1, ?2, ?3, ?4)}",
        &rows,
    )
    .await
}

/// The pieces that an order takes, or took.
pub(crate) async fn coupons(tx: &mut Tx, order_id: OrderId) -> Result<Vec<Consumed>, Error> {
    let rows: Vec<(IssuedCouponId, CouponId, i64)> = tx
        .fetch_all(
            "SELECT issued_coupon_id, coupon_id, discount_minor FROM redemption_coupon
             WHERE order_id = ?1 ORDER BY issued_coupon_id",
            params![order_id],
        )
        .await?;
    let consumed = rows.into_iter();
    Ok(consumed
        .map(|(issued_coupon_id, coupon_id, discount)| Consumed { issued_coupon_id, coupon_id, discount })
        .collect())
}

/// Notes what is taken off the lines of an order.
pub(crate) async fn insert_lines(tx: &mut Tx, order_id: OrderId, lines: &[DiscountedLine]) -> Result<(), Error> {
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            vec![
                order_id.bind(),
                line.order_line_id.bind(),
                line.item_discount.bind(),
                line.order_discount.bind(),
                line.platform_discount.bind(),
                line.seller_discount.bind(),
            ]
        })
        .collect();
    tx.send_many(
        "INSERT INTO redemption_line
             (order_id, order_line_id, item_discount, order_discount, platform_discount, seller_discount)
         VALUES {(?1, ?2, ?3, ?4, ?5, ?6)}",
        &rows,
    )
    .await
}

/// What is taken off the lines of an order; lines without a discount are not kept.
pub(crate) async fn lines(tx: &mut Tx, order_id: OrderId) -> Result<Vec<DiscountedLine>, Error> {
    let rows: Vec<(OrderLineId, i64, i64, i64, i64)> = tx
        .fetch_all(
            "SELECT order_line_id, item_discount, order_discount, platform_discount, seller_discount
             FROM redemption_line WHERE order_id = ?1",
            params![order_id],
        )
        .await?;
    let lines = rows.into_iter();
    Ok(lines
        .map(|(order_line_id, item_discount, order_discount, platform_discount, seller_discount)| DiscountedLine {
            order_line_id,
            item_discount,
            order_discount,
            platform_discount,
            seller_discount,
        })
        .collect())
}
