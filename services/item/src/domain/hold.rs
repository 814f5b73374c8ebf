//! What an order holds.

use bojagi_kernel::id::{AccountId, ItemId, StoreId};

use super::reservation::{AskedLine, Offer};

/// What has become of the pieces held for an order. RESERVED goes to SOLD or RELEASED, SOLD to RELEASED; RELEASED is
/// final, also for an order that never held anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldState {
    Reserved,
    Sold,
    Released,
}

/// For whom an order holds pieces, and what has become of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) customer_id: AccountId,
    pub(crate) state: HoldState,
}

/// A line that is held, with what the order keeps about it, as it was when it was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldLine {
    pub(crate) asked: AskedLine,
    pub(crate) item_id: ItemId,
    pub(crate) store_id: StoreId,
    pub(crate) seller_id: AccountId,
    pub(crate) option_name: String,
    pub(crate) item_name: String,
    pub(crate) store_name: String,
}

impl HeldLine {
    /// The line as `offer` fulfils it.
    pub(crate) fn new(asked: AskedLine, offer: &Offer) -> Self {
        Self {
            asked,
            item_id: offer.item_id,
            store_id: offer.store_id,
            seller_id: offer.seller_id,
            option_name: offer.option_name.clone(),
            item_name: offer.item_name.clone(),
            store_name: offer.store_name.clone(),
        }
    }
}

/// The lines that are held, put in the order of `asked`, if they are the same lines.
pub(crate) fn in_order_of(asked: &[AskedLine], held: Vec<HeldLine>) -> Option<Vec<HeldLine>> {
    if asked.len() != held.len() {
        return None;
    }
    let found = asked.iter().map(|line| held.iter().find(|held| held.asked == *line).cloned());
    found.collect()
}
