//! Money moves once, whatever becomes of the answers.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::order::{
    GetSagaRequest, ListSagasRequest, MoneyState, OrderState, ResolveSagaRequest, RetrySagaRequest, SagaState,
};
use bojagi_api::payment::{PaymentState, RefundState, SyncPaymentRequest};
use bojagi_api::policy::Role;
use bojagi_api::settlement::ProveConservationRequest;
use bojagi_e2e::{Person, Shop, Wish, won};
use bojagi_kernel::id::OrderId;
use bojagi_payment::ProviderKind;
use bojagi_payment::provider::{ProviderKey, RefundId, Secret};
use bojagi_payment::simulator::{Simulator, SimulatorOptions, serve};
use bojagi_testkit::eventually;
use futures::future::join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SECRET: &str = "the shop and its provider know this";

/// A payment provider on the network, which can go down and come back.
struct Provider {
    simulator: Arc<Simulator>,
    listener: std::net::TcpListener,
    running: Option<(JoinHandle<()>, CancellationToken)>,
}

impl Provider {
    fn open() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let options = SimulatorOptions { slow: Duration::from_millis(20), webhook_secret: Secret::from(SECRET) };
        let (simulator, _) = Simulator::new(options);
        let mut provider = Self { simulator, listener, running: None };
        provider.come_back();
        provider
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Answers again, first those who have called meanwhile.
    fn come_back(&mut self) {
        let listener = tokio::net::TcpListener::from_std(self.listener.try_clone().unwrap()).unwrap();
        // Nothing is told by webhook: what the shop knows, it has asked for.
        let (_, no_events) = tokio::sync::mpsc::channel(1);
        let (simulator, stop) = (Arc::clone(&self.simulator), CancellationToken::new());
        let (webhooks, stopped) = (self.url(), stop.clone());
        let serving =
            tokio::spawn(async move { serve(listener, simulator, no_events, &webhooks, stopped).await.unwrap() });
        self.running = Some((serving, stop));
    }

    /// Takes calls and answers none of them.
    async fn go_down(&mut self) {
        let (serving, stop) = self.running.take().unwrap();
        stop.cancel();
        serving.await.unwrap();
    }

    /// A shop that asks this provider, and loses patience after a while. It does not ask again by itself.
    async fn shop(&self, patience_ms: u64) -> Shop {
        let url = self.url();
        Shop::open_with(|settings| {
            let payment = &mut settings.payment;
            (payment.provider, payment.provider_url) = (ProviderKind::Http, url);
            payment.provider_webhook_secret = Secret::from(SECRET);
            payment.provider_timeout_ms = patience_ms;
            payment.recover_after_ms = 3_600_000;
            settings.order.attempts_before_parking = 2;
            settings.order.sweep_milliseconds = 10;
        })
        .await
    }
}

fn order_of(order_id: &str) -> OrderId {
    order_id.parse().unwrap()
}

fn refund_key(refund_id: &str) -> ProviderKey {
    ProviderKey::Refund(RefundId::from(refund_id.parse::<Uuid>().unwrap()), 1)
}

async fn saga_state(admin: &Person, order_id: &str) -> SagaState {
    let request = GetSagaRequest { order_id: order_id.into() };
    admin.sagas().get_saga(request).await.unwrap().into_inner().saga.unwrap().state()
}

#[tokio::test(flavor = "multi_thread")]
async fn r8_webhooks_race_the_answers_to_one_capture_and_one_refund() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 100).await;
    let bought = join_all((0..24).map(async |_| {
        let buyer = shop.person(&[Role::Customer]);
        let card = buyer.card("tok_duplicate_webhooks").await;
        let order = buyer.place(&Wish::of(&offer, 1, &card)).await.unwrap();
        assert_eq!(order.state(), OrderState::Confirmed);
        (buyer, order.id)
    }))
    .await;
    shop.verify().await;
    for (buyer, order_id) in &bought {
        let (payment, refunds) = buyer.payment(order_id).await;
        assert_eq!((payment.state(), payment.captured, refunds.len()), (PaymentState::Captured, Some(won(1_000)), 0));
    }

    let (cancelled, kept) = bought.split_at(12);
    join_all(cancelled.iter().map(async |(buyer, order_id)| {
        buyer.cancel(order_id).await.unwrap();
        buyer.wait_for(order_id, OrderState::Cancelled).await;
    }))
    .await;
    shop.verify().await;
    for (buyer, order_id) in cancelled {
        let (payment, refunds) = buyer.payment(order_id).await;
        assert_eq!((payment.state(), payment.refunded), (PaymentState::Refunded, Some(won(1_000))));
        assert_eq!(refunds.iter().map(|refund| refund.state()).collect::<Vec<_>>(), [RefundState::Succeeded]);
    }
    for (buyer, order_id) in kept {
        assert_eq!(buyer.payment(order_id).await.1, [], "nothing goes back by mistake");
    }
    let admin = shop.person(&[Role::Admin]);
    let proof = admin.ledger().prove_conservation(ProveConservationRequest::default()).await.unwrap().into_inner();
    assert!(proof.agrees, "{proof:?}");
    let ledger = proof.currencies[0].ledger.clone().unwrap();
    assert_eq!((ledger.captured, ledger.refunded), (Some(won(24_000)), Some(won(12_000))));
}

#[tokio::test(flavor = "multi_thread")]
async fn r9_the_provider_times_out_and_is_asked_again_under_the_same_key() {
    let provider = Provider::open();
    // Only an answer that is lost may count as none: how often the provider is asked is counted.
    let shop = provider.shop(3_000).await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_timeout_after_success").await;

    let order = buyer.place(&Wish::of(&offer, 1, &card)).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
    let order_id = order_of(&order.id);
    assert_eq!(provider.simulator.asked(&ProviderKey::Capture(order_id)), 2, "once in vain");
    buyer.cancel(&order.id).await.unwrap();
    let order = buyer.wait_for(&order.id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Refunded);

    let (payment, refunds) = buyer.payment(&order.id).await;
    assert_eq!((payment.captured, payment.refunded), (Some(won(10_000)), Some(won(10_000))));
    assert_eq!(refunds.len(), 1);
    assert_eq!(provider.simulator.asked(&refund_key(&refunds[0].id)), 2, "once in vain");
    let statement = provider.simulator.statement(&ProviderKey::Authorize(order_id)).unwrap();
    assert_eq!((statement.captures, statement.captured), (1, 10_000));
    assert_eq!((statement.refunds, statement.refunded), (1, 10_000));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_a_refund_that_finds_nobody_is_parked_and_the_operator_resumes_it() {
    let mut provider = Provider::open();
    let shop = provider.shop(3_000).await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let (buyer, admin) = (shop.person(&[Role::Customer]), shop.person(&[Role::Admin]));
    let card = buyer.card("tok_approve").await;
    let order = buyer.place(&Wish::of(&offer, 1, &card)).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);

    provider.go_down().await;
    buyer.cancel(&order.id).await.unwrap();
    eventually("it is parked", async || saga_state(&admin, &order.id).await == SagaState::Parked).await;
    assert_eq!(buyer.order(&order.id).await.state(), OrderState::Cancelling);
    let parked = ListSagasRequest { state: SagaState::Parked.into(), ..Default::default() };
    let parked = admin.sagas().list_sagas(parked).await.unwrap().into_inner().sagas;
    assert_eq!(parked.iter().map(|saga| saga.order_id.as_str()).collect::<Vec<_>>(), [order.id.as_str()]);
    assert!(!parked[0].parked_reason.is_empty());

    provider.come_back();
    let retry = RetrySagaRequest { request_id: Uuid::now_v7().to_string(), order_id: order.id.clone() };
    admin.sagas().retry_saga(retry).await.unwrap();
    let order = buyer.wait_for(&order.id, OrderState::Cancelled).await;
    assert_eq!(order.money_state(), MoneyState::Refunded);
    let statement = provider.simulator.statement(&ProviderKey::Authorize(order_of(&order.id))).unwrap();
    assert_eq!((statement.captures, statement.refunds, statement.refunded), (1, 1, 10_000));
    shop.verify().await;
}

/// The provider refuses the refund for good, and the operator gives the money back in another way.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_refund_was_settled_by_hand_ends_and_the_books_of_all_agree() {
    let shop = Shop::open_with(|settings| settings.order.refusals_before_parking = 1).await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let (buyer, admin) = (shop.person(&[Role::Customer]), shop.person(&[Role::Admin]));
    let card = buyer.card("tok_refund_fails").await;
    let order = buyer.place(&Wish::of(&offer, 1, &card)).await.unwrap();
    buyer.cancel(&order.id).await.unwrap();
    eventually("it is parked", async || saga_state(&admin, &order.id).await == SagaState::Parked).await;

    let (request_id, reason) = (Uuid::now_v7().to_string(), "paid back by bank transfer".into());
    let resolve = ResolveSagaRequest { request_id, order_id: order.id.clone(), reason, refund_ids: vec![] };
    admin.sagas().resolve_saga(resolve).await.unwrap();
    buyer.wait_for(&order.id, OrderState::Cancelled).await;
    let (payment, _) = buyer.payment(&order.id).await;
    assert_eq!((payment.captured, payment.refunded), (Some(won(10_000)), Some(won(0))), "the provider has it");
    shop.verify().await;
    shop.close_day().await;
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r19_authorised_and_captured_later_moves_stock_once() {
    let provider = Provider::open();
    let shop = provider.shop(3_000).await;
    let (_, offer) = shop.offer(10_000, 10).await;
    let (buyer, admin) = (shop.person(&[Role::Customer]), shop.person(&[Role::Admin]));
    let card = buyer.card("tok_unresolved").await;
    let order = buyer.place(&Wish { at_once: true, ..Wish::of(&offer, 3, &card) }).await.unwrap();
    eventually("nobody knows of the capture", async || saga_state(&admin, &order.id).await == SagaState::Parked).await;
    let stock = shop.stock(&offer).await;
    assert_eq!((stock.available, stock.reserved, stock.sold), (7, 3, 0), "held until the provider tells");
    let (payment, _) = buyer.payment(&order.id).await;
    assert_eq!(payment.state(), PaymentState::Unresolved);

    let syncs = (0..8).map(|_| {
        let (mut payments, request) = (admin.payments(), SyncPaymentRequest { payment_id: payment.id.clone() });
        async move { payments.sync_payment(request).await.unwrap() }
    });
    join_all(syncs).await;
    buyer.wait_for(&order.id, OrderState::Confirmed).await;
    shop.verify().await;
    let stock = shop.stock(&offer).await;
    assert_eq!((stock.available, stock.reserved, stock.sold), (7, 0, 3));
    assert_eq!(provider.simulator.statement(&ProviderKey::Authorize(order_of(&order.id))).unwrap().captures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_a_line_of_no_weight_gets_nothing_and_the_order_of_lines_has_no_effect() {
    let shop = Shop::open().await;
    let mut offers = Vec::new();
    for price in [1, 2_999, 3_333, 3_667] {
        offers.push(shop.offer(price, 10).await.1);
    }
    let off = Coupon {
        name: "Off the whole order".into(),
        benefit: Some(Benefit::FixedAmount(won(1_001))),
        scope: CouponScope::Order.into(),
        ..Coupon::default()
    };
    let coupon_id = shop.coupon(off).await;
    let mut spreads = Vec::new();
    for turn in 0..offers.len() {
        let buyer = shop.buyer(20_000).await;
        let coupon = buyer.take_coupon(&coupon_id).await.unwrap();
        let mut turned = offers.clone();
        turned.rotate_left(turn);
        let wish = turned.iter().fold(Wish::default(), |wish, offer| wish.and(offer, 1));
        let order = buyer.place(&Wish { coupon, discount: 1_001, points: 8_999, ..wish }).await.unwrap();
        assert_eq!(order.state(), OrderState::Confirmed, "{order:?}");
        let part_of = |option_id: &str| {
            let line = order.lines.iter().find(|line| line.option_id == option_id).unwrap();
            line.order_discount.clone().unwrap_or_default().minor_units
        };
        spreads.push(offers.iter().map(|offer| part_of(&offer.option_id)).collect::<Vec<_>>());
    }
    assert!(spreads.iter().all(|spread| *spread == spreads[0]), "{spreads:?}");
    // A tenth of each, and the unit that is left over where most was cut off.
    assert_eq!(spreads[0], [0, 300, 334, 367]);
    shop.verify().await;
}
