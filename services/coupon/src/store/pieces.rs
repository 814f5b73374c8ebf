//! Statements on issued coupons.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, CouponId, IssuedCouponId, OrderId};
use bojagi_store::{Bind, Error, Filter, Tx, params};

pub(crate) use super::columns::PieceOfCoupon;
use super::columns::{coupon_columns, piece_columns};
use crate::domain::{Consumed, HeldCoupon, IssuedCoupon, IssuedState};

/// Pieces with the coupons that they are pieces of.
const PIECES_OF_COUPONS: &str = concat!(
    "SELECT ",
    piece_columns!(),
    ", ",
    coupon_columns!(),
    " FROM issued_coupon JOIN coupon ON coupon.coupon_id = issued_coupon.coupon_id"
);

/// Writes new pieces, of customers who have none of the same coupon.
pub(crate) async fn insert_all(tx: &mut Tx, pieces: &[&IssuedCoupon]) -> Result<(), Error> {
    let rows: Vec<_> = pieces
        .iter()
        .map(|piece| {
            vec![
                piece.issued_coupon_id.bind(),
                piece.coupon_id.bind(),
                piece.customer_id.bind(),
                piece.state.bind(),
                piece.issued_at.bind(),
                piece.valid_from.bind(),
                piece.expires_at.bind(),
            ]
        })
        .collect();
    tx.send_many(
        "INSERT INTO issued_coupon (issued_coupon_id, coupon_id, customer_id, state, issued_at, valid_from, expires_at)
         VALUES {(?1, ?2, ?3, ?4, ?5, ?6, ?7)}",
        &rows,
    )
    .await
}

/// The pieces of coupons that customers have.
pub(crate) async fn of_customers(
    tx: &mut Tx,
    whose: &BTreeSet<(CouponId, AccountId)>,
) -> Result<BTreeMap<(CouponId, AccountId), IssuedCouponId>, Error> {
    let keys: Vec<_> =
        whose.iter().map(|(coupon_id, customer_id)| vec![coupon_id.bind(), customer_id.bind()]).collect();
    let sql = "SELECT coupon_id, customer_id, issued_coupon_id FROM issued_coupon
               WHERE (coupon_id, customer_id) IN (VALUES {(?1, ?2)})";
    let found: Vec<(CouponId, AccountId, IssuedCouponId)> = tx.fetch_many(sql, &keys).await?;
    Ok(found.into_iter().map(|(coupon_id, customer_id, piece)| ((coupon_id, customer_id), piece)).collect())
}

/// Those of the pieces that the customer has, in no order.
pub(crate) async fn held(
    tx: &mut Tx,
    customer_id: AccountId,
    wanted: impl Iterator<Item = IssuedCouponId>,
) -> Result<Vec<HeldCoupon>, Error> {
    let wanted: BTreeSet<_> = wanted.collect();
    let keys: Vec<_> =
        wanted.iter().map(|issued_coupon_id| vec![issued_coupon_id.bind(), customer_id.bind()]).collect();
    tx.fetch_many(
        concat!(
            "SELECT ",
            piece_columns!(),
            ", ",
            coupon_columns!(),
            " FROM issued_coupon JOIN coupon ON coupon.coupon_id = issued_coupon.coupon_id
             WHERE (issued_coupon.issued_coupon_id, issued_coupon.customer_id) IN (VALUES {(?1, ?2)})"
        ),
        &keys,
    )
    .await
}

/// Pieces of a customer, newest first, in `state` as it is at `now`; beginning after `after`, at most `limit`.
pub(crate) async fn list(
    tx: &mut Tx,
    customer_id: AccountId,
    state: Option<IssuedState>,
    after: Option<(Moment, IssuedCouponId)>,
    limit: i64,
    now: Moment,
) -> Result<Vec<PieceOfCoupon>, Error> {
    let mut filter = Filter::new();
    filter.and("issued_coupon.customer_id = ?", [customer_id.bind()]);
    if let Some(state) = &state {
        filter.and(
            "? = CASE WHEN issued_coupon.state = 'AVAILABLE' AND issued_coupon.expires_at <= ? THEN 'EXPIRED'
                ELSE issued_coupon.state END",
            [state.bind(), now.bind()],
        );
    }
    if let Some((issued_at, issued_coupon_id)) = &after {
        let place = [issued_at.bind(), issued_coupon_id.bind()];
        filter.and("(issued_coupon.issued_at, issued_coupon.issued_coupon_id) < (?, ?)", place);
    }
    let order = "issued_coupon.issued_at DESC, issued_coupon.issued_coupon_id DESC";
    let (sql, params) = filter.statement(PIECES_OF_COUPONS, order, limit);
    tx.fetch_all(&sql, &params).await
}

/// The pieces that a customer can use at `now`, at most `limit`, those that expire first before the others; and how many there are.
pub(crate) async fn usable(
    tx: &mut Tx,
    customer_id: AccountId,
    limit: i64,
    now: Moment,
) -> Result<(Vec<PieceOfCoupon>, i64), Error> {
    let usable = "WHERE issued_coupon.customer_id = ?1 AND issued_coupon.state = 'AVAILABLE'
                  AND issued_coupon.expires_at > ?2 AND (issued_coupon.valid_from IS NULL OR issued_coupon.valid_from <= ?2)";
    let first = format!(
        "{PIECES_OF_COUPONS} {usable} ORDER BY issued_coupon.expires_at, issued_coupon.issued_coupon_id LIMIT ?3"
    );
    let pieces = tx.fetch_all(&first, params![customer_id, now, limit]).await?;
    let all = format!("SELECT count(*) FROM issued_coupon {usable}");
    let (total,): (i64,) = tx.fetch_one(&all, params![customer_id, now]).await?;
    Ok((pieces, total))
}

/// Keeps free pieces for an order; false when one of them is not free, and then the unit has to end.
pub(crate) async fn reserve_all(tx: &mut Tx, order_id: OrderId, pieces: &[Consumed]) -> Result<bool, Error> {
    let rows: Vec<_> = pieces.iter().map(|piece| vec![piece.issued_coupon_id.bind(), order_id.bind()]).collect();
    let reserved = tx
        .execute_many(
            "UPDATE issued_coupon SET state = 'RESERVED', order_id = v.column2
             FROM (VALUES {(?1, ?2)}) AS v
             WHERE issued_coupon.issued_coupon_id = v.column1 AND issued_coupon.state = 'AVAILABLE'",
            &rows,
        )
        .await?;
    Ok(reserved == pieces.len() as u64)
}

/// Marks a piece as used by the order that it is kept for. False when it is not kept for it.
pub(crate) async fn use_up(
    tx: &mut Tx,
    issued_coupon_id: IssuedCouponId,
    order_id: OrderId,
    now: Moment,
) -> Result<bool, Error> {
    let used = tx
        .execute(
            "UPDATE issued_coupon SET state = 'USED', used_at = ?3
             WHERE issued_coupon_id = ?1 AND order_id = ?2 AND state = 'RESERVED'",
            params![issued_coupon_id, order_id, now],
        )
        .await?;
    Ok(used == 1)
}

/// Takes a piece back from the order that has it, and answers it as it is then; `None` when the order does not have it.
pub(crate) async fn give_back(
    tx: &mut Tx,
    issued_coupon_id: IssuedCouponId,
    order_id: OrderId,
    now: Moment,
) -> Result<Option<IssuedCoupon>, Error> {
    tx.fetch_optional(
        concat!(
            "UPDATE issued_coupon SET order_id = NULL, used_at = NULL,
                 state = CASE WHEN expires_at <= ?3 THEN 'EXPIRED' ELSE 'AVAILABLE' END
             WHERE issued_coupon_id = ?1 AND order_id = ?2 RETURNING ",
            piece_columns!()
        ),
        params![issued_coupon_id, order_id, now],
    )
    .await
}

/// Makes free pieces whose time has passed EXPIRED, at most `limit` of them, and answers them.
pub(crate) async fn expire_due(tx: &mut Tx, now: Moment, limit: i64) -> Result<Vec<IssuedCoupon>, Error> {
    tx.fetch_all(
        concat!(
            "UPDATE issued_coupon SET state = 'EXPIRED' WHERE state = 'AVAILABLE' AND issued_coupon_id IN
                (SELECT issued_coupon_id FROM issued_coupon WHERE state = 'AVAILABLE' AND expires_at <= ?1
                 ORDER BY expires_at LIMIT ?2)
             RETURNING ",
            piece_columns!()
        ),
        params![now, limit],
    )
    .await
}

/// Lets the time of everything that a customer has pass: what is free becomes EXPIRED and is answered; what an order
/// has stays with it and is not worth anything when it comes back.
pub(crate) async fn expire_all_of(
    tx: &mut Tx,
    customer_id: AccountId,
    now: Moment,
) -> Result<Vec<IssuedCoupon>, Error> {
    tx.send(
        "UPDATE issued_coupon SET expires_at = ?2 WHERE customer_id = ?1 AND expires_at > ?2",
        params![customer_id, now],
    )
    .await?;
    tx.fetch_all(
        concat!(
            "UPDATE issued_coupon SET state = 'EXPIRED' WHERE customer_id = ?1 AND state = 'AVAILABLE' RETURNING ",
            piece_columns!()
        ),
        params![customer_id],
    )
    .await
}
