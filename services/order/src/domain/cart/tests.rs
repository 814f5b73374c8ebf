use std::collections::HashMap;

use bojagi_kernel::id::{OptionId, OrderId};
use bojagi_kernel::{Currency, Money};
use proptest::prelude::*;

use super::samples::{cart, offer, sight, sights, won};
use super::{Cart, CartChange, CartPart, Sight, Standing};
use crate::domain::{MAX_LINES, MAX_QUANTITY, OrderRefusal};

#[test]
fn what_the_catalogue_says_of_a_line_is_told_once() {
    let price = |before, now| CartChange::PriceChanged { before: won(before), now: won(now) };
    let short = |left| CartChange::Short { quantity: 5, left };
    // A line of five pieces at 100, what is said of it one after the other, and what is told each time.
    let table: &[&[(Sight, &[CartChange])]] = &[
        &[(sight(100, 5), &[]), (sight(100, 1_000), &[])],
        &[(sight(120, 9), &[price(100, 120)]), (sight(120, 9), &[]), (sight(100, 9), &[price(120, 100)])],
        &[
            (sight(100, 4), &[short(4)]),
            (sight(100, 4), &[]),
            (sight(100, 3), &[short(3)]),
            (sight(100, 0), &[short(0)]),
        ],
        // Enough again is shown and no news; short once more is.
        &[(sight(100, 4), &[short(4)]), (sight(100, 5), &[]), (sight(100, 4), &[short(4)])],
        &[(sight(90, 4), &[price(100, 90), short(4)]), (sight(90, 4), &[])],
        &[(Sight::OptionGone, &[CartChange::OptionGone]), (Sight::OptionGone, &[])],
        &[(Sight::OptionGone, &[CartChange::OptionGone]), (Sight::ItemGone, &[CartChange::ItemGone])],
        &[(Sight::ItemGone, &[CartChange::ItemGone]), (Sight::ItemGone, &[]), (sight(110, 9), &[price(100, 110)])],
        &[(sight(100, 2), &[short(2)]), (Sight::ItemGone, &[CartChange::ItemGone]), (sight(100, 2), &[short(2)])],
    ];
    for (row, said) in table.iter().enumerate() {
        let (mut cart, options) = cart(&[(5, 100)]);
        for (sight, told) in *said {
            let shown = |cart: &Cart| (cart.kept[0].unit_price, cart.kept[0].standing);
            let before = cart.clone();
            cart.look(&sights(&[(options[0], sight.clone())]));
            let changes: Vec<_> = cart.changes_since(before.revision).into_iter().map(|(_, change)| change).collect();
            assert_eq!(changes, *told, "row {row}, {sight:?}");
            let differs = shown(&cart) != shown(&before);
            assert_eq!(cart.revision, before.revision + i64::from(differs), "row {row}, {sight:?}");
            assert!(differs || told.is_empty(), "row {row}: what is told is shown");
        }
    }
}

#[test]
fn what_was_told_in_an_answer_that_was_lost_is_told_again() {
    let (mut cart, options) = cart(&[(5, 100), (1, 100)]);
    let seen = cart.revision;
    cart.look(&sights(&[(options[0], sight(120, 9)), (options[1], sight(100, 9))]));
    cart.look(&sights(&[(options[0], sight(120, 3)), (options[1], sight(100, 9))]));
    let expected = [
        (options[0], CartChange::PriceChanged { before: won(100), now: won(120) }),
        (options[0], CartChange::Short { quantity: 5, left: 3 }),
    ];
    assert_eq!(cart.changes_since(seen), expected);
    assert_eq!(cart.changes_since(seen + 1), expected[1..]);
    assert_eq!(cart.changes_since(cart.revision), []);
}

#[test]
fn names_are_taken_over_in_silence_and_kept_when_the_item_is_gone() {
    let (mut cart, options) = cart(&[(1, 100)]);
    let before = cart.revision;
    let mut renamed = offer(100, 9);
    renamed.whereabouts.item_name = "Green tea".into();
    cart.look(&sights(&[(options[0], Sight::OnOffer(renamed))]));
    assert_eq!((cart.revision, cart.kept[0].whereabouts.item_name.as_str()), (before, "Green tea"));
    cart.look(&sights(&[(options[0], Sight::ItemGone)]));
    assert_eq!(cart.kept[0].whereabouts.item_name, "Green tea");
}

#[test]
fn a_line_that_nobody_looked_at_stays_as_it_is() {
    let (mut cart, _) = cart(&[(1, 100)]);
    let before = cart.clone();
    cart.look(&HashMap::new());
    assert_eq!(cart, before);
}

#[test]
fn of_a_short_line_it_is_known_what_is_left() {
    let (mut cart, options) = cart(&[(5, 100)]);
    cart.look(&sights(&[(options[0], sight(100, 3))]));
    for (quantity, standing) in [(4, Standing::Short { left: 3 }), (3, Standing::OnOffer), (9, Standing::OnOffer)] {
        cart.update(options[0], quantity).unwrap();
        assert_eq!(cart.kept[0].standing, standing, "{quantity}");
    }
}

#[test]
fn quantities_add_up_to_what_a_line_may_have() {
    let (mut cart, options) = cart(&[(MAX_QUANTITY - 1, 100)]);
    cart.add(options[0], 1, offer(120, 9)).unwrap();
    assert_eq!((cart.kept[0].quantity, cart.kept[0].unit_price), (MAX_QUANTITY, won(100)), "the price is not told yet");
    let before = cart.clone();
    let refused = cart.add(options[0], 1, offer(120, 9));
    let (option_id, quantity, limit) = (options[0], MAX_QUANTITY, MAX_QUANTITY);
    assert_eq!(refused, Err(OrderRefusal::CartQuantityLimit { option_id, quantity, limit }));
    assert_eq!(cart, before);
}

#[test]
fn a_cart_has_as_many_lines_as_an_order_and_keeps_the_places_of_what_is_being_ordered() {
    let (mut cart, options) = cart(&[(1, 100); MAX_LINES]);
    let order_id = OrderId::generate();
    let part = CartPart { revision: cart.revision, option_ids: options[..40].to_vec() };
    cart.order(&part, order_id).unwrap();
    assert_eq!(cart.lines().count(), 60);
    let full = Err(OrderRefusal::CartFull { limit: MAX_LINES });
    assert_eq!(cart.add(OptionId::generate(), 1, offer(100, 9)), full);
    // Where the option is out for an order, putting it in again is a line more.
    assert_eq!(cart.add(options[0], 1, offer(100, 9)), full);
    assert_eq!(cart.add(options[99], 1, offer(100, 9)), Ok(()));
    cart.forget(order_id);
    assert_eq!(cart.add(options[0], 1, offer(100, 9)), Ok(()));
    assert_eq!(cart.lines().count(), 61);
}

#[test]
fn what_changes_nothing_is_no_new_revision() {
    let (mut cart, options) = cart(&[(2, 100)]);
    let before = cart.clone();
    cart.update(options[0], 2).unwrap();
    cart.remove(&[OptionId::generate()]);
    cart.bring_back(OrderId::generate());
    assert_eq!(cart, before);
    cart.clear();
    assert_eq!((cart.revision, cart.lines().count()), (before.revision + 1, 0));
    cart.clear();
    assert_eq!(cart.revision, before.revision + 1);
    let option_id = options[0];
    assert_eq!(cart.update(option_id, 1), Err(OrderRefusal::CartLineNotFound { option_id }));
}

#[test]
fn what_may_be_ordered() {
    let (mut cart, options) = cart(&[(5, 100), (1, 200)]);
    cart.look(&sights(&[(options[1], sight(200, 0))]));
    let seen = cart.revision;
    let stranger = OptionId::generate();
    let changed = OrderRefusal::CartChanged { revision: seen };
    let not_available = |option_id, available| OrderRefusal::CartLineNotAvailable { option_id, available };
    let said = |of_first: Sight| sights(&[(options[0], of_first), (options[1], sight(200, 0))]);
    let back = || sights(&[(options[0], sight(100, 5)), (options[1], sight(200, 1))]);
    let table = [
        (seen, vec![options[0]], said(sight(100, 5)), Ok(())),
        (seen - 1, vec![options[0]], said(sight(100, 5)), Err(changed.clone())),
        (seen + 1, vec![options[0]], said(sight(100, 5)), Err(changed.clone())),
        (seen, vec![options[0]], said(sight(101, 5)), Err(changed.clone())),
        (seen, vec![options[0]], said(sight(100, 4)), Err(changed.clone())),
        (seen, vec![options[0]], said(Sight::OptionGone), Err(changed.clone())),
        (seen, vec![options[0]], said(Sight::ItemGone), Err(changed.clone())),
        (seen, vec![options[1]], said(sight(101, 5)), Err(not_available(options[1], 0))),
        (seen, vec![options[1], options[0]], said(sight(100, 5)), Err(not_available(options[1], 0))),
        (seen, vec![], said(sight(100, 5)), Err(not_available(options[1], 0))),
        // Nobody has seen yet what the second line costs together with the first.
        (seen, vec![options[0]], back(), Ok(())),
        (seen, vec![options[1]], back(), Err(changed.clone())),
        (seen, vec![], back(), Err(changed)),
        (seen, vec![stranger], said(sight(100, 5)), Err(OrderRefusal::CartLineNotFound { option_id: stranger })),
    ];
    for (row, (revision, named, sights, expected)) in table.into_iter().enumerate() {
        let judged = cart.to_order(revision, &named).and_then(|lines| cart.may_order(&lines, &sights));
        assert_eq!(judged, expected, "row {row}");
    }
    assert_eq!(Cart::default().to_order(0, &[]), Err(OrderRefusal::CartEmpty));
    let named: Vec<_> = cart.to_order(seen, &[options[1], options[0]]).unwrap();
    assert_eq!(named.iter().map(|line| line.option_id).collect::<Vec<_>>(), [options[1], options[0]]);
}

#[test]
fn totals_count_what_can_be_ordered_by_currency() {
    let (mut cart, options) = cart(&[(2, 100), (3, 50), (1, 7_000)]);
    let dollars = Money::new(Currency::parse("USD").unwrap(), 9);
    cart.add(OptionId::generate(), 2, super::Offer { unit_price: dollars, ..offer(1, 9) }).unwrap();
    cart.look(&sights(&[(options[2], Sight::ItemGone)]));
    assert_eq!(cart.totals(), [won(350), Money::new(dollars.currency(), 18)]);
}

/// What happens to a cart of a few options.
#[derive(Debug, Clone)]
enum Step {
    Add(usize, i64),
    Update(usize, i64),
    Remove(usize),
    Order(Vec<usize>),
    Fail(usize),
    Pay(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let option = 0_usize..4;
    prop_oneof![
        (option.clone(), 1_i64..20).prop_map(|(option, quantity)| Step::Add(option, quantity)),
        (option.clone(), 1_i64..20).prop_map(|(option, quantity)| Step::Update(option, quantity)),
        option.clone().prop_map(Step::Remove),
        prop::collection::vec(option, 1..4).prop_map(Step::Order),
        (0_usize..6).prop_map(Step::Fail),
        (0_usize..6).prop_map(Step::Pay),
    ]
}

proptest! {
    /// Beside a count of pieces that knows nothing of lines: none is lost and none doubled, whatever fails.
    #[test]
    fn pieces_are_neither_lost_nor_doubled(steps in prop::collection::vec(step(), 1..40)) {
        let options: Vec<_> = (0..4).map(|_| OptionId::generate()).collect();
        let mut cart = Cart::default();
        let mut pieces = [0_i64; 4];
        let mut orders: Vec<(OrderId, [i64; 4])> = Vec::new();
        for step in steps {
            let before = cart.clone();
            match step {
                Step::Add(option, quantity) => {
                    cart.add(options[option], quantity, offer(100, 1_000)).unwrap();
                    pieces[option] += quantity;
                }
                Step::Update(option, quantity) => {
                    if cart.update(options[option], quantity).is_ok() {
                        pieces[option] = quantity;
                    }
                }
                Step::Remove(option) => {
                    cart.remove(&[options[option]]);
                    pieces[option] = 0;
                }
                Step::Order(mut named) => {
                    named.sort_unstable();
                    named.dedup();
                    let option_ids = named.iter().map(|option| options[*option]).collect();
                    let order_id = OrderId::generate();
                    let mut ordered = cart.clone();
                    if ordered.order(&CartPart { revision: cart.revision, option_ids }, order_id).is_ok() {
                        cart = ordered;
                        let mut taken = [0; 4];
                        for option in named {
                            taken[option] = std::mem::take(&mut pieces[option]);
                        }
                        orders.push((order_id, taken));
                    }
                }
                Step::Fail(which) if which < orders.len() => {
                    let (order_id, taken) = orders.remove(which);
                    cart.bring_back(order_id);
                    cart.bring_back(order_id);
                    for (there, back) in pieces.iter_mut().zip(taken) {
                        *there = (*there + back).min(MAX_QUANTITY);
                    }
                }
                Step::Pay(which) if which < orders.len() => cart.forget(orders.remove(which).0),
                Step::Fail(_) | Step::Pay(_) => {}
            }
            let in_cart = options.iter().map(|option_id| cart.line(*option_id).map_or(0, |line| line.quantity));
            prop_assert_eq!(in_cart.collect::<Vec<_>>(), pieces);
            prop_assert!(cart.revision >= before.revision);
            let lines = |cart: &Cart| cart.lines().cloned().collect::<Vec<_>>();
            prop_assert_eq!(cart.revision > before.revision, lines(&cart) != lines(&before));
        }
        prop_assert_eq!(cart.orders().len(), orders.len());
    }
}
