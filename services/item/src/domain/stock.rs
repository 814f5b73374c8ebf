//! Counts of pieces, and how orders move them.

use bojagi_kernel::id::{ItemId, OptionId};

/// The count of one option's pieces. `available + reserved + sold = put_in`, always; the database holds it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stock {
    pub(crate) option_id: OptionId,
    pub(crate) available: i64,
    pub(crate) reserved: i64,
    pub(crate) sold: i64,
    pub(crate) put_in: i64,
}

/// The pieces of one option that an order holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldPieces {
    pub(crate) option_id: OptionId,
    pub(crate) item_id: ItemId,
    pub(crate) quantity: i64,
}

/// How an order moved the stock of one option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) option_id: OptionId,
    pub(crate) item_id: ItemId,
    /// How many pieces moved; above 0.
    pub(crate) quantity: i64,
    /// How many pieces could be bought after the move.
    pub(crate) available: i64,
}
