//! The rules of reserving as tables, and what must hold for whatever is asked.

use bojagi_kernel::Currency;
use proptest::prelude::*;

use super::*;
use crate::domain::samples::{offer, won};

const NOW: Moment = Moment::from_micros(1_000);

fn asks(offer: &Offer, quantity: i64) -> AskedLine {
    AskedLine {
        order_line_id: OrderLineId::generate(),
        option_id: offer.option_id,
        quantity,
        expected_unit_price: offer.unit_price,
    }
}

#[test]
fn lines_of_one_option_are_summed() {
    let offers = [offer(5)];
    let both = [asks(&offers[0], 3), asks(&offers[0], 2)];
    let takings = decide(&both, &offers, NOW).unwrap();
    assert_eq!((takings.len(), takings[0].quantity), (1, 5));

    let too_many = [asks(&offers[0], 3), asks(&offers[0], 3)];
    let refusal = StockRefusal::OutOfStock { option_id: offers[0].option_id, available: 5 };
    assert_eq!(decide(&too_many, &offers, NOW), Err(refusal));
}

#[test]
fn what_is_not_on_offer_is_not_found() {
    let mine = offer(5);
    let option_id = mine.option_id;
    assert_eq!(decide(&[asks(&mine, 1)], &[], NOW), Err(StockRefusal::ItemNotFound { option_id }));
    let retired = Offer { state: OptionState::Retired, ..mine };
    assert_eq!(
        decide(&[asks(&retired, 1)], std::slice::from_ref(&retired), NOW),
        Err(StockRefusal::ItemNotFound { option_id })
    );
}

#[test]
fn another_price_or_another_currency_is_refused_with_the_price_now() {
    let offers = [offer(5)];
    let dollars = Money::new(Currency::parse("USD").unwrap(), 5_000);
    for shown in [won(4_999), won(5_001), dollars] {
        let line = AskedLine { expected_unit_price: shown, ..asks(&offers[0], 1) };
        let refusal = StockRefusal::PriceChanged {
            option_id: offers[0].option_id,
            currency_code: "KRW".into(),
            minor_units: 5_000,
        };
        assert_eq!(decide(&[line], &offers, NOW), Err(refusal), "{shown}");
    }
}

#[test]
fn the_limit_counts_what_the_customer_has() {
    let limited = Offer { customer_limit: Some(3), taken_by_customer: 2, ..offer(10) };
    let offers = [limited];
    assert!(decide(&[asks(&offers[0], 1)], &offers, NOW).is_ok());
    let refusal = StockRefusal::PurchaseLimit { option_id: offers[0].option_id, limit: 3, already: 2 };
    assert_eq!(decide(&[asks(&offers[0], 2)], &offers, NOW), Err(refusal.clone()));
    assert_eq!(decide(&[asks(&offers[0], 1), asks(&offers[0], 1)], &offers, NOW), Err(refusal));
}

#[test]
fn one_line_that_fails_fails_all() {
    let offers = [offer(5), offer(0)];
    let lines = [asks(&offers[0], 1), asks(&offers[1], 1)];
    let refusal = StockRefusal::OutOfStock { option_id: offers[1].option_id, available: 0 };
    assert_eq!(decide(&lines, &offers, NOW), Err(refusal));
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
    let parts =
        (0..50_i64, prop::option::of(0..20_i64), 0..20_i64, 1..3_i64, any::<bool>(), 998..1_003_i64, 998..1_003_i64);
    prop::collection::vec(parts, 1..5).prop_map(|made| {
        let made =
            made.into_iter().map(|(available, customer_limit, taken_by_customer, price, active, opens, closes)| {
                Offer {
                    customer_limit,
                    taken_by_customer,
                    unit_price: won(price),
                    state: if active { OptionState::Active } else { OptionState::Retired },
                    window: SaleWindow {
                        opens_at: Some(Moment::from_micros(opens)),
                        closes_at: Some(Moment::from_micros(closes)),
                    },
                    ..offer(available)
                }
            });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is asked: what is taken is exactly what was asked for, and never more than was there or allowed.
    #[test]
    fn what_is_taken_was_asked_for_and_was_there(
        offers in offers(),
        wanted in prop::collection::vec((0..6_usize, prop_oneof![1..30_i64, Just(i64::MAX)], 1..3_i64), 0..6),
    ) {
        let lines: Vec<_> = wanted
            .into_iter()
            .map(|(index, quantity, price)| AskedLine {
                order_line_id: OrderLineId::generate(),
                option_id: offers.get(index).map_or_else(OptionId::generate, |offer| offer.option_id),
                quantity,
                expected_unit_price: won(price),
            })
            .collect();
        let before: i128 = offers.iter().map(|offer| i128::from(offer.available)).sum();
        let Ok(takings) = decide(&lines, &offers, NOW) else { return Ok(()) };

        let asked: i128 = lines.iter().map(|line| i128::from(line.quantity)).sum();
        let taken: i128 = takings.iter().map(|taking| i128::from(taking.quantity)).sum();
        prop_assert_eq!(asked, taken);
        prop_assert!(taken <= before);
        for taking in &takings {
            let offer = taking.offer;
            prop_assert!(taking.quantity > 0 && taking.quantity <= offer.available);
            prop_assert_eq!(offer.state, OptionState::Active);
            prop_assert!(offer.window.opens_at <= Some(NOW) && Some(NOW) < offer.window.closes_at);
            if let Some(limit) = offer.customer_limit {
                prop_assert!(offer.taken_by_customer + taking.quantity <= limit);
            }
        }
        prop_assert!(takings.is_sorted_by_key(|taking| taking.offer.option_id));
        let as_shown = |line: &AskedLine, offer: &Offer| {
            offer.option_id == line.option_id && offer.unit_price == line.expected_unit_price
        };
        for line in &lines {
            prop_assert!(offers.iter().any(|offer| as_shown(line, offer)));
        }
    }
}
