//! What sellers earn is booked once, closed once, paid once, and corrected when it comes back.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::{ListStoreOrdersRequest, OrderState};
use bojagi_api::policy::Role;
use bojagi_api::settlement::{PayoutState, SetCommissionRateRequest, StatementEntryKind, StatementState};
use bojagi_e2e::{Offer, Person, Shop, SinceNoon, Wish, won};
use bojagi_kernel::{Clock, ManualClock, Moment};
use bojagi_testkit::{eventually, reason};
use tempfile::TempDir;
use uuid::Uuid;

/// A shop whose bank answers at once, and whose days end when a test says so.
async fn shop() -> Shop {
    shop_at(Arc::new(TempDir::new().unwrap()), Arc::new(SinceNoon::begin())).await
}

async fn shop_at(folder: Arc<TempDir>, clock: Arc<dyn Clock>) -> Shop {
    Shop::open_at(folder, clock, |settings| {
        settings.settlement.simulated_bank_pays_after_ms = 0;
        settings.settlement.simulated_bank_returns_after_ms = 0;
    })
    .await
}

async fn bought(buyer: &Person, offer: &Offer, quantity: i64) -> String {
    let points = offer.price * quantity;
    let order = buyer.place(&Wish { points, ..Wish::of(offer, quantity, "") }).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
    order.id
}

async fn cancelled(buyer: &Person, order_id: &str) {
    buyer.cancel(order_id).await.unwrap();
    buyer.wait_for(order_id, OrderState::Cancelled).await;
}

async fn set_rate(shop: &Shop, seller: &Person, rate_bps: i32) {
    let request = SetCommissionRateRequest {
        request_id: Uuid::now_v7().to_string(),
        seller_id: seller.account().account_id.to_string(),
        rate_bps,
        effective_from: None,
    };
    shop.person(&[Role::Admin]).settlements().set_commission_rate(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_a_payout_that_comes_back_is_owed_again_and_corrects_the_next() {
    let shop = shop().await;
    let (seller, offer) = shop.offer(10_000, 100).await;
    let buyer = shop.buyer(100_000).await;
    seller.register_bank_account("bank_returns").await;
    bought(&buyer, &offer, 1).await;
    shop.verify().await;
    shop.close_day().await;
    let first = seller.settle().await.unwrap().remove(0).payout.unwrap();
    let returned = seller.wait_for_payout(&first.id, PayoutState::Returned).await;
    assert!(returned.paid_at.is_some() && returned.ended_at.is_some(), "it was PAID before: {returned:?}");
    assert_eq!(returned.amount, Some(won(9_000)));
    let balance = seller.seller_balance().await;
    assert_eq!((balance.carried, balance.paid_out), (Some(won(9_000)), Some(won(0))));
    shop.verify().await;

    seller.register_bank_account("bank_ok").await;
    bought(&buyer, &offer, 2).await;
    shop.verify().await;
    shop.close_day().await;
    let next = seller.settle().await.unwrap().remove(0);
    assert_eq!((next.statements_net, next.brought_forward), (Some(won(18_000)), Some(won(9_000))));
    let payout = next.payout.unwrap();
    assert_eq!(payout.amount, Some(won(27_000)));
    seller.wait_for_payout(&payout.id, PayoutState::Paid).await;
    let balance = seller.seller_balance().await;
    assert_eq!((balance.carried, balance.paid_out), (Some(won(0)), Some(won(27_000))));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_closes_that_did_not_run_are_caught_up_once() {
    // Noon in Seoul: the close of this day is done when the shop opens.
    let clock = Arc::new(ManualClock::at(Moment::from_micros(1_772_420_400_000_000)));
    let shop = shop_at(Arc::new(TempDir::new().unwrap()), clock.clone()).await;
    let (seller, offer) = shop.offer(10_000, 100).await;
    let buyer = shop.buyer(100_000).await;
    for _ in 0..3 {
        bought(&buyer, &offer, 1).await;
        clock.advance(Duration::from_secs(1));
    }
    shop.verify().await;
    assert_eq!(seller.statements().await, []);

    let seller = seller.account().clone();
    let folder = shop.close().await;
    clock.advance(Duration::from_secs(3 * 86_400));
    let shop = shop_at(folder, clock.clone()).await;
    let seller = shop.returning(&seller);
    eventually("the close is caught up", async || !seller.statements().await.is_empty()).await;
    shop.verify().await;
    let statements = seller.statements().await;
    assert_eq!((statements.len(), statements[0].capture_count, statements[0].net.clone()), (1, 3, Some(won(27_000))));
    assert_eq!(shop.close_day().await.statement_count, 0, "closing again changes nothing");

    seller.register_bank_account("bank_ok").await;
    let payout = seller.settle().await.unwrap().remove(0).payout.unwrap();
    assert_eq!(payout.amount, Some(won(27_000)));
    assert_eq!(reason(&seller.settle().await.unwrap_err()), "NOTHING_TO_SETTLE");
    seller.wait_for_payout(&payout.id, PayoutState::Paid).await;
    assert_eq!(seller.seller_balance().await.paid_out, Some(won(27_000)));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_a_refund_reverses_at_the_rate_of_its_capture() {
    let shop = shop().await;
    let (seller, offer) = shop.offer(9_999, 100).await;
    let buyer = shop.buyer(100_000).await;
    set_rate(&shop, &seller, 1_500).await;
    let order_id = bought(&buyer, &offer, 1).await;
    set_rate(&shop, &seller, 9_000).await;
    bought(&buyer, &offer, 1).await;
    cancelled(&buyer, &order_id).await;
    shop.verify().await;
    shop.close_day().await;

    let statements = seller.statements().await;
    assert_eq!(statements.len(), 1);
    let entries = seller.entries(&statements[0].id).await;
    let mut booked: Vec<_> = entries
        .iter()
        .map(|entry| {
            let commission = entry.commission.clone().unwrap_or_default().minor_units;
            (entry.kind(), entry.commission_rate_bps, commission)
        })
        .collect();
    booked.sort();
    let (capture, refund) = (StatementEntryKind::Capture, StatementEntryKind::Refund);
    assert_eq!(booked, [(capture, 1_500, 1_499), (capture, 9_000, 8_999), (refund, 1_500, 1_499)]);
    assert_eq!(statements[0].net, Some(won(1_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_an_order_of_two_sellers_is_booked_once_for_each_and_a_refunded_one_is_not_shown_as_paid() {
    let shop = shop().await;
    let (tea, tea_offer) = shop.offer(10_000, 100).await;
    let (silk, silk_offer) = shop.offer(20_000, 100).await;
    let buyer = shop.buyer(1_000_000).await;
    let order_of_both = async || {
        let wish = Wish { points: 40_000, ..Wish::of(&tea_offer, 2, "").and(&silk_offer, 1) };
        let order = buyer.place(&wish).await.unwrap();
        assert_eq!((order.state(), order.deliveries.len()), (OrderState::Confirmed, 2));
        order.id
    };
    let (kept, given_back) = (order_of_both().await, order_of_both().await);
    cancelled(&buyer, &given_back).await;
    shop.verify().await;
    shop.close_day().await;

    for (seller, offer) in [(&tea, &tea_offer), (&silk, &silk_offer)] {
        let statements = seller.statements().await;
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        assert_eq!((statement.capture_count, statement.refund_count), (2, 1));
        assert_eq!((statement.gross.clone(), statement.refunds.clone()), (Some(won(40_000)), Some(won(20_000))));
        assert_eq!((statement.net.clone(), statement.state()), (Some(won(18_000)), StatementState::Open));
        let list = ListStoreOrdersRequest { store_id: offer.store_id.clone(), ..Default::default() };
        let mut listed = seller.orders().list_store_orders(list).await.unwrap().into_inner().store_orders;
        listed.sort_by(|one, other| one.order_id.cmp(&other.order_id));
        let shown: Vec<_> = listed.iter().map(|order| (order.order_id.as_str(), order.state())).collect();
        assert_eq!(
            shown,
            [(kept.as_str(), OrderState::Confirmed), (given_back.as_str(), OrderState::Cancelled)],
            "older orders have smaller ids"
        );
        assert!(listed.iter().all(|order| order.lines.iter().all(|line| line.store_id == offer.store_id)));

        seller.register_bank_account("bank_ok").await;
        let payout = seller.settle().await.unwrap().remove(0).payout.unwrap();
        assert_eq!(payout.amount, Some(won(18_000)));
        seller.wait_for_payout(&payout.id, PayoutState::Paid).await;
    }
    shop.verify().await;
}
