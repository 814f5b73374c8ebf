//! What was paid back of what orders had bought, and what of that came back to the shelf.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{OptionId, OrderId};
use bojagi_store::{Error, Tx, params};

use crate::domain::hold::HeldLine;
use crate::domain::refund::Refund;
use crate::domain::stock::HeldPieces;

/// Notes a refund; false when it was noted before.
pub(crate) async fn begin(tx: &mut Tx, refund: &Refund, now: Moment) -> Result<bool, Error> {
    let begun = tx
        .execute(
            "INSERT INTO refund (refund_id, order_id, restocked, heard_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (refund_id) DO NOTHING",
            params![refund.id, refund.order_id, refund.restock, now],
        )
        .await?;
    Ok(begun == 1)
}

/// Counts pieces of a line that was sold as paid back, and as come back to the shelf if they do.
///
/// # Errors
/// `refunded_line_within_sold` when more would be paid back than were sold.
pub(crate) async fn count(tx: &mut Tx, refund: &Refund, sold: &HeldLine, quantity: i64) -> Result<(), Error> {
    let (order_id, line_id) = (refund.order_id, sold.asked.order_line_id);
    tx.send(
        "INSERT INTO refunded_line (order_id, order_line_id, option_id, sold, refunded, restocked)
         VALUES (?1, ?2, ?3, ?4, 0, 0) ON CONFLICT (order_id, order_line_id) DO NOTHING",
        params![order_id, line_id, sold.asked.option_id, sold.asked.quantity],
    )
    .await?;
    let restocked = if refund.restock { quantity } else { 0 };
    tx.send(
        "UPDATE refunded_line SET refunded = refunded + ?3, restocked = restocked + ?4
         WHERE order_id = ?1 AND order_line_id = ?2",
        params![order_id, line_id, quantity, restocked],
    )
    .await
}

/// Takes off what an order had bought what came back to the shelf of it.
pub(crate) async fn take_off(tx: &mut Tx, order_id: OrderId, bought: &mut Vec<HeldPieces>) -> Result<(), Error> {
    let back: Vec<(OptionId, i64)> =
        tx.fetch_all("SELECT option_id, restocked FROM refunded_line WHERE order_id = ?1", params![order_id]).await?;
    for (option_id, restocked) in back {
        bought
            .iter_mut()
            .filter(|pieces| pieces.option_id == option_id)
            .for_each(|pieces| pieces.quantity -= restocked);
    }
    bought.retain(|pieces| pieces.quantity > 0);
    Ok(())
}
