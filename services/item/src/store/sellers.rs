//! Sellers whose accounts are closed, which is final.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, Tx, params};

/// Notes that a seller has gone.
pub(crate) async fn close(tx: &mut Tx, seller_id: AccountId, now: Moment) -> Result<(), Error> {
    tx.send(
        "INSERT INTO closed_seller (seller_id, closed_at) VALUES (?1, ?2) ON CONFLICT (seller_id) DO NOTHING",
        params![seller_id, now],
    )
    .await
}

/// Whether a seller has gone.
pub(crate) async fn is_closed(tx: &mut Tx, seller_id: AccountId) -> Result<bool, Error> {
    let closed: Option<(i64,)> =
        tx.fetch_optional("SELECT 1 FROM closed_seller WHERE seller_id = ?1", params![seller_id]).await?;
    Ok(closed.is_some())
}
