use proptest::prelude::*;

use super::*;

fn won(minor: i64) -> Money {
    Money::new(Currency::KRW, minor)
}

fn line(quantity: i64, paid: i64, platform: i64, seller: i64) -> Allocation {
    Allocation {
        order_line_id: OrderLineId::generate(),
        option_id: OptionId::generate(),
        store_id: StoreId::generate(),
        seller_id: AccountId::generate(),
        quantity,
        gross: won(paid + platform + seller),
        paid: won(paid),
        platform_discount: won(platform),
        seller_discount: won(seller),
    }
}

fn part(of: &Allocation, quantity: i64, paid: i64, platform: i64, seller: i64) -> Allocation {
    Allocation {
        quantity,
        gross: won(paid + platform + seller),
        paid: won(paid),
        platform_discount: won(platform),
        seller_discount: won(seller),
        ..of.clone()
    }
}

fn rate(points: i32) -> BasisPoints {
    BasisPoints::new(points).unwrap()
}

#[test]
fn commission_is_taken_of_what_the_seller_asks() {
    let sold = capture(&line(1, 8_000, 1_000, 1_000), rate(1_050)).unwrap();
    assert_eq!(
        sold.amounts,
        Amounts { gross: 10_000, seller_discount: 1_000, platform_subsidy: 1_000, commission: 945, net: 8_055 },
    );
    assert_eq!(sold.amounts.paid(), 8_000);
}

#[test]
fn what_does_not_add_up_is_not_booked() {
    let whole = line(2, 900, 50, 50);
    let short = Allocation { gross: won(999), ..whole.clone() };
    assert_eq!(capture(&short, rate(0)), Err(BadAllocation::DoesNotAddUp(whole.order_line_id)));
    let negative = Allocation { paid: won(1_050), seller_discount: won(-100), ..whole.clone() };
    assert_eq!(capture(&negative, rate(0)), Err(BadAllocation::DoesNotAddUp(whole.order_line_id)));
    let mixed = Allocation { paid: Money::new(Currency::parse("USD").unwrap(), 900), ..whole };
    assert!(matches!(capture(&mixed, rate(0)), Err(BadAllocation::Amount(..))));
}

#[test]
fn no_more_goes_back_than_was_captured() {
    let whole = line(2, 900, 50, 50);
    let id = whole.order_line_id;
    let sold = capture(&whole, rate(1_000)).unwrap();
    assert_eq!(refund(&whole, []), Err(BadAllocation::NotCaptured(id)));
    let first = refund(&part(&whole, 1, 450, 25, 25), [&sold]).unwrap();
    assert_eq!(refund(&whole, [&sold, &first]), Err(BadAllocation::TooMuch(id)));
    let by_quantity_alone = part(&whole, 2, 450, 25, 25);
    assert_eq!(refund(&by_quantity_alone, [&sold, &first]), Err(BadAllocation::TooMuch(id)));
    let of_another_seller = Allocation { seller_id: AccountId::generate(), ..whole };
    assert_eq!(refund(&of_another_seller, [&sold]), Err(BadAllocation::NotCaptured(id)));
}

proptest! {
    #[test]
    fn refunds_of_the_whole_give_back_exactly_what_was_taken(
        pieces in prop::collection::vec((0..100_000_i64, 0..10_000_i64, 0..10_000_i64), 1..12),
        points in 0..=10_000_i32,
    ) {
        let sum = |pick: fn(&(i64, i64, i64)) -> i64| pieces.iter().map(pick).sum::<i64>();
        let whole = line(pieces.len() as i64, sum(|piece| piece.0), sum(|piece| piece.1), sum(|piece| piece.2));
        let sold = capture(&whole, rate(points)).unwrap();
        prop_assert!((0..=sold.amounts.base()).contains(&sold.amounts.net));

        let mut entries = vec![sold.clone()];
        for (paid, platform, seller) in &pieces {
            let back = refund(&part(&whole, 1, *paid, *platform, *seller), &entries).unwrap();
            prop_assert!(back.amounts.commission >= 0 && back.amounts.net >= 0);
            entries.push(back);
        }
        let back = |pick: fn(&Amounts) -> i64| entries[1..].iter().map(|entry| pick(&entry.amounts)).sum::<i64>();
        prop_assert_eq!(back(|amounts| amounts.commission), sold.amounts.commission);
        prop_assert_eq!(back(|amounts| amounts.net), sold.amounts.net);
        prop_assert_eq!(back(|amounts| amounts.gross), sold.amounts.gross);
    }
}
