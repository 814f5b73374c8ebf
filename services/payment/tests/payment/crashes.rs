//! A process that dies between asking the provider and hearing its answer.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::provider::{Provider, ProviderKey};
use bojagi_payment::simulator::{Simulator, SimulatorOptions};
use bojagi_testkit::{Rig, eventually};

use crate::shop::{SECRET, Shop, Silent, config, minor, patient};

fn silent(answers: fn(&ProviderKey) -> bool) -> Arc<dyn Provider> {
    Arc::new(Silent { answers })
}

/// The same files, a while later, with a provider that answers.
async fn after_the_crash(shop: Shop) -> (Shop, Arc<Simulator>) {
    let rig = shop.rig.crash().await;
    rig.clock.advance(Duration::from_secs(3_600));
    let options = SimulatorOptions { slow: Duration::ZERO, webhook_secret: SECRET.into() };
    let simulator = Simulator::new(options).0;
    (Shop::with_provider(rig, config(), Arc::clone(&simulator) as Arc<dyn Provider>).await, simulator)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorisation_without_an_answer_is_resolved() {
    let shop = Shop::with_provider(Rig::new(), patient(), silent(|key| matches!(key, ProviderKey::Charge(_)))).await;
    let mut customer = shop.customer();
    customer.charge(40).await;
    let method = customer.method("tok_approve").await;
    let order_id = OrderId::generate().to_string();
    let asked = shop.authorize(&customer, &order_id, &method, 100, 40);
    tokio::select! {
        answer = asked => panic!("{answer:?}"),
        () = eventually("the attempt is stored", async || is_stored(&shop, &order_id).await) => {}
    }
    assert_eq!(shop.look(&order_id).await.state(), PaymentState::Pending);
    assert_eq!(customer.points().await, (0, 40));

    let account = customer.account;
    let (shop, simulator) = after_the_crash(shop).await;
    eventually("it is authorised", async || shop.look(&order_id).await.state() == PaymentState::Authorized).await;
    assert_eq!(simulator.asked(&ProviderKey::Authorize(order_id.parse().unwrap())), 1);
    assert_eq!(shop.customer_again(&account).points().await, (0, 40));
    assert_eq!(shop.told::<PaymentAuthorized>().await.len(), 1);
}

async fn is_stored(shop: &Shop, order_id: &str) -> bool {
    let key = Some(get_payment_request::Key::OrderId(order_id.into()));
    shop.admin().get_payment(GetPaymentRequest { key }).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_a_refund_and_a_charge_without_an_answer_are_resolved() {
    let answers: fn(&ProviderKey) -> bool = |key| matches!(key, ProviderKey::Authorize(_));
    let shop = Shop::with_provider(Rig::new(), patient(), silent(answers)).await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    let version = payment.version;
    let method = customer.method("tok_approve").await;
    let (charge_id, mut buyer) = (Uuid::now_v7(), shop.customer_again(&customer.account));
    tokio::select! {
        answer = shop.capture(&payment) => panic!("{answer:?}"),
        answer = buyer.charge_as(charge_id, 25, &method) => panic!("{answer:?}"),
        () = eventually("both attempts are stored", async || {
            shop.look(&payment.order_id).await.version > version && charges(&shop).await == 1
        }) => {}
    }
    assert_eq!(shop.look(&payment.order_id).await.state(), PaymentState::Authorized);

    let (shop, simulator) = after_the_crash(shop).await;
    eventually("it is captured", async || shop.look(&payment.order_id).await.state() == PaymentState::Captured).await;
    let statement = simulator.statement(&ProviderKey::Authorize(payment.order_id.parse().unwrap())).unwrap();
    assert_eq!((statement.captures, statement.captured), (1, 100));
    assert_eq!(shop.told::<PaymentCaptured>().await.len(), 1);

    let mut customer = shop.customer_again(&customer.account);
    eventually("the points are there", async || shop.told::<PointsCharged>().await.len() == 1).await;
    let again = customer.charge_as(charge_id, 25, &method).await.unwrap();
    assert_eq!(again.charge.unwrap().state(), ChargeState::Completed);
    assert_eq!(customer.points().await, (25, 0));

    // The refund's turn, in the same way.
    let rig = shop.rig.crash().await;
    let shop = Shop::with_provider(rig, patient(), silent(|_| false)).await;
    let refund_id = Uuid::now_v7();
    tokio::select! {
        answer = shop.refund(&payment, refund_id, 60) => panic!("{answer:?}"),
        () = eventually("the attempt is stored", async || {
            minor(&shop.look(&payment.order_id).await.refunding) == 60
        }) => {}
    }
    let (shop, simulator) = after_the_crash(shop).await;
    eventually("it is refunded", async || minor(&shop.look(&payment.order_id).await.refunded) == 60).await;
    assert_eq!(simulator.asked(&ProviderKey::Refund(refund_id.into(), 1)), 1);
    assert_eq!(shop.told::<PaymentRefunded>().await.len(), 1);
}

async fn charges(shop: &Shop) -> i64 {
    let count: Result<(i64,), bojagi_store::Error> = shop
        .rig
        .store("payment")
        .read(async |tx: &mut bojagi_store::Tx| tx.fetch_one("SELECT count(*) FROM points_charge", &[]).await)
        .await;
    count.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_void_left_held_at_the_provider_is_let_go() {
    let answers: fn(&ProviderKey) -> bool = |key| matches!(key, ProviderKey::Authorize(_));
    let shop = Shop::with_provider(Rig::new(), patient(), silent(answers)).await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    // The answer does not wait for the provider: nothing can be captured any more.
    assert_eq!(shop.void(&payment.order_id).await.state(), PaymentState::Voided);

    let (shop, simulator) = after_the_crash(shop).await;
    let key = ProviderKey::Void(payment.order_id.parse().unwrap());
    eventually("the provider is told", async || simulator.asked(&key) == 1).await;
    assert_eq!(shop.look(&payment.order_id).await.state(), PaymentState::Voided);
    assert_eq!(shop.told::<PaymentVoided>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ask_after_the_crash_sees_the_attempt_through_itself() {
    let answers: fn(&ProviderKey) -> bool = |key| matches!(key, ProviderKey::Authorize(_));
    let shop = Shop::with_provider(Rig::new(), patient(), silent(answers)).await;
    let mut customer = shop.customer();
    let payment = shop.authorized(&mut customer, "tok_approve", 100, 0).await;
    tokio::select! {
        answer = shop.capture(&payment) => panic!("{answer:?}"),
        () = eventually("the attempt is stored", async || {
            shop.look(&payment.order_id).await.version > payment.version
        }) => {}
    }
    // No time passes, so nothing is due; the ask alone moves it. A void is an ask too.
    let rig = shop.rig.crash().await;
    let options = SimulatorOptions { slow: Duration::ZERO, webhook_secret: SECRET.into() };
    let shop = Shop::with_provider(rig, config(), Simulator::new(options).0).await;
    assert_eq!(shop.void(&payment.order_id).await.state(), PaymentState::Captured);
    assert_eq!(shop.capture(&payment).await.unwrap().state(), PaymentState::Captured);
}
