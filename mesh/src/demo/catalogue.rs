//! What the sample shop sells. Prices are in won.

mod dalbit;
mod gyeol;
mod maru;
mod onnuri;
mod seochon;

/// The shelves.
pub(super) const CATEGORIES: &[&str] = &[
    DESSERTS,
    RICE_CAKES,
    COOKIES,
    TEA,
    COFFEE,
    HONEY,
    STATIONERY,
    NOTEBOOKS,
    WRAPPING,
    BOOKS,
    PICTURE_BOOKS,
    GAMES,
    CERAMICS,
    KITCHEN,
    HOME_SCENTS,
];

const DESSERTS: &str = "Desserts 디저트";
const RICE_CAKES: &str = "Rice cakes 떡";
const COOKIES: &str = "Cookies and crackers 과자";
const TEA: &str = "Tea 차";
const COFFEE: &str = "Coffee 커피";
const HONEY: &str = "Honey and fruit syrups 꿀·청";
const STATIONERY: &str = "Stationery 문구";
const NOTEBOOKS: &str = "Notebooks 공책";
const WRAPPING: &str = "Wrapping cloths 보자기";
const BOOKS: &str = "Books 책";
const PICTURE_BOOKS: &str = "Picture books 그림책";
const GAMES: &str = "Games and puzzles 놀이";
const CERAMICS: &str = "Ceramics 도자기";
const KITCHEN: &str = "Kitchen 부엌";
const HOME_SCENTS: &str = "Home scents 향";

/// The stores, each with its items.
pub(super) const STORES: &[StoreEntry] = &[dalbit::STORE, onnuri::STORE, gyeol::STORE, seochon::STORE, maru::STORE];

/// A store of the sample shop.
pub(super) struct StoreEntry {
    /// The address of the seller's account.
    pub(super) seller: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) items: &'static [ItemEntry],
}

/// An item of a store.
pub(super) struct ItemEntry {
    pub(super) category: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) options: &'static [OptionEntry],
}

/// An option of an item.
pub(super) struct OptionEntry {
    pub(super) name: &'static str,
    pub(super) price: i64,
    pub(super) stock: i64,
    /// 0 for no limit.
    pub(super) per_customer_limit: i64,
    /// Days after the opening of the shop from which it is sold; absent for at once.
    pub(super) on_sale_after_days: Option<i64>,
}

const fn item(
    category: &'static str,
    name: &'static str,
    description: &'static str,
    options: &'static [OptionEntry],
) -> ItemEntry {
    ItemEntry { category, name, description, options }
}

const fn option(name: &'static str, price: i64, stock: i64) -> OptionEntry {
    OptionEntry { name, price, stock, per_customer_limit: 0, on_sale_after_days: None }
}

impl OptionEntry {
    /// One customer may have at most `pieces`.
    const fn limited_to(self, pieces: i64) -> Self {
        Self { per_customer_limit: pieces, ..self }
    }

    /// A sale that opens `days` days after the shop.
    const fn on_sale_after(self, days: i64) -> Self {
        Self { on_sale_after_days: Some(days), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::accounts::INHABITANTS;
    use super::*;

    #[test]
    fn the_sample_shop_has_something_on_every_shelf() {
        assert_eq!(CATEGORIES.len(), 15);
        let items: Vec<_> = STORES.iter().flat_map(|store| store.items).collect();
        assert!(items.len() >= 40, "{}", items.len());
        for category in CATEGORIES {
            assert!(items.iter().any(|item| item.category == *category), "nothing under {category}");
        }
    }

    #[test]
    fn names_are_unique_where_the_shop_wants_them_so() {
        for store in STORES {
            assert!(INHABITANTS.iter().any(|person| person.email == store.seller), "nobody owns {}", store.name);
            let names: HashSet<_> = store.items.iter().map(|item| item.name).collect();
            assert_eq!(names.len(), store.items.len(), "{}", store.name);
            for item in store.items {
                let names: HashSet<_> = item.options.iter().map(|option| option.name).collect();
                assert!(!names.is_empty() && names.len() == item.options.len(), "{}", item.name);
                assert!(item.options.iter().all(|option| option.price > 0 && option.stock > 0), "{}", item.name);
            }
        }
    }
}
