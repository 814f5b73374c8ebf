use bojagi_kernel::{BasisPoints, Currency, Money};

use super::*;

fn won(minor: i64) -> Money {
    Money::new(Currency::KRW, minor)
}

fn percent(rate: i32, cap: Option<i64>) -> Benefit {
    Benefit::Percent { rate: BasisPoints::new(rate).unwrap(), cap: cap.map(won) }
}

#[test]
fn a_fixed_amount_takes_at_most_half() {
    for (fixed, amount, discount, clamped) in [
        (1_000, 10_000, 1_000, false),
        (5_000, 10_000, 5_000, false),
        (5_001, 10_000, 5_000, true),
        (1_000, 999, 499, true),
        (1_000, 1, 0, true),
        (1_000, 0, 0, true),
    ] {
        let deduction = Benefit::Fixed(won(fixed)).of(amount);
        assert_eq!(deduction, Deduction { discount, clamped }, "{fixed} off {amount}");
    }
}

#[test]
fn a_percentage_rounds_down_and_stops_at_its_cap() {
    for (rate, cap, amount, discount, clamped) in [
        (1_000, None, 9_000, 900, false),
        (1_000, None, 9_999, 999, false),
        (9_500, None, 1, 0, false),
        (1_000, Some(900), 9_000, 900, false),
        (1_000, Some(899), 9_000, 899, true),
        (9_500, None, i64::MAX, 8_762_203_435_012_037_016, false),
    ] {
        let deduction = percent(rate, cap).of(amount);
        assert_eq!(deduction, Deduction { discount, clamped }, "{rate} of {amount} up to {cap:?}");
    }
}

#[test]
fn fixed_amounts_come_first_and_larger_ones_before_smaller_ones() {
    let mut benefits = [percent(500, None), Benefit::Fixed(won(1)), percent(9_500, None), Benefit::Fixed(won(2))];
    benefits.sort_by_key(Benefit::precedence);
    assert_eq!(benefits, [Benefit::Fixed(won(2)), Benefit::Fixed(won(1)), percent(9_500, None), percent(500, None)]);
}

#[test]
fn the_unit_that_cannot_be_divided_is_the_platforms() {
    let terms = Terms {
        benefit: Benefit::Fixed(won(1)),
        scope: Scope::Item,
        minimum_spend: None,
        seller_share: BasisPoints::new(5_000).unwrap(),
    };
    assert_eq!((terms.seller_part(1), terms.seller_part(3), terms.seller_part(4)), (0, 1, 2));
}
