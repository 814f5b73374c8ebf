//! Reserving an order's coupons.

use std::time::Duration;

use bojagi_api::common::Money;
use bojagi_api::coupon::{
    Coupon, CouponReserved, CouponUsed, RedemptionLine, RedemptionState, RedemptionUse, ReserveRedemptionsRequest,
};
use bojagi_testkit::{eventually, reason};
use futures::future::join_all;
use tonic::Code;

use crate::shop::{
    Shop, ask, fields, fixed, for_order, metadata, minor, new_id, percent, with_order_piece, with_piece, won,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_one_coupon_raced_by_a_hundred_orders_has_one_winner() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1_000)).await;
    let asks: Vec<_> = (0..100).map(|_| with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000)).collect();
    let outcomes = join_all(asks.iter().map(|ask| shop.reserve(ask.clone()))).await;

    let winners: Vec<_> = asks.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!((refusal.code(), reason(refusal).as_str()), (Code::FailedPrecondition, "COUPON_USED"));
        assert_eq!(metadata(refusal, "issued_coupon_id"), piece.issued_coupon_id);
        assert_eq!(metadata(refusal, "state"), "RESERVED");
    }
    assert_eq!(shop.state_of_the_piece_of(&customer).await, ("RESERVED".into(), winners[0].0.order_id.clone()));
    assert_eq!(shop.told::<CouponReserved>().await.len(), 1);

    // A loser keeps nothing: without the coupon the same order may ask again.
    let (loser, _) = asks.iter().zip(&outcomes).find(|(_, outcome)| outcome.is_err()).unwrap();
    let plain = ReserveRedemptionsRequest { uses: vec![], expected_discount: Some(won(0)), ..loser.clone() };
    assert_eq!(shop.reserve(plain).await.unwrap().state(), RedemptionState::Reserved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_order_sixty_four_times_at_once_has_one_answer() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let item = shop.piece(&customer, Coupon { seller_share_bps: 5_000, ..fixed(1_000) }).await;
    let of_order = shop.piece(&customer, for_order(percent(1_000))).await;
    let ask = with_order_piece(with_piece(ask(&customer, &[10_000, 5_000]), 0, &item, 0), &of_order, 2_400);
    let answers = join_all((0..64).map(|_| shop.reserve(ask.clone()))).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first));
    assert_eq!(first.consumed_issued_coupon_ids, [&item, &of_order].map(|piece| piece.issued_coupon_id.clone()));
    let told = shop.told::<CouponReserved>().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].coupons.iter().map(|it| minor(&it.discount)).collect::<Vec<_>>(), [1_000, 1_400]);

    let mut other = ask.clone();
    other.lines[0].quantity = 2;
    let refusal = shop.reserve(other).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
    let shop = shop.crash().await;
    assert_eq!(shop.reserve(ask).await.unwrap(), *first);
}

#[tokio::test]
async fn an_order_with_many_coupons_takes_all_of_them_and_answers_them_as_they_were_named() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let mut pieces = Vec::new();
    for _ in 0..70 {
        pieces.push(shop.piece(&customer, fixed(1_000)).await);
    }
    let of_order = shop.piece(&customer, for_order(fixed(500))).await;
    // Two on each line, the last that was issued first.
    let mut wanted = ask(&customer, &[10_000; 35]);
    for (number, piece) in pieces.iter().rev().enumerate() {
        wanted = with_piece(wanted, number / 2, piece, 0);
    }
    let wanted = with_order_piece(wanted, &of_order, 70_500);
    let answer = shop.reserve(wanted.clone()).await.unwrap();
    let named: Vec<_> = wanted.uses.iter().map(|wish| wish.issued_coupon_id.clone()).collect();
    assert_eq!(answer.consumed_issued_coupon_ids, named);
    assert!(answer.lines.iter().all(|line| minor(&line.item_discount) == 2_000));
    assert_eq!(shop.reserve(wanted.clone()).await.unwrap(), answer);
    let told = shop.told::<CouponReserved>().await;
    assert_eq!(told[0].coupons.iter().map(|it| it.issued_coupon_id.clone()).collect::<Vec<_>>(), named);

    // Of an order that names one that is taken, none is.
    let free = shop.piece(&customer, fixed(1_000)).await;
    let late = with_piece(with_piece(ask(&customer, &[10_000]), 0, &free, 0), 0, &pieces[0], 2_000);
    let refusal = shop.reserve(late).await.unwrap_err();
    assert_eq!(reason(&refusal), "COUPON_USED");
    assert_eq!(metadata(&refusal, "issued_coupon_id"), pieces[0].issued_coupon_id);
    shop.confirm(&wanted.order_id).await;
    let used = async || shop.reserve(wanted.clone()).await.unwrap().state() == RedemptionState::Used;
    eventually("the order is confirmed", used).await;
    assert_eq!(shop.told::<CouponUsed>().await[0].coupons.len(), 71);
    shop.reserve(with_piece(ask(&customer, &[10_000]), 0, &free, 1_000)).await.unwrap();
}

#[tokio::test]
async fn a_refused_ask_leaves_nothing_and_one_that_was_answered_is_answered_for_ever() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, Coupon { issued_valid_days: 1, ..fixed(1_000) }).await;
    let wanted = with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000);
    let wrong = ReserveRedemptionsRequest { expected_discount: Some(won(999)), ..wanted.clone() };
    for _ in 0..2 {
        assert_eq!(reason(&shop.reserve(wrong.clone()).await.unwrap_err()), "DISCOUNT_CHANGED");
    }
    let answer = shop.reserve(wanted.clone()).await.unwrap();
    // What would be refused now, because the piece is taken and its time has passed, was asked before.
    shop.rig.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(shop.reserve(wanted).await.unwrap(), answer);
    assert_eq!(reason(&shop.reserve(wrong).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_discount_that_differs_is_refused_with_the_figures() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, percent(1_000)).await;
    let shown = with_piece(ask(&customer, &[10_000]), 0, &piece, 999);
    let refusal = shop.reserve(shown.clone()).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "DISCOUNT_CHANGED"));
    assert_eq!((metadata(&refusal, "expected").as_str(), metadata(&refusal, "actual").as_str()), ("999", "1000"));

    let right = ReserveRedemptionsRequest { expected_discount: Some(won(1_000)), ..shown };
    let other_quote = ReserveRedemptionsRequest { quote_hash: "0".repeat(64), ..right.clone() };
    assert_eq!(reason(&shop.reserve(other_quote).await.unwrap_err()), "DISCOUNT_CHANGED");
    assert_eq!(shop.state_of_the_piece_of(&customer).await.0, "AVAILABLE");
    let quote_hash = metadata(&refusal, "quote_hash");
    let answer = shop.reserve(ReserveRedemptionsRequest { quote_hash: quote_hash.clone(), ..right }).await.unwrap();
    assert_eq!(answer.quote_hash, quote_hash);
    // An order without coupons that was shown a discount.
    let none = ReserveRedemptionsRequest { expected_discount: Some(won(1)), ..ask(&customer, &[10_000]) };
    assert_eq!(reason(&shop.reserve(none).await.unwrap_err()), "DISCOUNT_CHANGED");
}

#[tokio::test]
async fn r6_a_zero_discount_consumes_nothing() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1_000)).await;
    let answer = shop.reserve(with_piece(ask(&customer, &[1]), 0, &piece, 0)).await.unwrap();
    assert_eq!(answer.consumed_issued_coupon_ids, [] as [String; 0]);
    assert_eq!(shop.state_of_the_piece_of(&customer).await, ("AVAILABLE".into(), String::new()));
    assert_eq!(shop.told::<CouponReserved>().await, []);
    shop.reserve(with_piece(ask(&customer, &[10_000]), 0, &piece, 1_000)).await.unwrap();
}

#[tokio::test]
async fn r23_a_zero_line_never_gets_a_unit_and_the_order_of_lines_has_no_effect() {
    let shop = Shop::open().await;
    let mut spread = Vec::new();
    let lines: Vec<_> = [0, 3_333, 3_333, 3_334]
        .map(|price| RedemptionLine {
            order_line_id: new_id(),
            option_id: new_id(),
            quantity: 1,
            unit_price: Some(won(price)),
        })
        .into();
    for turn in 0..4 {
        let customer = shop.customer();
        let piece = shop.piece(&customer, for_order(fixed(1_001))).await;
        let mut turned = ReserveRedemptionsRequest { lines: lines.clone(), ..ask(&customer, &[]) };
        turned.lines.rotate_left(turn);
        let answer = shop.reserve(with_order_piece(turned, &piece, 1_001)).await.unwrap();
        let mut parts: Vec<_> =
            answer.lines.iter().map(|line| (line.order_line_id.clone(), minor(&line.order_discount))).collect();
        parts.sort();
        spread.push(parts);
    }
    assert!(spread.iter().all(|parts| *parts == spread[0]));
    let parts: Vec<_> =
        lines.iter().map(|line| &spread[0].iter().find(|part| part.0 == line.order_line_id).unwrap().1).collect();
    assert_eq!(parts[0], &0);
    assert_eq!(parts.into_iter().sum::<i64>(), 1_001);
}

#[tokio::test]
async fn an_order_without_coupons_is_answered_and_remembered() {
    let shop = Shop::open().await;
    let plain = ask(&shop.customer(), &[10_000, 5_000]);
    let answer = shop.reserve(plain.clone()).await.unwrap();
    assert_eq!((answer.state(), minor(&answer.total_discount)), (RedemptionState::Reserved, 0));
    let lines: Vec<_> = answer.lines.iter().map(|line| (&line.order_line_id, minor(&line.item_discount))).collect();
    assert_eq!(lines, plain.lines.iter().map(|line| (&line.order_line_id, 0)).collect::<Vec<_>>());
    assert_eq!(shop.reserve(plain.clone()).await.unwrap(), answer);

    shop.confirm(&plain.order_id).await;
    let used = async || shop.reserve(plain.clone()).await.unwrap().state() == RedemptionState::Used;
    eventually("the order is confirmed", used).await;
}

#[tokio::test]
async fn coupons_are_taken_all_or_none() {
    let shop = Shop::open().await;
    let (customer, other) = (shop.customer(), shop.customer());
    let mine = shop.piece(&customer, fixed(1_000)).await;
    let foreign = shop.piece(&other, fixed(1_000)).await;
    let both = with_piece(with_piece(ask(&customer, &[10_000, 10_000]), 0, &mine, 0), 1, &foreign, 2_000);
    let refusal = shop.reserve(both).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::NotFound, "COUPON_NOT_FOUND"));
    assert_eq!(metadata(&refusal, "issued_coupon_id"), foreign.issued_coupon_id);
    assert_eq!(shop.state_of_the_piece_of(&customer).await.0, "AVAILABLE");
    assert_eq!(shop.state_of_the_piece_of(&other).await.0, "AVAILABLE");
}

#[tokio::test]
async fn a_coupon_that_does_not_fit_is_refused_with_its_reason() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let mut twice = ask(&customer, &[10_000]);
    twice.lines[0].quantity = 2;
    let refusal = shop.reserve(with_piece(twice, 0, &shop.piece(&customer, fixed(1)).await, 1)).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "COUPON_NOT_APPLICABLE"));
    assert_eq!(metadata(&refusal, "rule"), "QUANTITY_NOT_ONE");

    let demanding = shop.piece(&customer, Coupon { minimum_spend: Some(won(10_001)), ..fixed(1) }).await;
    let refusal = shop.reserve(with_piece(ask(&customer, &[10_000]), 0, &demanding, 1)).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "MINIMUM_SPEND"));
    assert_eq!((metadata(&refusal, "minimum").as_str(), metadata(&refusal, "amount").as_str()), ("10001", "10000"));
}

#[tokio::test]
async fn an_ask_that_is_wrong_says_where() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let good = ask(&customer, &[1_000]);
    let with_line = |change: fn(&mut RedemptionLine)| {
        let mut ask = good.clone();
        change(&mut ask.lines[0]);
        ask
    };
    let with_use = |issued_coupon_id: &str, order_line_id: &str| ReserveRedemptionsRequest {
        uses: vec![RedemptionUse { issued_coupon_id: issued_coupon_id.into(), order_line_id: order_line_id.into() }],
        ..good.clone()
    };
    let of_order = RedemptionUse { issued_coupon_id: new_id(), order_line_id: String::new() };
    let cases = [
        (ReserveRedemptionsRequest { order_id: String::new(), ..good.clone() }, "order_id"),
        (ReserveRedemptionsRequest { customer_id: "x".into(), ..good.clone() }, "customer_id"),
        (ReserveRedemptionsRequest { lines: vec![], ..good.clone() }, "lines"),
        (ReserveRedemptionsRequest { lines: vec![good.lines[0].clone(); 2], ..good.clone() }, "lines[1].order_line_id"),
        (ReserveRedemptionsRequest { expected_discount: None, ..good.clone() }, "expected_discount"),
        (
            ReserveRedemptionsRequest { expected_discount: Some(won(-1)), ..good.clone() },
            "expected_discount.minor_units",
        ),
        (with_line(|line| line.quantity = 0), "lines[0].quantity"),
        (with_line(|line| line.quantity = i64::MIN), "lines[0].quantity"),
        (with_line(|line| line.option_id = "x".into()), "lines[0].option_id"),
        (with_line(|line| line.unit_price = None), "lines[0].unit_price"),
        (with_line(|line| line.unit_price = Some(won(i64::MAX))), "lines[0].unit_price.minor_units"),
        (with_use("x", ""), "uses[0].issued_coupon_id"),
        (with_use(&new_id(), &new_id()), "uses[0].order_line_id"),
        (
            ReserveRedemptionsRequest { uses: vec![of_order.clone(), of_order.clone()], ..good.clone() },
            "uses[1].order_line_id",
        ),
        (ReserveRedemptionsRequest { uses: vec![of_order; 202], ..good.clone() }, "uses"),
    ];
    for (request, field) in cases {
        let refusal = shop.reserve(request).await.unwrap_err();
        assert_eq!((refusal.code(), fields(&refusal)), (Code::InvalidArgument, vec![field.to_owned()]));
    }

    let dollars = Some(Money { currency_code: "USD".into(), minor_units: 0 });
    let mixed = ReserveRedemptionsRequest { expected_discount: dollars, ..good.clone() };
    assert_eq!(reason(&shop.reserve(mixed).await.unwrap_err()), "CURRENCY_MISMATCH");
    let outside = shop.admin().reserve_redemptions(good).await.unwrap_err();
    assert_eq!(outside.code(), Code::PermissionDenied);
}
