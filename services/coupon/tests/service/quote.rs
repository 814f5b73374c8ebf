//! Quotes.

use bojagi_api::common::Money;
use bojagi_api::coupon::{Coupon, QuoteDiscountsRequest, QuoteReason, QuotedLine};
use bojagi_api::item;
use bojagi_testkit::{eventually, reason};
use tonic::Code;

use crate::shop::{
    Shop, ask, fields, fixed, for_order, laid_on, metadata, minor, new_id, option, percent, quote_of, uuid, with_piece,
    won,
};

fn amounts(line: &QuotedLine) -> [i64; 6] {
    let amounts = [
        &line.gross,
        &line.item_discount,
        &line.order_discount,
        &line.net,
        &line.platform_discount,
        &line.seller_discount,
    ];
    amounts.map(minor)
}

#[tokio::test]
async fn a_quote_shows_every_amount_and_keeps_nothing() {
    let shop = Shop::open().await;
    let options = shop.offer(&[10_000, 3_000]).await;
    let customer = shop.customer();
    let first = shop.piece(&customer, Coupon { seller_share_bps: 5_000, ..fixed(1_000) }).await;
    let second = shop.piece(&customer, percent(1_000)).await;
    let of_order = shop.piece(&customer, for_order(fixed(1_001))).await;
    let request = QuoteDiscountsRequest {
        item_coupons: vec![laid_on(0, &second), laid_on(0, &first)],
        order_issued_coupon_id: of_order.issued_coupon_id.clone(),
        ..quote_of(&[(&options[0], 1), (&options[1], 2)])
    };

    let quote = shop.quote(&customer, request.clone()).await.unwrap();
    // 8,100 and 6,000 share 1,001 as 575.04 and 425.95; the unit left over goes to the larger remainder.
    assert_eq!(amounts(&quote.lines[0]), [10_000, 1_900, 575, 7_525, 1_975, 500]);
    assert_eq!(amounts(&quote.lines[1]), [6_000, 0, 426, 5_574, 426, 0]);
    assert_eq!(
        (minor(&quote.total_gross), minor(&quote.total_discount), minor(&quote.total_net)),
        (16_000, 2_901, 13_099)
    );
    let coupons: Vec<_> =
        quote.coupons.iter().map(|it| (it.line_key.as_str(), it.reason(), minor(&it.discount))).collect();
    let applied = QuoteReason::Applied;
    assert_eq!(coupons, [("0", applied, 900), ("0", applied, 1_000), ("", applied, 1_001)]);
    assert_eq!(quote.quote_hash.len(), 64);

    assert_eq!(shop.quote(&customer, request).await.unwrap(), quote);
    assert_eq!(shop.state_of_the_piece_of(&shop_customer_with(&shop, fixed(1)).await).await.0, "AVAILABLE");
    assert!(shop.pieces_of(&customer).await.iter().all(|piece| piece.order_id.is_empty()));
}

async fn shop_customer_with(shop: &Shop, coupon: Coupon) -> bojagi_testkit::TestAccount {
    let customer = shop.customer();
    shop.piece(&customer, coupon).await;
    customer
}

#[tokio::test]
async fn each_coupon_is_accepted_or_refused_with_its_reason() {
    let shop = Shop::open().await;
    let options = shop.offer(&[1_000, 1_000, 1, 5_000]).await;
    let customer = shop.customer();
    let foreign = shop.piece(&shop.customer(), fixed(1)).await;
    let taken = shop.piece(&customer, fixed(1)).await;
    shop.reserve(with_piece(ask(&customer, &[1_000]), 0, &taken, 1)).await.unwrap();
    let clamped = shop.piece(&customer, fixed(501)).await;
    let zero = shop.piece(&customer, fixed(1)).await;
    let demanding = shop.piece(&customer, Coupon { minimum_spend: Some(won(1_001)), ..percent(500) }).await;
    let of_order = shop.piece(&customer, for_order(fixed(1))).await;
    let many = shop.piece(&customer, fixed(1)).await;
    let request = QuoteDiscountsRequest {
        item_coupons: vec![
            laid_on(0, &foreign),
            laid_on(0, &taken),
            laid_on(0, &clamped),
            laid_on(0, &clamped),
            laid_on(1, &demanding),
            laid_on(1, &of_order),
            laid_on(2, &zero),
            laid_on(3, &many),
        ],
        ..quote_of(&[(&options[0], 1), (&options[1], 1), (&options[2], 1), (&options[3], 2)])
    };
    let quote = shop.quote(&customer, request).await.unwrap();
    let coupons: Vec<_> =
        quote.coupons.iter().map(|it| (it.accepted, it.reason(), it.rule.as_str(), minor(&it.discount))).collect();
    assert_eq!(
        coupons,
        [
            (false, QuoteReason::CouponNotFound, "", 0),
            (false, QuoteReason::CouponUsed, "", 0),
            (true, QuoteReason::Clamped, "", 500),
            (false, QuoteReason::CouponNotApplicable, "USED_TWICE", 0),
            (false, QuoteReason::MinimumSpend, "", 0),
            (false, QuoteReason::CouponNotApplicable, "WRONG_SCOPE", 0),
            (true, QuoteReason::ZeroDiscount, "", 0),
            (false, QuoteReason::CouponNotApplicable, "QUANTITY_NOT_ONE", 0),
        ]
    );
    assert_eq!(minor(&quote.total_discount), 500);
}

#[tokio::test]
async fn a_quote_is_what_the_redemption_computes_for_the_same_prices() {
    let shop = Shop::open().await;
    let options = shop.offer(&[10_000, 10_000, 3_333]).await;
    let customer = shop.customer();
    let item = shop.piece(&customer, Coupon { seller_share_bps: 3_333, ..percent(1_000) }).await;
    let of_order = shop.piece(&customer, Coupon { seller_share_bps: 777, ..for_order(percent(1_250)) }).await;
    let mut request = QuoteDiscountsRequest {
        item_coupons: vec![laid_on(2, &item)],
        order_issued_coupon_id: of_order.issued_coupon_id.clone(),
        ..quote_of(&[(&options[0], 1), (&options[0], 1), (&options[2], 1)])
    };
    // Names of lines that sort the other way round than those of the order.
    for (line, name) in request.lines.iter_mut().zip(["c", "b", "a"]) {
        line.line_key = name.into();
    }
    request.item_coupons[0].line_key = "a".into();
    let quote = shop.quote(&customer, request).await.unwrap();

    let mut wanted = with_piece(ask(&customer, &[10_000, 10_000, 3_333]), 2, &item, 0);
    for (line, option_id) in wanted.lines.iter_mut().zip([&options[0], &options[0], &options[2]]) {
        line.option_id.clone_from(option_id);
    }
    let mut wanted = crate::shop::with_order_piece(wanted, &of_order, minor(&quote.total_discount));
    wanted.quote_hash.clone_from(&quote.quote_hash);
    let redeemed = shop.reserve(wanted).await.unwrap();
    assert_eq!(redeemed.quote_hash, quote.quote_hash);
    for (redeemed, quoted) in redeemed.lines.iter().zip(&quote.lines) {
        assert_eq!(redeemed.item_discount, quoted.item_discount);
        assert_eq!(redeemed.order_discount, quoted.order_discount);
        assert_eq!(redeemed.platform_discount, quoted.platform_discount);
        assert_eq!(redeemed.seller_discount, quoted.seller_discount);
    }
}

#[tokio::test]
async fn prices_follow_what_item_tells() {
    let shop = Shop::open().await;
    let (item_id, kept, retired) = (new_id(), new_id(), new_id());
    let snapshot = |options| item::ItemSnapshot { item_id: item_id.clone(), options, ..Default::default() };
    let created = snapshot(vec![option(&kept, 1_000), option(&retired, 2_000)]);
    shop.items.tell(uuid(&item_id), &item::ItemCreated { item: Some(created) }).await;
    eventually("the item is known", async || shop.price_of(&retired).await == Some(2_000)).await;
    assert_eq!(shop.price_of(&kept).await, Some(1_000));

    let gone = item::OptionSnapshot { state: item::OptionState::Retired.into(), ..option(&retired, 2_000) };
    let updated = snapshot(vec![option(&kept, 1_500), gone]);
    shop.items.tell(uuid(&item_id), &item::ItemUpdated { item: Some(updated) }).await;
    eventually("the new price is known", async || shop.price_of(&kept).await == Some(1_500)).await;
    assert_eq!(shop.price_of(&retired).await, None);

    let deleted = item::ItemDeleted { item_id: item_id.clone(), ..Default::default() };
    shop.items.tell(uuid(&item_id), &deleted).await;
    eventually("the item is gone", async || shop.price_of(&kept).await.is_none()).await;
    let refusal = shop.quote(&shop.customer(), quote_of(&[(&kept, 1)])).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::NotFound, "ITEM_NOT_FOUND"));
    assert_eq!(metadata(&refusal, "option_id"), kept);
}

#[tokio::test]
async fn currencies_do_not_mix_in_a_quote() {
    let shop = Shop::open().await;
    let options = shop.offer(&[1_000]).await;
    let (item_id, imported) = (new_id(), new_id());
    let price = Some(Money { currency_code: "USD".into(), minor_units: 100 });
    let options_in_dollars = vec![item::OptionSnapshot { price, ..option(&imported, 0) }];
    let snapshot = item::ItemSnapshot { item_id: item_id.clone(), options: options_in_dollars, ..Default::default() };
    shop.items.tell(uuid(&item_id), &item::ItemCreated { item: Some(snapshot) }).await;
    eventually("the price is known", async || shop.price_of(&imported).await == Some(100)).await;

    let request = quote_of(&[(&options[0], 1), (&imported, 1)]);
    let refusal = shop.quote(&shop.customer(), request).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::InvalidArgument, "CURRENCY_MISMATCH"));
    assert_eq!(metadata(&refusal, "option_id"), imported);
}

#[tokio::test]
async fn a_question_that_is_wrong_says_where() {
    let shop = Shop::open().await;
    let options = shop.offer(&[1_000_000_000_000]).await;
    let option_id = options[0].as_str();
    let customer = shop.customer();
    let piece = shop.piece(&customer, fixed(1)).await;
    let too_many: Vec<_> = (0..101).map(|_| (option_id, 1)).collect();
    let mut twice = quote_of(&[(option_id, 1), (option_id, 1)]);
    twice.lines[1].line_key = "0".into();
    let mut nameless = quote_of(&[(option_id, 1)]);
    nameless.lines[0].line_key = String::new();
    let cases = [
        (QuoteDiscountsRequest::default(), vec!["lines"]),
        (quote_of(&too_many), vec!["lines"]),
        (twice, vec!["lines[1].line_key"]),
        (nameless, vec!["lines[0].line_key"]),
        (quote_of(&[("x", 0), (option_id, -1)]), vec!["lines[0].option_id", "lines[0].quantity", "lines[1].quantity"]),
        (quote_of(&[(option_id, i64::MAX)]), vec!["lines[0].quantity"]),
        (quote_of(&[(option_id, 1), (option_id, 1_000)]), vec!["lines[1].quantity"]),
        (
            QuoteDiscountsRequest { item_coupons: vec![laid_on(7, &piece)], ..quote_of(&[(option_id, 1)]) },
            vec!["item_coupons[0].line_key"],
        ),
        (
            QuoteDiscountsRequest { order_issued_coupon_id: "x".into(), ..quote_of(&[(option_id, 1)]) },
            vec!["order_issued_coupon_id"],
        ),
        (
            QuoteDiscountsRequest { item_coupons: vec![laid_on(0, &piece); 201], ..quote_of(&[(option_id, 1)]) },
            vec!["item_coupons"],
        ),
    ];
    for (request, expected) in cases {
        let refusal = shop.quote(&customer, request).await.unwrap_err();
        assert_eq!(
            (refusal.code(), fields(&refusal)),
            (Code::InvalidArgument, expected.iter().map(ToString::to_string).collect())
        );
    }
}
