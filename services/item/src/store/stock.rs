//! Counts of pieces. Every change is one conditional statement, so that no two writers can both take the last piece.

use std::collections::BTreeMap;

use bojagi_kernel::id::OptionId;
use bojagi_store::{Bind, Error, Tx, from_row, params};

use crate::domain::hold::HoldState;
use crate::domain::stock::{HeldPieces, Movement, Stock};

from_row!(Stock { option_id, available, reserved, sold, put_in });

/// The first stock of a new option.
pub(crate) async fn insert(tx: &mut Tx, option_id: OptionId, put_in: i64) -> Result<Stock, Error> {
    tx.send(
        "INSERT INTO stock (option_id, available, reserved, sold, put_in) VALUES (?1, ?2, 0, 0, ?2)",
        params![option_id, put_in],
    )
    .await?;
    Ok(Stock { option_id, available: put_in, reserved: 0, sold: 0, put_in })
}

/// The count of an active option.
pub(crate) async fn find(tx: &mut Tx, option_id: OptionId) -> Result<Option<Stock>, Error> {
    tx.fetch_optional(
        "SELECT c.option_id, c.available, c.reserved, c.sold, c.put_in
         FROM stock c JOIN item_option o ON o.option_id = c.option_id
         WHERE c.option_id = ?1 AND o.state = 'ACTIVE'",
        params![option_id],
    )
    .await
}

/// How many pieces can be bought.
pub(crate) async fn available(tx: &mut Tx, option_id: OptionId) -> Result<i64, Error> {
    let (available,) = tx.fetch_one("SELECT available FROM stock WHERE option_id = ?1", params![option_id]).await?;
    Ok(available)
}

/// Puts pieces in or, below 0, takes pieces out; `None` when fewer are there.
pub(crate) async fn adjust(tx: &mut Tx, option_id: OptionId, delta: i64) -> Result<Option<Stock>, Error> {
    tx.fetch_optional(
        "UPDATE stock SET available = available + ?2, put_in = put_in + ?2
         WHERE option_id = ?1 AND available + ?2 >= 0 RETURNING option_id, available, reserved, sold, put_in",
        params![option_id, delta],
    )
    .await
}

/// Takes pieces of options; false when there are fewer of one of them, and then the unit has to end.
pub(crate) async fn reserve_all(tx: &mut Tx, pieces: &BTreeMap<OptionId, i64>) -> Result<bool, Error> {
    let rows: Vec<_> = pieces.iter().map(|(option_id, quantity)| vec![option_id.bind(), quantity.bind()]).collect();
    let reserved = tx
        .execute_many(
            "UPDATE stock SET available = available - v.column2, reserved = reserved + v.column2
             FROM (VALUES {(?1, ?2)}) AS v WHERE stock.option_id = v.column1 AND available >= v.column2",
            &rows,
        )
        .await?;
    Ok(reserved == pieces.len() as u64)
}

const SELL: &str =
    "UPDATE stock SET reserved = reserved - ?2, sold = sold + ?2 WHERE option_id = ?1 RETURNING available";
const GIVE_BACK_RESERVED: &str =
    "UPDATE stock SET reserved = reserved - ?2, available = available + ?2 WHERE option_id = ?1 RETURNING available";
const GIVE_BACK_SOLD: &str =
    "UPDATE stock SET sold = sold - ?2, available = available + ?2 WHERE option_id = ?1 RETURNING available";

/// Moves what an order holds of one option: to sold, or back to where it can be bought.
pub(crate) async fn shift(
    tx: &mut Tx,
    held: HeldPieces,
    (from, to): (HoldState, HoldState),
) -> Result<Movement, Error> {
    let statement = match (from, to) {
        (HoldState::Reserved, HoldState::Sold) => SELL,
        (HoldState::Reserved, HoldState::Released) => GIVE_BACK_RESERVED,
        (HoldState::Sold, HoldState::Released) => GIVE_BACK_SOLD,
        _ => return Err(Error::Defect(format!("no hold goes from {from:?} to {to:?}"))),
    };
    let HeldPieces { option_id, item_id, quantity } = held;
    let (available,) = tx.fetch_one(statement, params![option_id, quantity]).await?;
    Ok(Movement { option_id, item_id, quantity, available })
}
