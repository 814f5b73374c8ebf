use proptest::prelude::*;

use super::*;

fn customers() -> Vec<AccountId> {
    (0..4).map(|_| AccountId::generate()).collect()
}

fn wish(thing: u8, customer_id: AccountId, is_given: bool) -> Wish<u8> {
    Wish { thing, customer_id, is_given }
}

#[test]
fn each_customer_counts_once() {
    let customers = customers();
    let mut tally = Tally::new([(1, 7)].into(), [(1, customers[0])].into());
    let table = [(0, true, 7), (1, true, 8), (1, true, 8), (2, false, 8), (0, false, 7), (0, false, 7), (3, true, 8)];
    for (customer, is_given, count) in table {
        assert_eq!(tally.fulfil(wish(1, customers[customer], is_given)), Some(count), "{customer} {is_given}");
    }
    let changes = tally.changes();
    assert_eq!(changes.given, [(1, customers[1]), (1, customers[3])]);
    assert_eq!(changes.taken_back, [(1, customers[0])]);
    assert_eq!(changes.differences, [(1, 1)].into());
}

#[test]
fn what_is_not_there_is_given_nothing() {
    let customers = customers();
    let mut tally = Tally::new([(1, 0)].into(), BTreeSet::new());
    assert_eq!(tally.fulfil(wish(2, customers[0], true)), None);
    assert_eq!(tally.changes(), Changes { given: vec![], taken_back: vec![], differences: BTreeMap::new() });
}

#[test]
fn what_was_given_and_taken_back_has_changed_nothing() {
    let customers = customers();
    let mut tally = Tally::new([(1, 1)].into(), [(1, customers[0])].into());
    for (customer, is_given) in [(1, true), (1, false), (0, false), (0, true)] {
        tally.fulfil(wish(1, customers[customer], is_given));
    }
    assert_eq!(tally.changes(), Changes { given: vec![], taken_back: vec![], differences: BTreeMap::new() });
}

proptest! {
    /// Whatever is wished in whatever order: the number is that of the customers whose last wish was to give, and the changes lead there.
    #[test]
    fn the_number_is_that_of_the_customers_who_have_given(
        given in prop::collection::btree_set((0_u8..3, 0_usize..4), 0..12),
        wishes in prop::collection::vec((0_u8..4, 0_usize..4, any::<bool>()), 0..40),
    ) {
        let customers = customers();
        let of_customer = |(thing, customer): (u8, usize)| (thing, customers[customer]);
        let before: BTreeSet<_> = given.into_iter().map(of_customer).collect();
        let number = |favours: &BTreeSet<(u8, AccountId)>, thing| favours.iter().filter(|(of, _)| *of == thing).count() as i64;
        let counts: BTreeMap<_, _> = (0..3).map(|thing| (thing, number(&before, thing))).collect();
        let mut tally = Tally::new(counts.clone(), before.clone());

        let mut expected = before.clone();
        for (thing, customer, is_given) in wishes {
            let favour = of_customer((thing, customer));
            if is_given && thing < 3 { expected.insert(favour); } else { expected.remove(&favour); }
            let answered = tally.fulfil(wish(thing, customers[customer], is_given));
            prop_assert_eq!(answered, (thing < 3).then(|| number(&expected, thing)));
        }

        let changes = tally.changes();
        let mut after = before;
        for favour in changes.taken_back { prop_assert!(after.remove(&favour)); }
        for favour in changes.given { prop_assert!(after.insert(favour)); }
        prop_assert_eq!(&after, &expected);
        for (thing, count) in counts {
            let difference = changes.differences.get(&thing).copied();
            prop_assert_ne!(difference, Some(0));
            prop_assert_eq!(count + difference.unwrap_or(0), number(&after, thing));
        }
    }
}
