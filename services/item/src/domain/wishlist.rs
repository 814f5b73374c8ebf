//! What customers would like to have.

use std::collections::BTreeMap;

use bojagi_kernel::id::{ItemId, OptionId, StoreId};
use bojagi_kernel::{Currency, Moment, Money, MoneyError};

use super::refusal::WishlistRefusal;

/// Options on one list: as many as an order can have lines, so that a whole list can be ordered at once.
pub(crate) const MOST_ENTRIES: i64 = 100;
/// Pieces of one option: as many as a line of an order can have.
pub(crate) const MOST_PIECES: i64 = 999;

/// Whether what an entry is about can still be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// At this price for one piece, of which so many are left.
    OnOffer { unit_price: Money, available: i64 },
    /// The option was retired.
    OptionGone,
    /// The item was deleted, alone or with its store.
    ItemGone,
}

/// An option that a customer would like to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) option_id: OptionId,
    pub(crate) item_id: ItemId,
    pub(crate) store_id: StoreId,
    pub(crate) item_name: String,
    pub(crate) option_name: String,
    pub(crate) thumbnail_url: String,
    pub(crate) quantity: i64,
    pub(crate) added_at: Moment,
    pub(crate) standing: Standing,
}

impl Entry {
    /// What all pieces of the entry cost; `None` when it is gone.
    pub(crate) fn price(&self) -> Result<Option<Money>, MoneyError> {
        match self.standing {
            Standing::OnOffer { unit_price, .. } => unit_price.times(self.quantity).map(Some),
            Standing::OptionGone | Standing::ItemGone => Ok(None),
        }
    }
}

/// How many pieces of an option are wished for once `more` are added to those that `already` are.
pub(crate) fn add_up(option_id: OptionId, already: i64, more: i64) -> Result<i64, WishlistRefusal> {
    let sum = already.checked_add(more).filter(|sum| *sum <= MOST_PIECES);
    sum.ok_or(WishlistRefusal::TooManyPieces { option_id, limit: MOST_PIECES, already })
}

/// What the entries that are on offer cost together: an amount for each currency, by its code. It is summed in 128 bits, so
/// that no sum on the way is too large for its type; what comes of lists within the limits fits into an amount.
pub(crate) fn totals(entries: &[Entry]) -> Result<Vec<Money>, MoneyError> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for entry in entries {
        if let Standing::OnOffer { unit_price, .. } = entry.standing {
            *sums.entry(unit_price.currency()).or_default() +=
                i128::from(unit_price.minor()) * i128::from(entry.quantity);
        }
    }
    let amount = |(currency, sum): (Currency, i128)| {
        i64::try_from(sum).map(|minor| Money::new(currency, minor)).map_err(|_| MoneyError::Overflow)
    };
    sums.into_iter().map(amount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(quantity: i64, standing: Standing) -> Entry {
        Entry {
            option_id: OptionId::generate(),
            item_id: ItemId::generate(),
            store_id: StoreId::generate(),
            item_name: "Mug".into(),
            option_name: "red".into(),
            thumbnail_url: String::new(),
            quantity,
            added_at: Moment::from_micros(0),
            standing,
        }
    }

    fn at(currency: &str, minor: i64) -> Standing {
        let unit_price = Money::new(Currency::parse(currency).unwrap(), minor);
        Standing::OnOffer { unit_price, available: 0 }
    }

    #[test]
    fn pieces_add_up_to_the_limit() {
        let option_id = OptionId::generate();
        let refused = |already| Err(WishlistRefusal::TooManyPieces { option_id, limit: MOST_PIECES, already });
        assert_eq!(add_up(option_id, 0, 1), Ok(1));
        assert_eq!(add_up(option_id, 998, 1), Ok(999));
        assert_eq!(add_up(option_id, 999, 1), refused(999));
        assert_eq!(add_up(option_id, 1, i64::MAX), refused(1));
    }

    #[test]
    fn what_is_gone_is_not_in_the_total_and_currencies_do_not_mix() {
        let entries = [
            entry(3, at("KRW", 1_000)),
            entry(2, at("USD", 5)),
            entry(9, Standing::OptionGone),
            entry(9, Standing::ItemGone),
            entry(1, at("KRW", 500)),
        ];
        let won = Money::new(Currency::KRW, 3_500);
        let dollars = Money::new(Currency::parse("USD").unwrap(), 10);
        assert_eq!(totals(&entries), Ok(vec![won, dollars]));
        assert_eq!(totals(&entries[2..4]), Ok(vec![]));
        assert_eq!(entries[0].price(), Ok(Some(Money::new(Currency::KRW, 3_000))));
        assert_eq!(entries[2].price(), Ok(None));
    }

    #[test]
    fn the_dearest_list_has_a_total_and_what_is_beyond_an_amount_has_none() {
        let dearest = || entry(MOST_PIECES, at("KRW", 1_000_000_000_000));
        let full: Vec<_> = (0..MOST_ENTRIES).map(|_| dearest()).collect();
        assert_eq!(totals(&full), Ok(vec![Money::new(Currency::KRW, 99_900_000_000_000_000)]));
        let beyond = [entry(1, at("KRW", i64::MAX)), entry(1, at("KRW", 1))];
        assert_eq!(totals(&beyond), Err(MoneyError::Overflow));
    }
}
