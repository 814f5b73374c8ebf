//! Pieces whose time passes.

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::events;
use crate::store::pieces;

/// Writes down that the time of free pieces has passed, of at most `limit` of them, and says of how many.
pub(crate) async fn expire_due(tx: &mut Tx, now: Moment, limit: i64) -> Result<usize, Failure> {
    let expired = pieces::expire_due(tx, now, limit).await?;
    for piece in &expired {
        events::tell_expired(tx, piece, now).await?;
    }
    Ok(expired.len())
}

/// Ends the coupons of an account that was closed.
pub(crate) async fn expire_all_of(tx: &mut Tx, customer_id: AccountId, now: Moment) -> Result<(), Failure> {
    for piece in pieces::expire_all_of(tx, customer_id, now).await? {
        events::tell_expired(tx, &piece, now).await?;
    }
    Ok(())
}
