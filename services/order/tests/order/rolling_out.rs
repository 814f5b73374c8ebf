//! While a new version rolls out, processes of the version before hear facts for the groups that they know. What they do not do about
//! them is done all the same.

use bojagi_api::order::{self as api, RefundMoneyState};
use bojagi_api::payment::RefundState;
use bojagi_api::user;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{eventually, reason};
use uuid::Uuid;

use crate::house::{House, id};
use crate::refunds::{approve, get, reject, request, sent, until_money};

/// A process of the version before has answered for the groups that it knows.
async fn the_version_before_has_heard(house: &House, group: &'static str, topic: &'static str, aggregate_id: Uuid) {
    let unit = async move |tx: &mut Tx| {
        tx.execute(
            "INSERT INTO inbox_sequence (consumer, topic, aggregate_id, last) VALUES (?1, ?2, ?3, 1000)
             ON CONFLICT (consumer, topic, aggregate_id) DO UPDATE SET last = excluded.last",
            params![group, topic, aggregate_id],
        )
        .await
    };
    let heard: Result<u64, Error> = house.rig.store("order").write(unit).await;
    assert_eq!(heard.unwrap(), 1);
}

async fn closes_and_the_version_before_has_heard(house: &House) {
    let account_id = house.customer.account_id;
    the_version_before_has_heard(house, "order.accounts", "bojagi.user.v1", *account_id.as_uuid()).await;
    let fact = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &fact).await;
}

#[tokio::test]
async fn the_cart_of_an_account_of_which_the_version_before_has_heard_goes_and_stays_away() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    house.add(&tea, 1).await.unwrap();
    closes_and_the_version_before_has_heard(&house).await;
    eventually("the cart is gone", async || house.look().await.cart.unwrap() == api::Cart::default()).await;
    // Whichever group hears first.
    let refused = house.add(&tea, 1).await.unwrap_err();
    assert_eq!(reason(&refused), "ACCOUNT_NOT_ACTIVE");
}

#[tokio::test]
async fn what_an_account_wrote_about_refunds_goes_although_the_version_before_has_heard_of_its_end() {
    let house = House::open().await;
    let order = sent(&house).await;
    let refund_id = request(&house, &order, &[(0, 1)]).await.unwrap().id;
    reject(&house, &house.sellers[0], &refund_id).await.unwrap();
    closes_and_the_version_before_has_heard(&house).await;
    eventually("the words are gone", async || {
        get(&house, &house.sellers[0], &refund_id).await.unwrap().reason.is_empty()
    })
    .await;
}

#[tokio::test]
async fn that_pieces_were_paid_back_is_taken_down_although_the_version_before_has_heard_it() {
    let house = House::open().await;
    *house.payments.refunds_to.lock().unwrap() = Some(RefundState::Pending);
    let order = sent(&house).await;
    let refund_id = request(&house, &order, &[(0, 1)]).await.unwrap().id;
    approve(&house, &house.sellers[0], &refund_id, false).await.unwrap();
    until_money(&house, &refund_id, RefundMoneyState::Parked).await;
    let settled = api::ResolveSagaRequest {
        request_id: id(),
        order_id: order.id.clone(),
        reason: "in cash".into(),
        refund_ids: vec![refund_id.clone()],
    };
    house.sagas().resolve_saga(settled).await.unwrap();
    let payment_id = house.payments.account(&order.id).unwrap().id;
    the_version_before_has_heard(&house, "order.payments", "bojagi.payment.v1", payment_id).await;
    house.payments.provider_gives_back(&order.id).await;
    until_money(&house, &refund_id, RefundMoneyState::Refunded).await;
}
