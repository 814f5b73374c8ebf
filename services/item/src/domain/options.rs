//! Options: the things that are bought, each with a price and a stock of its own.

use std::collections::HashSet;

use bojagi_kernel::id::OptionId;
use bojagi_kernel::{Currency, Moment, Money, Violation};

use super::catalogue::without_case;
use super::refusal::StockRefusal;

/// When an option can be bought: from `opens_at` on, until just before `closes_at`. An absent bound is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SaleWindow {
    pub(crate) opens_at: Option<Moment>,
    pub(crate) closes_at: Option<Moment>,
}

impl SaleWindow {
    /// Refuses outside the window.
    pub(crate) fn check(&self, option_id: OptionId, now: Moment) -> Result<(), StockRefusal> {
        if let Some(opens_at) = self.opens_at
            && now < opens_at
        {
            return Err(StockRefusal::SaleNotOpen { option_id, opens_at });
        }
        match self.closes_at {
            Some(closes_at) if now >= closes_at => Err(StockRefusal::SaleClosed { option_id, closes_at }),
            _ => Ok(()),
        }
    }
}

/// Whether an option can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionState {
    Active,
    /// No longer on offer; kept for the orders that hold it.
    Retired,
}

/// An option as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemOption {
    pub(crate) option_id: OptionId,
    pub(crate) name: String,
    pub(crate) price: Money,
    pub(crate) state: OptionState,
    pub(crate) available: i64,
    pub(crate) window: SaleWindow,
    pub(crate) customer_limit: Option<i64>,
}

/// An option as its seller describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OptionDraft {
    /// The option to keep; `None` for a new one.
    pub(crate) option_id: Option<OptionId>,
    pub(crate) name: String,
    pub(crate) price: Money,
    /// The first stock of a new option; 0 for a kept one.
    pub(crate) stock: i64,
    pub(crate) window: SaleWindow,
    pub(crate) customer_limit: Option<i64>,
}

/// What is wrong with the options of one item: each name and each kept id once, one currency that the shop takes,
/// pieces to sell in each new option and none given for a kept one.
pub(crate) fn check(drafts: &[OptionDraft], shop_currencies: &[Currency]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let (mut names, mut kept) = (HashSet::new(), HashSet::new());
    let first_currency = drafts.first().map(|draft| draft.price.currency());
    for (index, draft) in drafts.iter().enumerate() {
        let mut note =
            |field: &str, problem: &str| wrong.push(Violation::new(format!("options[{index}].{field}"), problem));
        let currency = draft.price.currency();
        if !names.insert(without_case(&draft.name)) {
            note("name", "another option of the item has this name");
        }
        if !shop_currencies.contains(&currency) {
            note("price.currency_code", "the shop does not take this currency");
        } else if Some(currency) != first_currency {
            note("price.currency_code", "all options of an item are priced in one currency");
        }
        match draft.option_id {
            Some(option_id) if !kept.insert(option_id) => note("option_id", "the option is named twice"),
            Some(_) if draft.stock != 0 => note("stock", "must be 0 for a kept option; AdjustStock changes its stock"),
            None if draft.stock == 0 => note("stock", "must be more than 0 for a new option"),
            _ => {}
        }
    }
    wrong
}

/// The price that the item shows: the lowest of its options, which all have one currency.
pub(crate) fn lowest_price(drafts: &[OptionDraft]) -> Option<Money> {
    drafts.iter().map(|draft| draft.price).min_by_key(Money::minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, minor: i64) -> OptionDraft {
        OptionDraft {
            option_id: None,
            name: name.into(),
            price: Money::new(Currency::KRW, minor),
            stock: 1,
            window: SaleWindow::default(),
            customer_limit: None,
        }
    }

    fn fields(drafts: &[OptionDraft]) -> Vec<String> {
        check(drafts, &[Currency::KRW]).into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn options_that_fit_together_are_taken() {
        assert!(fields(&[draft("red", 2_000), draft("blue", 1_500)]).is_empty());
        assert_eq!(lowest_price(&[draft("red", 2_000), draft("blue", 1_500)]).map(|price| price.minor()), Some(1_500));
    }

    #[test]
    fn each_rule_names_its_field() {
        let dollars = Money::new(Currency::parse("USD").unwrap(), 5);
        let kept = OptionDraft { option_id: Some(OptionId::generate()), stock: 0, ..draft("kept", 1) };
        assert_eq!(fields(&[draft("red", 1), draft("RED", 1)]), ["options[1].name"]);
        assert_eq!(fields(&[OptionDraft { price: dollars, ..draft("a", 1) }]), ["options[0].price.currency_code"]);
        assert_eq!(fields(&[OptionDraft { stock: 0, ..draft("a", 1) }]), ["options[0].stock"]);
        assert_eq!(fields(&[OptionDraft { stock: 3, ..kept.clone() }]), ["options[0].stock"]);
        assert_eq!(fields(&[kept.clone(), OptionDraft { name: "other".into(), ..kept }]), ["options[1].option_id"]);
    }

    #[test]
    fn two_currencies_are_not_mixed_even_if_the_shop_takes_both() {
        let usd = Currency::parse("USD").unwrap();
        let mixed = [draft("a", 1), OptionDraft { price: Money::new(usd, 1), ..draft("b", 1) }];
        assert_eq!(check(&mixed, &[Currency::KRW, usd]).len(), 1);
    }

    #[test]
    fn a_window_contains_its_start_and_not_its_end() {
        let at = Moment::from_micros;
        let window = SaleWindow { opens_at: Some(at(10)), closes_at: Some(at(20)) };
        let option_id = OptionId::generate();
        assert_eq!(window.check(option_id, at(9)), Err(StockRefusal::SaleNotOpen { option_id, opens_at: at(10) }));
        assert_eq!(window.check(option_id, at(10)), Ok(()));
        assert_eq!(window.check(option_id, at(19)), Ok(()));
        assert_eq!(window.check(option_id, at(20)), Err(StockRefusal::SaleClosed { option_id, closes_at: at(20) }));
        assert_eq!(SaleWindow::default().check(option_id, at(i64::MIN)), Ok(()));
    }
}
