//! What came back to the shelf of what orders had bought.

use bojagi_kernel::Moment;
use bojagi_kernel::id::{OptionId, OrderId};
use bojagi_store::{Error, Tx, params};

use crate::domain::hold::HeldLine;
use crate::domain::restock::RefundId;
use crate::domain::stock::HeldPieces;

/// Notes that a refund brings pieces back; false when it did before.
pub(crate) async fn begin(tx: &mut Tx, refund_id: RefundId, order_id: OrderId, now: Moment) -> Result<bool, Error> {
    let begun = tx
        .execute(
            "INSERT INTO restock (refund_id, order_id, restocked_at) VALUES (?1, ?2, ?3) ON CONFLICT (refund_id) DO NOTHING",
            params![refund_id, order_id, now],
        )
        .await?;
    Ok(begun == 1)
}

/// Counts pieces of a line that was sold as come back.
///
/// # Errors
/// `restocked_line_within_sold` when more would come back than were sold.
pub(crate) async fn count(tx: &mut Tx, order_id: OrderId, sold: &HeldLine, quantity: i64) -> Result<(), Error> {
    let line_id = sold.asked.order_line_id;
    tx.send(
        "INSERT INTO restocked_line (order_id, order_line_id, option_id, sold, restocked) VALUES (?1, ?2, ?3, ?4, 0)
         ON CONFLICT (order_id, order_line_id) DO NOTHING",
        params![order_id, line_id, sold.asked.option_id, sold.asked.quantity],
    )
    .await?;
    tx.send(
        "UPDATE restocked_line SET restocked = restocked + ?3 WHERE order_id = ?1 AND order_line_id = ?2",
        params![order_id, line_id, quantity],
    )
    .await
}

/// Takes off what an order had bought what came back of it.
pub(crate) async fn take_off(tx: &mut Tx, order_id: OrderId, bought: &mut Vec<HeldPieces>) -> Result<(), Error> {
    let back: Vec<(OptionId, i64)> =
        tx.fetch_all("SELECT option_id, restocked FROM restocked_line WHERE order_id = ?1", params![order_id]).await?;
    for (option_id, restocked) in back {
        bought
            .iter_mut()
            .filter(|pieces| pieces.option_id == option_id)
            .for_each(|pieces| pieces.quantity -= restocked);
    }
    bought.retain(|pieces| pieces.quantity > 0);
    Ok(())
}
