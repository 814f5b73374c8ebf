use bojagi_kernel::{BasisPoints, Currency, Money};

use super::*;
use crate::domain::{Benefit, Scope};

const NOW: Moment = Moment::from_micros(1_000_000_000);

fn at(seconds: i64) -> Moment {
    Moment::from_micros(NOW.micros() + seconds * 1_000_000)
}

fn coupon(valid_window: Window, issue_window: Window, issue_limit: Option<i64>) -> Coupon {
    let terms = Terms {
        benefit: Benefit::Fixed(Money::new(Currency::KRW, 1_000)),
        scope: Scope::Item,
        minimum_spend: None,
        seller_share: BasisPoints::ZERO,
    };
    let details = Details { name: "봄맞이".into(), valid_window, issued_valid_days: 30, issue_window, issue_limit };
    Coupon::create(details, terms, NOW)
}

fn window(starts_at: Option<i64>, ends_at: Option<i64>) -> Window {
    Window { starts_at: starts_at.map(at), ends_at: ends_at.map(at) }
}

#[test]
fn it_is_open_from_its_start_until_just_before_its_end() {
    let coupon = coupon(Window::default(), window(Some(10), Some(20)), None);
    assert_eq!(coupon.check_open(at(9)), Err(CouponRefusal::NotYetOpen { opens_at: at(10) }));
    assert_eq!(coupon.check_open(at(10)), Ok(()));
    assert_eq!(coupon.check_open(at(19)), Ok(()));
    assert_eq!(coupon.check_open(at(20)), Err(CouponRefusal::NoLongerOpen { closes_at: at(20) }));
}

#[test]
fn nothing_is_issued_that_could_never_be_used() {
    let coupon = coupon(window(None, Some(5)), window(None, Some(20)), None);
    assert_eq!(coupon.check_open(at(5)), Err(CouponRefusal::NoLongerOpen { closes_at: at(5) }));
}

#[test]
fn it_is_sold_out_at_its_limit() {
    let mut coupon = coupon(Window::default(), Window::default(), Some(2));
    coupon.issued_count = 1;
    assert_eq!(coupon.check_open(NOW), Ok(()));
    coupon.issued_count = 2;
    assert_eq!(coupon.check_open(NOW), Err(CouponRefusal::SoldOut { issue_limit: 2 }));
}

#[test]
fn a_piece_lives_for_its_days_within_the_valid_window() {
    let customer_id = AccountId::generate();
    let open = coupon(Window::default(), Window::default(), None).piece_for(customer_id, NOW);
    assert_eq!((open.valid_from, open.expires_at), (None, at(30 * 24 * 60 * 60)));
    let bounded = coupon(window(Some(60), Some(120)), Window::default(), None).piece_for(customer_id, NOW);
    assert_eq!((bounded.valid_from, bounded.expires_at), (Some(at(60)), at(120)));
}

#[test]
fn a_piece_that_is_issued_early_has_all_its_days() {
    let days = |days: i64| days * 24 * 60 * 60;
    let coupon = coupon(window(Some(days(60)), None), Window::default(), None);
    let early = coupon.piece_for(AccountId::generate(), NOW);
    assert_eq!((early.valid_from, early.expires_at), (Some(at(days(60))), at(days(90))));
    let later = coupon.piece_for(AccountId::generate(), at(days(61)));
    assert_eq!(later.expires_at, at(days(91)));
}

#[test]
fn a_change_touches_only_what_it_names() {
    let mut coupon = coupon(Window::default(), window(Some(10), None), Some(5));
    let before = coupon.details.clone();
    coupon.change(Changes { issue_limit: Some(None), ..Changes::default() }, at(1)).unwrap();
    assert_eq!(coupon.details, Details { issue_limit: None, ..before });
    assert_eq!(coupon.updated_at, at(1));
}

#[test]
fn the_limit_never_falls_below_what_was_issued() {
    let mut coupon = coupon(Window::default(), Window::default(), Some(5));
    coupon.issued_count = 3;
    let to = |limit| Changes { issue_limit: Some(Some(limit)), ..Changes::default() };
    assert_eq!(coupon.change(to(2), NOW), Err(CouponRefusal::IssueLimitBelowIssued { issued_count: 3 }));
    assert_eq!(coupon.change(to(3), NOW), Ok(()));
}

#[test]
fn a_retired_coupon_stays_as_it_is() {
    let mut coupon = coupon(Window::default(), Window::default(), None);
    assert!(coupon.retire(at(1)));
    assert!(!coupon.retire(at(2)));
    assert_eq!(coupon.updated_at, at(1));
    assert_eq!(coupon.check_open(NOW), Err(CouponRefusal::CouponRetired));
    assert_eq!(coupon.change(Changes::default(), at(3)), Err(CouponRefusal::CouponRetired));
}
