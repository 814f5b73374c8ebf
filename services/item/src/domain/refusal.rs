//! What item refuses, in the words of its contracts.

use bojagi_kernel::Moment;
use bojagi_kernel::id::OptionId;

bojagi_kernel::refusals! {
    /// What stores and the catalogue refuse.
    pub(crate) enum CatalogRefusal in "item" {
        /// There is no such store, it is deleted, or it is another seller's and is to be changed.
        StoreNotFound => NotFound "STORE_NOT_FOUND" ("there is no such store"),
        /// A living store has this name already, in whatever case.
        StoreNameTaken { name: String } => AlreadyExists "STORE_NAME_TAKEN" ("there is a store named {name} already"),
        /// There is no such category.
        CategoryNotFound => NotFound "CATEGORY_NOT_FOUND" ("there is no such category"),
        /// A category has this name already, in whatever case.
        CategoryNameTaken { name: String } =>
            AlreadyExists "CATEGORY_NAME_TAKEN" ("there is a category named {name} already"),
        /// Items are sorted under the category that is to be removed.
        CategoryInUse { items: i64 } => WrongState "CATEGORY_IN_USE" ("{items} items are sorted under this category"),
        /// There is no such item, it is deleted, or it is another seller's and is to be changed.
        ItemNotFound => NotFound "ITEM_NOT_FOUND" ("there is no such item"),
        /// A living item of the store has this name already, in whatever case.
        ItemNameTaken { name: String } =>
            AlreadyExists "ITEM_NAME_TAKEN" ("the store has an item named {name} already"),
    }
}

bojagi_kernel::refusals! {
    /// What stock refuses.
    pub(crate) enum StockRefusal in "item" {
        /// The option is not on offer, or it is another seller's and is to be changed.
        OptionNotFound { option_id: OptionId } => NotFound "OPTION_NOT_FOUND" ("there is no such option"),
        /// More is to be taken out than is there.
        StockBelowZero { option_id: OptionId, available: i64 } =>
            WrongState "STOCK_BELOW_ZERO" ("only {available} pieces can be taken out"),
        /// An order asks for an option that is not on offer.
        ItemNotFound { option_id: OptionId } => NotFound "ITEM_NOT_FOUND" ("this is not on offer any more"),
        /// The price is not the one that the customer was shown; the metadata holds the price now.
        PriceChanged { option_id: OptionId, currency_code: String, minor_units: i64 } =>
            WrongState "PRICE_CHANGED" ("the price is {minor_units} {currency_code} now"),
        /// The sale begins later.
        SaleNotOpen { option_id: OptionId, opens_at: Moment } => WrongState "SALE_NOT_OPEN" ("the sale opens at {opens_at}"),
        /// The sale is over.
        SaleClosed { option_id: OptionId, closes_at: Moment } => WrongState "SALE_CLOSED" ("the sale closed at {closes_at}"),
        /// The customer would have more pieces than one customer may; `already` counts those reserved or bought before.
        PurchaseLimit { option_id: OptionId, limit: i64, already: i64 } =>
            WrongState "PURCHASE_LIMIT" ("a customer can buy {limit} of these; you have {already} already"),
        /// Less is left than the order asks for.
        OutOfStock { option_id: OptionId, available: i64 } => WrongState "OUT_OF_STOCK" ("only {available} left"),
        /// The order has failed or was cancelled; nothing is held for it any more.
        OrderEnded => WrongState "ORDER_ENDED" ("the order has ended"),
    }
}

bojagi_kernel::refusals! {
    /// What wishlists refuse.
    pub(crate) enum WishlistRefusal in "item" {
        /// The option is not on the caller's list.
        EntryNotFound { option_id: OptionId } => NotFound "WISHLIST_ENTRY_NOT_FOUND" ("this is not on your wishlist"),
        /// No other option fits on the list.
        Full { limit: i64 } => WrongState "WISHLIST_FULL" ("a wishlist has at most {limit} entries"),
        /// More pieces of one option would be wished for than can be; `already` counts those on the list.
        TooManyPieces { option_id: OptionId, limit: i64, already: i64 } =>
            WrongState "WISHLIST_QUANTITY" ("you can wish for {limit} of these; {already} are on your list already"),
    }
}
