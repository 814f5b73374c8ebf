//! Facts told and heard: what others learn of an order, and what order does when accounts go.

use std::time::Duration;

use bojagi_api::order::{self as api, OrderState};
use bojagi_api::user;
use bojagi_order::Config;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{eventually, reason};
use futures::future::join_all;
use prost::{Message, Name};
use tonic::Code;

use crate::house::{House, basket, id, impatient};
use crate::peers::Fault;
use crate::refunds::{approve, get, reject, request, sent};

pub(crate) async fn facts_of(house: &House, order_id: &str) -> Vec<(String, Vec<u8>)> {
    let id: uuid::Uuid = order_id.parse().unwrap();
    let facts: Result<_, Error> = house
        .rig
        .store("order")
        .read(async move |tx: &mut Tx| {
            tx.fetch_all(
                "SELECT event_type, payload FROM outbox WHERE aggregate_id = ?1 ORDER BY position",
                params![id],
            )
            .await
        })
        .await;
    facts.unwrap()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn facts_carry_what_others_need_and_never_the_address() {
    let house = House::open().await;
    let order = house.place(basket()).await.unwrap();
    house.cancel(&order.id).await.unwrap();
    house.until(&order.id, OrderState::Cancelled).await;
    let facts = facts_of(&house, &order.id).await;
    let names: Vec<_> = facts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            api::OrderPlaced::full_name().as_str(),
            api::OrderConfirmed::full_name().as_str(),
            api::OrderCancelled::full_name().as_str()
        ]
    );
    let confirmed = api::OrderConfirmed::decode(facts[1].1.as_slice()).unwrap();
    assert_eq!(confirmed.participants.len(), 3);
    let allocation = confirmed.lines[0].allocation.clone().unwrap();
    assert_eq!(allocation.net.unwrap().minor_units, 1_700);
    let cancelled = api::OrderCancelled::decode(facts[2].1.as_slice()).unwrap();
    assert_eq!(cancelled.reason, "CANCELLED_BY_CUSTOMER");
    for (name, payload) in &facts {
        for secret in ["Kim Minji", "010-1234-5678", "Sejong-daero"] {
            assert!(!holds(payload, secret), "{name} holds {secret}");
        }
    }
}

#[tokio::test]
async fn a_failed_order_names_its_participants_and_reason() {
    let house = House::open().await;
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let order = house.place(basket()).await.unwrap();
    let facts = facts_of(&house, &order.id).await;
    let failed = api::OrderFailed::decode(facts[1].1.as_slice()).unwrap();
    assert_eq!((failed.reason.as_str(), failed.participants.len()), ("OUT_OF_STOCK", 3));
}

#[tokio::test]
async fn suspended_accounts_place_no_orders_until_they_are_reinstated() {
    let house = House::open().await;
    let account_id = house.customer.account_id;
    let suspended = user::AccountSuspended { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &suspended).await;
    eventually("orders are refused", async || house.place(basket()).await.is_err()).await;
    let refused = house.place(basket()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "ACCOUNT_NOT_ACTIVE".to_owned()));
    let reinstated = user::AccountReinstated { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &reinstated).await;
    eventually("orders are taken again", async || house.place(basket()).await.is_ok()).await;
}

#[tokio::test]
async fn closing_an_account_cancels_what_can_be_and_forgets_addresses_at_the_end() {
    let house = House::open().await;
    let untouched = house.place(basket()).await.unwrap();
    let begun = house.place(basket()).await.unwrap();
    let sellers_and_parcels: Vec<_> = begun
        .deliveries
        .iter()
        .map(|parcel| {
            let which = house.stock.stores.iter().position(|store| store.to_string() == parcel.store_id).unwrap();
            (&house.sellers[which], parcel.delivery_id.clone())
        })
        .collect();
    for (seller, delivery_id) in &sellers_and_parcels {
        let begin = api::BeginDeliveryRequest { request_id: id(), delivery_id: delivery_id.clone() };
        house.deliveries(seller).begin_delivery(begin).await.unwrap();
    }
    let account_id = house.customer.account_id;
    let closed = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &closed).await;

    let cancelled = house.until(&untouched.id, OrderState::Cancelled).await;
    assert_eq!(house.history(&untouched.id).await[2].1, "ACCOUNT_CLOSED");
    assert_eq!(cancelled.delivery_address, Some(api::DeliveryAddress::default()));
    assert_eq!(house.payments.kept(&untouched.id), 0);

    // What is on its way still needs its address.
    let running = house.order(&begun.id).await;
    assert_eq!(running.state(), OrderState::Confirmed);
    assert_eq!(running.delivery_address, Some(crate::house::address()));
    for (seller, delivery_id) in sellers_and_parcels {
        let complete = api::CompleteDeliveryRequest { request_id: id(), delivery_id };
        house.deliveries(seller).complete_delivery(complete).await.unwrap();
    }
    let completed = house.order(&begun.id).await;
    assert_eq!(completed.state(), OrderState::Completed);
    assert_eq!(completed.delivery_address, Some(api::DeliveryAddress::default()));
    assert_eq!(reason(&house.place(basket()).await.unwrap_err()), "ACCOUNT_NOT_ACTIVE");
    assert!(!nothing_holds(&house, "Sejong-daero").await.contains(&true), "no table holds the address any more");
}

#[tokio::test]
async fn closing_an_account_forgets_what_was_written_about_refunds_once_they_are_decided() {
    let house = House::open().await;
    let order = sent(&house).await;
    let [seller, other] = &house.sellers;
    let decided = request(&house, &order, &[(0, 1)]).await.unwrap();
    assert_eq!(approve(&house, seller, &decided.id, false).await.unwrap().reason, decided.reason);
    let undecided = request(&house, &order, &[(1, 1)]).await.unwrap();
    let account_id = house.customer.account_id;
    let closed = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &closed).await;
    eventually("its words are forgotten", async || get(&house, seller, &decided.id).await.unwrap().reason.is_empty())
        .await;

    // Who has to decide still needs them.
    assert!(get(&house, other, &undecided.id).await.unwrap().reason.contains("colour"));
    assert_eq!(reject(&house, other, &undecided.id).await.unwrap().reason, "");
    assert_eq!(get(&house, other, &undecided.id).await.unwrap().reason, "");
    assert!(!nothing_holds(&house, "colour").await.contains(&true), "no table holds them any more");
}

#[tokio::test]
async fn an_account_is_closed_however_many_orders_it_has() {
    // So many orders at once keep a busy machine from answering each of them in an instant.
    let house = House::with(Config { ask_timeout_milliseconds: 5_000, ..impatient() }).await;
    let undone = house.place(basket()).await.unwrap();
    house.cancel(&undone.id).await.unwrap();
    eventually("everything is back", async || house.order(&undone.id).await.state() == OrderState::Cancelled).await;
    let undone = house.order(&undone.id).await;
    let confirmed = join_all((0..120).map(async |_| house.place(basket()).await.unwrap().id)).await;

    house.rig.clock.advance(Duration::from_secs(1));
    let account_id = house.customer.account_id;
    let closed = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &closed).await;
    for order_id in &confirmed {
        house.until(order_id, OrderState::Cancelled).await;
    }
    let forgotten = house.order(&undone.id).await;
    let expected =
        api::Order { delivery_address: Some(api::DeliveryAddress::default()), version: undone.version + 1, ..undone };
    assert_eq!(forgotten, expected);
    assert!(!nothing_holds(&house, "Sejong-daero").await.contains(&true));
}

/// Whether tables that may have kept the address, or words, hold a text.
async fn nothing_holds(house: &House, text: &'static str) -> Vec<bool> {
    let found: Result<Vec<bool>, Error> = house
        .rig
        .store("order")
        .read(async move |tx: &mut Tx| {
            let answers: Vec<(Vec<u8>,)> = tx.fetch_all("SELECT answer FROM idempotency", &[]).await?;
            let lines: Vec<(String,)> = tx.fetch_all("SELECT address_line1 FROM orders", &[]).await?;
            let reasons: Vec<(String,)> = tx.fetch_all("SELECT reason FROM refund", &[]).await?;
            let kept = answers.iter().map(|(answer,)| holds(answer, text));
            Ok(kept.chain(lines.iter().chain(&reasons).map(|(line,)| line.contains(text))).collect())
        })
        .await;
    found.unwrap()
}
