//! Putting pieces in and taking pieces out.

use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;

use crate::domain::refusal::StockRefusal;
use crate::domain::stock::Stock;
use crate::events::told;
use crate::store::{options, stock};

/// Changes the stock of a seller's own option; what can be bought never goes below 0.
pub(crate) async fn adjust_stock(
    tx: &mut Tx,
    seller_id: AccountId,
    option_id: OptionId,
    delta: i64,
    now: Moment,
) -> Result<Stock, Failure> {
    let found = options::owner(tx, option_id).await?.filter(|owner| owner.seller_id == seller_id);
    let owner = found.ok_or(StockRefusal::OptionNotFound { option_id })?;
    let Some(adjusted) = stock::adjust(tx, option_id, delta).await? else {
        let available = stock::available(tx, option_id).await?;
        return Err(StockRefusal::StockBelowZero { option_id, available }.into());
    };
    told::stock_adjusted(tx, owner, delta, &adjusted, now).await?;
    Ok(adjusted)
}
