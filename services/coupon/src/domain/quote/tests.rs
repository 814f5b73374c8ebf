use bojagi_kernel::id::{AccountId, OptionId, OrderId};
use bojagi_kernel::{BasisPoints, Currency, Money};

use super::*;
use crate::domain::{Benefit, IssuedState, PieceRefusal, Rule, Scope, WantedLine};

mod properties;

const NOW: Moment = Moment::from_micros(1_000_000_000);

fn won(minor: i64) -> Money {
    Money::new(Currency::KRW, minor)
}

/// A line of one piece at a price.
fn line(price: i64) -> WantedLine {
    lines_of(price, 1)
}

fn lines_of(price: i64, quantity: i64) -> WantedLine {
    WantedLine { option_id: OptionId::generate(), quantity, unit_price: won(price) }
}

fn basket(lines: &[WantedLine]) -> Basket {
    Basket::of(lines.to_vec()).unwrap()
}

fn fixed(minor: i64) -> Benefit {
    Benefit::Fixed(won(minor))
}

fn percent(rate: i32) -> Benefit {
    Benefit::Percent { rate: BasisPoints::new(rate).unwrap(), cap: None }
}

fn held(scope: Scope, benefit: Benefit, seller_share: i32) -> HeldCoupon {
    HeldCoupon {
        issued: IssuedCoupon {
            issued_coupon_id: IssuedCouponId::generate(),
            coupon_id: CouponId::generate(),
            customer_id: AccountId::generate(),
            state: IssuedState::Available,
            issued_at: NOW,
            valid_from: None,
            expires_at: Moment::from_micros(NOW.micros() + 1),
            order_id: None,
            used_at: None,
        },
        terms: Terms { benefit, scope, minimum_spend: None, seller_share: BasisPoints::new(seller_share).unwrap() },
    }
}

fn item(benefit: Benefit) -> HeldCoupon {
    held(Scope::Item, benefit, 0)
}

fn order(benefit: Benefit) -> HeldCoupon {
    held(Scope::Order, benefit, 0)
}

fn with_minimum(mut coupon: HeldCoupon, minimum: i64) -> HeldCoupon {
    coupon.terms.minimum_spend = Some(won(minimum));
    coupon
}

/// Lays coupons on lines, and the last one on the order if it is an order coupon.
fn quoted(lines: &[WantedLine], laid: &[(usize, &HeldCoupon)], on_order: Option<&HeldCoupon>) -> Quote {
    let id = |coupon: &HeldCoupon| coupon.issued.issued_coupon_id;
    let wishes = Wishes {
        on_lines: laid.iter().map(|(line, coupon)| (*line, id(coupon))).collect(),
        on_order: on_order.map(id),
    };
    let held: Vec<_> = laid.iter().map(|(_, coupon)| *coupon).chain(on_order).cloned().collect();
    quote(&basket(lines), &wishes, &held, NOW)
}

fn nets(quote: &Quote) -> Vec<i64> {
    quote.lines.iter().map(LineAmounts::net).collect()
}

fn rules(quote: &Quote) -> Vec<Option<Rule>> {
    let rule = |verdict: &Verdict| match &verdict.outcome {
        Err(PieceRefusal::NotApplicable { rule, .. }) => Some(*rule),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    };
    quote.verdicts().map(rule).collect()
}

#[test]
fn a_thousand_off_ten_thousand_and_then_ten_percent_is_8100() {
    let (fixed, percent) = (item(fixed(1_000)), item(percent(1_000)));
    for laid in [[(0, &fixed), (0, &percent)], [(0, &percent), (0, &fixed)]] {
        assert_eq!(nets(&quoted(&[line(10_000)], &laid, None)), [8_100]);
    }
}

#[test]
fn each_fixed_coupon_takes_at_most_half_of_what_it_meets() {
    let (large, small) = (item(fixed(6_000)), item(fixed(3_000)));
    for laid in [[(0, &large), (0, &small)], [(0, &small), (0, &large)]] {
        let quote = quoted(&[line(10_000)], &laid, None);
        assert_eq!(nets(&quote), [2_500]);
        assert!(quote.verdicts().all(|verdict| verdict.outcome.as_ref().unwrap().clamped));
    }
}

#[test]
fn a_line_takes_two_coupons_and_only_when_it_is_a_single_piece() {
    let coupons = [item(fixed(10)), item(fixed(10)), item(fixed(10)), item(fixed(10))];
    let lines = [line(1_000), lines_of(1_000, 2)];
    let quote = quoted(&lines, &[(0, &coupons[0]), (0, &coupons[1]), (0, &coupons[2]), (1, &coupons[3])], None);
    assert_eq!(rules(&quote), [None, None, Some(Rule::TooManyOnLine), Some(Rule::QuantityNotOne)]);
    assert_eq!(nets(&quote), [980, 2_000]);
}

#[test]
fn a_refused_coupon_makes_no_difference_to_the_rest() {
    let (good, foreign) = (item(fixed(100)), item(percent(5_000)));
    let wishes = Wishes {
        on_lines: vec![(0, foreign.issued.issued_coupon_id), (0, good.issued.issued_coupon_id)],
        on_order: None,
    };
    let quote = quote(&basket(&[line(1_000)]), &wishes, std::slice::from_ref(&good), NOW);
    assert_eq!(nets(&quote), [900]);
    let issued_coupon_id = foreign.issued.issued_coupon_id;
    assert_eq!(quote.first_refusal(), Some(&PieceRefusal::NotFound { issued_coupon_id }));
}

#[test]
fn a_coupon_is_laid_in_one_place_and_in_the_right_one() {
    let (item, order) = (item(fixed(10)), order(fixed(10)));
    let lines = [line(1_000), line(1_000)];
    assert_eq!(rules(&quoted(&lines, &[(0, &item), (1, &item)], None)), [None, Some(Rule::UsedTwice)]);
    assert_eq!(rules(&quoted(&lines, &[(0, &order)], Some(&item))), [Some(Rule::WrongScope); 2]);
    assert_eq!(rules(&quoted(&lines, &[(0, &item)], Some(&item))), [None, Some(Rule::UsedTwice)]);
}

#[test]
fn a_coupon_in_another_currency_does_not_fit() {
    let dollars = Money::new(Currency::parse("USD").unwrap(), 1);
    let mut capped = item(Benefit::Percent { rate: BasisPoints::new(500).unwrap(), cap: Some(dollars) });
    assert_eq!(rules(&quoted(&[line(1_000)], &[(0, &capped)], None)), [Some(Rule::Currency)]);
    capped.terms.benefit = percent(500);
    assert_eq!(rules(&quoted(&[line(1_000)], &[(0, &capped)], None)), [None]);
}

#[test]
fn only_a_free_piece_within_its_time_counts() {
    let taken = |state: IssuedState| {
        let mut coupon = item(fixed(10));
        (coupon.issued.state, coupon.issued.order_id) = (state, Some(OrderId::generate()));
        let quote = quoted(&[line(1_000)], &[(0, &coupon)], None);
        quote.first_refusal().cloned()
    };
    for state in [IssuedState::Reserved, IssuedState::Used] {
        assert!(matches!(taken(state), Some(PieceRefusal::Taken { state: told, .. }) if told == state));
    }
    let mut over = item(fixed(10));
    over.issued.expires_at = NOW;
    let quote = quoted(&[line(1_000)], &[(0, &over)], None);
    assert!(matches!(quote.first_refusal(), Some(PieceRefusal::Expired { expired_at: NOW, .. })));
    let mut early = item(fixed(10));
    early.issued.valid_from = Some(over.issued.expires_at + std::time::Duration::from_secs(1));
    assert_eq!(rules(&quoted(&[line(1_000)], &[(0, &early)], None)), [Some(Rule::NotYetValid)]);
}

#[test]
fn a_minimum_spend_counts_what_earlier_coupons_left() {
    let first = item(fixed(1_000));
    let second = with_minimum(item(percent(1_000)), 9_000);
    assert_eq!(nets(&quoted(&[line(10_000)], &[(0, &first), (0, &second)], None)), [8_100]);
    let refused = quoted(&[line(9_999)], &[(0, &first), (0, &second)], None);
    assert_eq!(nets(&refused), [8_999]);
    let issued_coupon_id = second.issued.issued_coupon_id;
    let below = PieceRefusal::BelowMinimumSpend { issued_coupon_id, minimum: 9_000, amount: 8_999 };
    assert_eq!(refused.first_refusal(), Some(&below));

    let of_order = with_minimum(order(fixed(1_000)), 10_000);
    let lines = [line(6_000), line(5_000)];
    assert_eq!(quoted(&lines, &[(0, &first)], Some(&of_order)).total_discount(), 2_000);
    let larger = item(fixed(1_001));
    assert_eq!(quoted(&lines, &[(0, &larger)], Some(&of_order)).total_discount(), 1_001);
}

#[test]
fn the_order_coupon_is_spread_over_what_is_left_and_a_zero_line_gets_nothing() {
    let coupon = order(fixed(1_001));
    let quote = quoted(&[line(0), line(5_000), line(10_000)], &[], Some(&coupon));
    assert_eq!(quote.lines.iter().map(|line| line.order_discount).collect::<Vec<_>>(), [0, 334, 667]);
}

#[test]
fn every_coupon_is_funded_as_it_says() {
    let mine = held(Scope::Item, fixed(1_001), 5_000);
    let both = held(Scope::Order, percent(1_000), 10_000);
    let quote = quoted(&[line(10_001), line(2_000)], &[(0, &mine)], Some(&both));
    let funders: Vec<_> = quote.lines.iter().map(|line| (line.platform_discount, line.seller_discount)).collect();
    assert_eq!(quote.total_discount(), 1_001 + 1_100);
    assert_eq!(funders, [(501, 500 + 900), (0, 200)]);
}

#[test]
fn a_coupon_that_takes_nothing_off_is_accepted_and_not_consumed() {
    let (useless, useful) = (item(fixed(1_000)), item(fixed(1_000)));
    let quote = quoted(&[line(1), line(100)], &[(0, &useless), (1, &useful)], None);
    assert_eq!(quote.first_refusal(), None);
    let consumed: Vec<_> = quote.consumed().iter().map(|piece| piece.issued_coupon_id).collect();
    assert_eq!(consumed, [useful.issued.issued_coupon_id]);
}
