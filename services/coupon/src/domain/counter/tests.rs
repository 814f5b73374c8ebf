//! Customers who ask at the same moment.

use bojagi_kernel::{BasisPoints, Currency, Money};

use super::*;
use crate::domain::{Benefit, Details, Scope, Terms, Window};

const NOW: Moment = Moment::from_micros(1_000_000_000);

fn coupon(issue_limit: Option<i64>) -> Coupon {
    let terms = Terms {
        benefit: Benefit::Fixed(Money::new(Currency::KRW, 1_000)),
        scope: Scope::Item,
        minimum_spend: None,
        seller_share: BasisPoints::ZERO,
    };
    let (valid_window, issue_window) = (Window::default(), Window::default());
    let details = Details { name: "봄맞이".into(), valid_window, issued_valid_days: 30, issue_window, issue_limit };
    Coupon::create(details, terms, NOW)
}

#[test]
fn who_comes_first_is_served_first_until_none_is_left() {
    let spring = coupon(Some(2));
    let coupon_id = spring.coupon_id;
    let mut counter = Counter::new([spring], BTreeMap::new());
    let mut give = || counter.give(coupon_id, AccountId::generate(), NOW);
    assert_eq!(give().unwrap().1.issued_count, 1);
    assert_eq!(give().unwrap().1.issued_count, 2);
    assert_eq!(give(), Err(CouponRefusal::SoldOut { issue_limit: 2 }));
    assert_eq!(counter.issued(), &BTreeMap::from([(coupon_id, 2)]));
}

#[test]
fn a_customer_has_one_of_each_whenever_it_was_issued() {
    let (spring, summer) = (coupon(Some(1)), coupon(None));
    let (early, late) = (AccountId::generate(), AccountId::generate());
    let (spring_id, summer_id, had) = (spring.coupon_id, summer.coupon_id, IssuedCouponId::generate());
    let mut counter = Counter::new([spring, summer], BTreeMap::from([((spring_id, early), had)]));
    assert_eq!(counter.give(spring_id, early, NOW), Err(CouponRefusal::AlreadyIssued { issued_coupon_id: had }));
    let (piece, _) = counter.give(spring_id, late, NOW).unwrap();
    // None is left, but that it has one says more.
    let again = counter.give(spring_id, late, NOW);
    assert_eq!(again, Err(CouponRefusal::AlreadyIssued { issued_coupon_id: piece.issued_coupon_id }));
    assert!(counter.give(summer_id, early, NOW).is_ok());
    assert_eq!(counter.give(CouponId::generate(), early, NOW), Err(CouponRefusal::CouponNotFound));
    assert_eq!(counter.issued(), &BTreeMap::from([(spring_id, 1), (summer_id, 1)]));
}
