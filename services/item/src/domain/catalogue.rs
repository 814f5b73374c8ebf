//! Stores, categories and items as they are shown.

use bojagi_kernel::id::{AccountId, ItemId, StoreId};
use bojagi_kernel::{Moment, Money};

use super::options::{ItemOption, OptionDraft};

bojagi_kernel::typed_id! {
    /// A shelf that items are sorted under.
    CategoryId,
}

/// A shop window of one seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) store_id: StoreId,
    pub(crate) seller_id: AccountId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// How many customers follow it.
    pub(crate) followers: i64,
}

/// What is to be changed of a store; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoreChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
}

/// A shelf that items are sorted under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Category {
    pub(crate) category_id: CategoryId,
    pub(crate) name: String,
}

/// What a store offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) item_id: ItemId,
    pub(crate) store_id: StoreId,
    pub(crate) store_name: String,
    pub(crate) seller_id: AccountId,
    pub(crate) category_id: CategoryId,
    pub(crate) category_name: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) thumbnail_url: String,
    pub(crate) lowest_price: Money,
    /// Pieces sold over the days that count for the order POPULAR, when that was last computed.
    pub(crate) recently_sold: i64,
    /// The active options, in the order in which the seller gave them.
    pub(crate) options: Vec<ItemOption>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// How many customers have given it a heart.
    pub(crate) hearts: i64,
}

/// A new item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemDraft {
    pub(crate) store_id: StoreId,
    pub(crate) category_id: CategoryId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) thumbnail_url: String,
    pub(crate) options: Vec<OptionDraft>,
}

/// What is to be changed of an item; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ItemChange {
    pub(crate) category_id: Option<CategoryId>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) thumbnail_url: Option<String>,
    pub(crate) options: Option<Vec<OptionDraft>>,
}

/// What a text is compared by where case does not count: names that must be unique, keywords that are looked for.
pub(crate) fn without_case(text: &str) -> String {
    text.to_lowercase()
}

/// In which order stores are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreOrder {
    Name,
    Newest,
    Followers,
}

/// Which stores to find; all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreSearch {
    /// Looked for in name and description; empty finds all.
    pub(crate) keyword: String,
    pub(crate) seller_id: Option<AccountId>,
    pub(crate) order: StoreOrder,
}

/// In which order items are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemOrder {
    Latest,
    PriceAscending,
    PriceDescending,
    Hearts,
    /// By what was sold lately.
    Popular,
}

/// Which items to find; all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemSearch {
    /// Looked for in name and description; empty finds all.
    pub(crate) keyword: String,
    pub(crate) category_id: Option<CategoryId>,
    pub(crate) store_id: Option<StoreId>,
    pub(crate) min_price: Option<Money>,
    pub(crate) max_price: Option<Money>,
    pub(crate) in_stock: bool,
    pub(crate) order: ItemOrder,
}
