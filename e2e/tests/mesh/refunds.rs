//! What was sent and is given back: the money by the way it came, the pieces where their seller wants them, and every book the
//! same.

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::order::{ListRefundsRequest, MoneyState, Order, OrderState, RefundMoneyState, RefundState};
use bojagi_api::payment::PaymentState;
use bojagi_api::policy::Role;
use bojagi_api::settlement::{GetTrialBalanceRequest, ProveConservationRequest, StatementState};
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_testkit::reason;
use futures::future::join_all;

/// Captured and refunded, as all books say it.
async fn proven(shop: &Shop, captured: i64, refunded: i64) {
    let admin = shop.person(&[Role::Admin]);
    let proof = admin.ledger().prove_conservation(ProveConservationRequest::default()).await.unwrap().into_inner();
    assert!(proof.agrees, "{proof:?}");
    let ledger = proof.currencies[0].ledger.clone().unwrap();
    assert_eq!((ledger.captured, ledger.refunded), (Some(won(captured)), Some(won(refunded))));
    let trial = admin.ledger().get_trial_balance(GetTrialBalanceRequest::default()).await.unwrap().into_inner();
    assert!(trial.balanced, "{trial:?}");
}

/// What of a payment has gone back to the wallet and by the card.
async fn gone_back(buyer: &Person, order: &Order) -> (i64, i64) {
    let (_, refunds) = buyer.payment(&order.id).await;
    let minor = |amount: Option<bojagi_api::common::Money>| amount.unwrap_or_default().minor_units;
    refunds.into_iter().fold((0, 0), |sum, refund| (sum.0 + minor(refund.points), sum.1 + minor(refund.external)))
}

/// Asks pieces back, has the seller agree, and waits for the money.
async fn given_back(buyer: &Person, order: &Order, (seller, offer): (&Person, &Offer), quantity: i64, restock: bool) {
    let refund = buyer.request_refund(order, offer, quantity).await.unwrap();
    assert_eq!(refund.state(), RefundState::Requested);
    seller.approve_refund(&refund.id, restock).await.unwrap();
    buyer.wait_for_money(&refund.id).await;
}

/// An order of two stores with a coupon of the platform, paid with points and a card: some of it goes back, then the rest.
/// R11 and R25 over the public API.
#[tokio::test(flavor = "multi_thread")]
async fn r11_r25_an_order_of_two_sellers_is_given_back_in_parts_and_every_book_agrees() {
    let shop = Shop::open_at_noon().await;
    let (tea_seller, tea) = shop.offer(9_999, 100).await;
    let (silk_seller, silk) = shop.offer(20_000, 100).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    buyer.charge(20_000, &card).await;
    let coupon = Coupon {
        name: "Off".into(),
        benefit: Some(Benefit::FixedAmount(won(1_001))),
        scope: CouponScope::Order.into(),
        ..Coupon::default()
    };
    let coupon = buyer.take_coupon(&shop.coupon(coupon).await).await.unwrap();
    let wish = Wish { coupon, discount: 1_001, points: 20_000, ..Wish::of(&tea, 3, &card).and(&silk, 2) };
    let order = buyer.place(&wish).await.unwrap();
    assert_eq!((order.state(), order.deliveries.len()), (OrderState::Confirmed, 2), "{order:?}");
    let paid = 3 * 9_999 + 2 * 20_000 - 1_001;
    assert_eq!(order.totals.as_ref().unwrap().net, Some(won(paid)));

    tea_seller.send(&order, &tea).await;
    // The other store has sent nothing, and yet the order cannot be cancelled any more.
    assert_eq!(reason(&buyer.cancel(&order.id).await.unwrap_err()), "DELIVERY_BEGUN");
    assert_eq!(reason(&buyer.request_refund(&order, &silk, 1).await.unwrap_err()), "DELIVERY_NOT_BEGUN");
    silk_seller.send(&order, &silk).await;

    given_back(&buyer, &order, (&tea_seller, &tea), 1, true).await;
    given_back(&buyer, &order, (&silk_seller, &silk), 1, false).await;
    shop.verify().await;
    let (tea_stock, silk_stock) = (shop.stock(&tea).await, shop.stock(&silk).await);
    assert_eq!((tea_stock.available, tea_stock.sold, silk_stock.available, silk_stock.sold), (98, 2, 98, 2));
    let shown = buyer.order(&order.id).await;
    let back = shown.refunded.clone().unwrap().minor_units;
    assert_eq!((shown.money_state(), shown.state()), (MoneyState::PartiallyRefunded, OrderState::Confirmed));
    let (points, external) = gone_back(&buyer, &order).await;
    assert_eq!(points + external, back);
    assert_eq!(external, back * (paid - 20_000) / paid, "by cumulative floor");
    proven(&shop, paid, back).await;

    assert_eq!(shop.close_day().await.statement_count, 2);
    shop.verify().await;
    for seller in [&tea_seller, &silk_seller] {
        let statements = seller.statements().await;
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        assert_eq!((statement.capture_count, statement.refund_count), (1, 1));
        assert_eq!(statement.state(), StatementState::Open);
    }

    // The rest goes back piece by piece, and is an entry of the next close.
    for _ in 0..2 {
        given_back(&buyer, &order, (&tea_seller, &tea), 1, true).await;
    }
    given_back(&buyer, &order, (&silk_seller, &silk), 1, true).await;
    shop.verify().await;
    let shown = buyer.order(&order.id).await;
    assert_eq!((shown.money_state(), shown.refunded), (MoneyState::Refunded, Some(won(paid))));
    assert_eq!(gone_back(&buyer, &order).await, (20_000, paid - 20_000));
    assert_eq!(buyer.points().await, (20_000, 0));
    assert_eq!(buyer.payment(&order.id).await.0.state(), PaymentState::Refunded);
    let (tea_stock, silk_stock) = (shop.stock(&tea).await, shop.stock(&silk).await);
    assert_eq!((tea_stock.available, tea_stock.sold, silk_stock.available, silk_stock.sold), (100, 0, 99, 1));
    assert_eq!(reason(&buyer.request_refund(&order, &tea, 1).await.unwrap_err()), "REFUND_EXCEEDS_PURCHASE");
    proven(&shop, paid, paid).await;

    assert_eq!(shop.close_day().await.statement_count, 2);
    shop.verify().await;
    for seller in [&tea_seller, &silk_seller] {
        let nets: i64 =
            seller.statements().await.iter().map(|statement| statement.net.clone().unwrap().minor_units).sum();
        assert_eq!(nets, 0, "the seller keeps nothing of what went back, and owes nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_refunds_of_the_same_pieces_race_and_money_goes_back_for_each_piece_once() {
    let shop = Shop::open().await;
    let (seller, offer) = shop.offer(10_000, 100).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    let order = buyer.place(&Wish::of(&offer, 5, &card)).await.unwrap();
    seller.send(&order, &offer).await;

    let asked = join_all((0..8).map(|_| buyer.request_refund(&order, &offer, 2))).await;
    let granted: Vec<_> = asked.iter().filter_map(|asked| asked.as_ref().ok()).collect();
    assert_eq!(granted.len(), 2);
    let refused = asked.iter().filter_map(|asked| asked.as_ref().err());
    assert!(refused.into_iter().all(|refused| reason(refused) == "REFUND_EXCEEDS_PURCHASE"));
    let approvals = granted.iter().flat_map(|refund| (0..3).map(|_| seller.approve_refund(&refund.id, true)));
    let approved = join_all(approvals).await;
    assert_eq!(approved.iter().filter(|approved| approved.is_ok()).count(), 2, "each once");
    for refund in granted {
        buyer.wait_for_money(&refund.id).await;
    }
    shop.verify().await;
    assert_eq!(buyer.order(&order.id).await.refunded, Some(won(40_000)));
    assert_eq!(gone_back(&buyer, &order).await, (0, 40_000));
    let stock = shop.stock(&offer).await;
    assert_eq!((stock.available, stock.sold), (99, 1));
    proven(&shop, 50_000, 40_000).await;
}

/// Of three pieces for two won the first is worth nothing: nothing goes back to the customer, and still the subsidy is taken back
/// and the piece is on the shelf.
#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_cost_nothing_goes_back_in_every_book() {
    let shop = Shop::open_at_noon().await;
    let (seller, offer) = shop.offer(1, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    let coupon = Coupon {
        name: "One won off".into(),
        benefit: Some(Benefit::FixedAmount(won(1))),
        scope: CouponScope::Order.into(),
        ..Coupon::default()
    };
    let coupon = buyer.take_coupon(&shop.coupon(coupon).await).await.unwrap();
    let order = buyer.place(&Wish { coupon, discount: 1, ..Wish::of(&offer, 3, &card) }).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
    seller.send(&order, &offer).await;
    given_back(&buyer, &order, (&seller, &offer), 1, true).await;
    shop.verify().await;
    let list = ListRefundsRequest { state: RefundState::Approved.into(), ..Default::default() };
    let listed = seller.refunds().list_refunds(list).await.unwrap().into_inner().refunds;
    assert_eq!((listed[0].money_state(), listed[0].amount.clone()), (RefundMoneyState::Refunded, Some(won(0))));
    assert_eq!(buyer.order(&order.id).await.money_state(), MoneyState::Paid);
    assert_eq!(shop.stock(&offer).await.available, 8);
    proven(&shop, 2, 0).await;

    shop.close_day().await;
    shop.verify().await;
    let statement = seller.statements().await.remove(0);
    assert_eq!(
        (statement.refund_count, statement.refunds, statement.platform_subsidy),
        (1, Some(won(1)), Some(won(0)))
    );
    given_back(&buyer, &order, (&seller, &offer), 2, false).await;
    shop.verify().await;
    assert_eq!(buyer.order(&order.id).await.money_state(), MoneyState::Refunded);
    proven(&shop, 2, 2).await;
}
