//! Orders that ask at the same moment.

use bojagi_kernel::Money;
use bojagi_kernel::id::{OrderId, OrderLineId};
use proptest::prelude::*;

use super::*;
use crate::domain::reservation::AskedLine;
use crate::domain::samples::{offer, won};

const NOW: Moment = Moment::from_micros(1_000);
const PRICE: Money = won(5_000);

fn asks(customer_id: AccountId, wanted: impl IntoIterator<Item = (OptionId, i64)>) -> Asked {
    let line = |(option_id, quantity)| AskedLine {
        order_line_id: OrderLineId::generate(),
        option_id,
        quantity,
        expected_unit_price: PRICE,
    };
    Asked { order_id: OrderId::generate(), customer_id, lines: wanted.into_iter().map(line).collect() }
}

#[test]
fn who_comes_first_is_served_first_and_the_next_sees_what_is_left() {
    let tea = offer(5);
    let option_id = tea.option_id;
    let mut shelf = Shelf::new([tea], []);
    let mut take = |quantity: i64| shelf.take(&asks(AccountId::generate(), [(option_id, quantity)]), NOW);
    assert_eq!(take(3).unwrap().movements[0].available, 2);
    assert_eq!(take(3), Err(StockRefusal::OutOfStock { option_id, available: 2 }));
    assert_eq!(take(2).unwrap().movements[0].available, 0);
    assert_eq!(shelf.taken().pieces, BTreeMap::from([(option_id, 5)]));
}

#[test]
fn a_limit_counts_what_the_same_customer_took_a_moment_before() {
    let tea = Offer { customer_limit: Some(3), ..offer(50) };
    let (option_id, customer) = (tea.option_id, AccountId::generate());
    let mut shelf = Shelf::new([tea], [((option_id, customer), 1)]);
    let mut take = |customer: AccountId, quantity: i64| shelf.take(&asks(customer, [(option_id, quantity)]), NOW);
    assert!(take(customer, 2).is_ok());
    assert_eq!(take(customer, 1), Err(StockRefusal::PurchaseLimit { option_id, limit: 3, already: 3 }));
    assert!(take(AccountId::generate(), 3).is_ok());
    assert_eq!(shelf.taken().counted[&(option_id, customer)], 2, "what it had before is counted already");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is asked for: what was taken in all is the sum of what the orders got, never more than was there, and an order
    /// that was refused has left everything as it was.
    #[test]
    fn the_sum_of_what_orders_get_is_what_is_missing(
        stock in prop::collection::vec(0..20_i64, 1..4),
        wanted in prop::collection::vec(prop::collection::vec((0..4_usize, 1..6_i64), 1..4), 0..20),
    ) {
        let offers: Vec<_> = stock.iter().map(|available| offer(*available)).collect();
        let mut shelf = Shelf::new(offers.iter().cloned(), []);
        let mut sums = BTreeMap::<OptionId, i64>::new();
        for wanted in wanted {
            let lines = wanted.into_iter().map(|(index, quantity)| (offers[index % offers.len()].option_id, quantity));
            let Ok(bundle) = shelf.take(&asks(AccountId::generate(), lines), NOW) else { continue };
            for movement in bundle.movements {
                *sums.entry(movement.option_id).or_default() += movement.quantity;
            }
        }
        let taken = shelf.taken();
        prop_assert_eq!(&taken.pieces, &sums);
        prop_assert!(offers.iter().all(|offer| sums.get(&offer.option_id).is_none_or(|sum| *sum <= offer.available)));
        prop_assert!(taken.counted.is_empty());
    }
}
