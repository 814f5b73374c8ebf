//! Points: bought, held, used, given back, and never below nothing.

use bojagi_api::payment::wallet_service_client::WalletServiceClient;
use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::provider::ProviderKey;
use bojagi_testkit::{eventually, reason};

use crate::on_both_providers;
use crate::shop::{Shop, minor, won};

on_both_providers! {
    points_have_money_behind_them,
    charges_at_once_all_succeed,
    a_charge_without_an_answer_gives_no_points_until_there_is_one,
}

async fn points_have_money_behind_them(shop: Shop) {
    let mut customer = shop.customer();
    let charge = customer.charge(1_000).await;
    assert_eq!((charge.state(), minor(&charge.amount)), (ChargeState::Completed, 1_000));
    let key = ProviderKey::Charge(charge.id.parse().unwrap());
    assert_eq!(shop.simulator.statement(&key).unwrap().captured, 1_000);
    let facts = shop.told::<PointsCharged>().await;
    assert_eq!((facts.len(), minor(&facts[0].amount)), (1, 1_000));
    assert_eq!(facts[0].provider_payment_id, format!("simulated-{key}"));

    let declining = customer.method("tok_decline_lost_card").await;
    let declined = customer.charge_as(Uuid::now_v7(), 500, &declining).await.unwrap();
    let charge = declined.charge.unwrap();
    assert_eq!((charge.state(), charge.decline_reason()), (ChargeState::Declined, DeclineReason::LostCard));
    assert_eq!(minor(&declined.balance.unwrap().available), 1_000);
    assert_eq!(customer.points().await, (1_000, 0));
    // Order puts it on the customer's page.
    let of_customer = GetBalanceOfAccountRequest { account_id: customer.account.account_id.to_string() };
    let mut wallets = WalletServiceClient::new(shop.rig.workload("order"));
    let balance = wallets.get_balance_of_account(of_customer).await.unwrap().into_inner().balance.unwrap();
    assert_eq!((minor(&balance.available), minor(&balance.held)), (1_000, 0));
}

async fn charges_at_once_all_succeed(shop: Shop) {
    let mut customer = shop.customer();
    let method = customer.method("tok_approve").await;
    let same = Uuid::now_v7();
    let charges = (0..64).map(|index| {
        let (mut customer, method) = (shop.customer_again(&customer.account), &method);
        // Half of them are one and the same request.
        let request_id = if index % 2 == 0 { same } else { Uuid::now_v7() };
        async move { customer.charge_as(request_id, 7, method).await }
    });
    let answers = futures::future::try_join_all(charges).await.unwrap();
    assert!(answers.iter().all(|answer| answer.charge.as_ref().unwrap().state() == ChargeState::Completed));
    assert_eq!(customer.points().await, (33 * 7, 0));
    let entries = customer.entries().await;
    assert_eq!(entries.len(), 33);
    assert_eq!(entries[0].2, 33 * 7);
    assert_eq!(shop.told::<PointsCharged>().await.len(), 33);
}

async fn a_charge_without_an_answer_gives_no_points_until_there_is_one(shop: Shop) {
    let mut customer = shop.customer();
    let method = customer.method("tok_unresolved").await;
    let request_id = Uuid::now_v7();
    let charge = customer.charge_as(request_id, 10, &method).await.unwrap().charge.unwrap();
    assert_eq!(charge.state(), ChargeState::Unresolved);
    assert_eq!(customer.points().await, (0, 0));
    shop.rig.clock.advance(std::time::Duration::from_secs(60));
    eventually("the job asks, and the points are there", async || shop.told::<PointsCharged>().await.len() == 1).await;
    let again = customer.charge_as(request_id, 10, &method).await.unwrap();
    assert_eq!((again.charge.unwrap().state(), minor(&again.balance.unwrap().available)), (ChargeState::Completed, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_at_once_spend_exactly_what_is_there() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    customer.charge(100).await;
    let (shop, payer) = (&shop, &customer);
    let asks = (0..64).map(async |_| {
        let order_id = OrderId::generate().to_string();
        shop.authorize(payer, &order_id, "", 9, 9).await.unwrap()
    });
    let payments = futures::future::join_all(asks).await;
    let (held, declined): (Vec<_>, Vec<_>) =
        payments.into_iter().partition(|payment| payment.state() == PaymentState::Authorized);
    assert_eq!((held.len(), declined.len()), (11, 53));
    assert!(declined.iter().all(|payment| payment.decline_reason() == DeclineReason::PointsNotEnough));
    assert_eq!(customer.points().await, (1, 99));
    futures::future::try_join_all(held.iter().map(|payment| shop.capture(payment))).await.unwrap();
    assert_eq!(customer.points().await, (1, 0));
}

#[tokio::test]
async fn a_charge_that_cannot_be_is_refused() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let method = customer.method("tok_approve").await;
    let unknown = customer.charge_as(Uuid::now_v7(), 1, &Uuid::now_v7().to_string()).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (tonic::Code::NotFound, "PAYMENT_METHOD_NOT_FOUND"));
    let foreign = shop.customer().charge_as(Uuid::now_v7(), 1, &method).await.unwrap_err();
    assert_eq!(reason(&foreign), "PAYMENT_METHOD_NOT_FOUND");

    let request_id = Uuid::now_v7();
    customer.charge_as(request_id, 1, &method).await.unwrap();
    let reused = customer.charge_as(request_id, 2, &method).await.unwrap_err();
    assert_eq!((reused.code(), reason(&reused).as_str()), (tonic::Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));

    let mut dollars = won(1);
    dollars.as_mut().unwrap().currency_code = "USD".into();
    let request =
        ChargePointsRequest { request_id: Uuid::now_v7().to_string(), amount: dollars, payment_method_id: method };
    let refused = customer.wallet.charge_points(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::InvalidArgument, "CURRENCY_MISMATCH"));
    assert_eq!(customer.points().await, (1, 0));
}

#[tokio::test]
async fn a_wallet_holds_what_can_be_counted() {
    let shop = Shop::in_process().await;
    let mut customer = shop.customer();
    let method = customer.method("tok_approve").await;
    let account_id = customer.account.account_id;
    let filled: Result<u64, bojagi_store::Error> = shop
        .rig
        .store("payment")
        .write(async move |tx: &mut bojagi_store::Tx| {
            let sql = "INSERT INTO wallet (account_id, available, held) VALUES (?1, 1000000000000000, 0)";
            tx.execute(sql, bojagi_store::params![account_id]).await
        })
        .await;
    filled.unwrap();
    let full = customer.charge_as(Uuid::now_v7(), 1, &method).await.unwrap_err();
    assert_eq!((full.code(), reason(&full).as_str()), (tonic::Code::FailedPrecondition, "WALLET_FULL"));
}
