use std::time::Duration;

use bojagi_store::{Options, Store};
use bojagi_testkit::{Explain, Rig};

use super::*;
use crate::MIGRATIONS;
use crate::domain::samples::{self, NOW, POLICY};
use crate::domain::{NewRefund, SagaState};
use crate::store::{SagaFilter, Saved, Work, due, insert, open_sagas, sagas, save};

#[tokio::test]
async fn lists_and_looks_walk_along_an_index() {
    let rig = Rig::new();
    let options = Options::at(rig.folder().join("plans.sqlite"));
    let store = Store::open(&options, MIGRATIONS, rig.clock.as_ref()).await.unwrap();
    let explain = Explain::on(&store);
    let walks = async move |tx: &mut Tx| -> Result<Vec<(&str, String)>, Error> {
        let mut walks = Vec::new();
        let (customer, seller) = (Some(AccountId::generate()), Some(AccountId::generate()));
        let (order, state) = (Some(OrderId::generate()), Some(RefundState::Requested));
        for after in [None, Some(RefundId::generate())] {
            for (index, wanted) in [
                ("refund_of_customer (customer_id=?", RefundFilter { customer, ..RefundFilter::default() }),
                ("refund_of_seller (seller_id=?", RefundFilter { seller, ..RefundFilter::default() }),
                (
                    "refund_of_seller_in_state (seller_id=? AND state=?",
                    RefundFilter { seller, state, ..RefundFilter::default() },
                ),
                ("refund_of_order (order_id=?", RefundFilter { order, seller, ..RefundFilter::default() }),
            ] {
                let (sql, params) = refunds_statement(&wanted, after.as_ref(), 20);
                walks.push((index, explain.plan(tx, &sql, &params).await?));
            }
        }
        walks.push(("refund_owed", explain.plan(tx, LET_GO, &[]).await?));
        Ok(walks)
    };
    for (index, walk) in store.read(walks).await.unwrap() {
        let is_sorted = index == "refund_owed" || !walk.contains("TEMP B-TREE");
        assert!(walk.contains(index) && is_sorted, "{index}: {walk}");
    }
}

/// An order that is stored, whose parcels have left, with so many refunds of its first line.
async fn stored(tx: &mut Tx, refunds: usize) -> Result<Order, Error> {
    let mut order = samples::pending();
    insert(tx, &mut order, NOW).await?;
    let parts = order.lines.iter().map(|_| samples::sold(StoreId::generate(), AccountId::generate())).collect();
    order.confirm(parts, NOW, &POLICY, NOW);
    for parcel in order.deliveries.clone() {
        order.begin_delivery(parcel.seller_id, parcel.id, NOW).unwrap();
    }
    for _ in 0..refunds {
        let lines = vec![(order.lines[0].id, 1)];
        assert_eq!(take_units(tx, &order, &lines).await?, Taken::All);
        order.request_refund(NewRefund { id: RefundId::generate(), lines, reason: "too small".into() }, NOW).unwrap();
    }
    assert_eq!(save(tx, &mut order, NOW).await?, Saved::Now);
    Ok(order)
}

#[tokio::test]
async fn refunds_are_listed_with_what_was_bought_and_not_with_each_other() {
    let rig = Rig::new();
    let context = rig.context("order", MIGRATIONS).await;
    let listed = async move |tx: &mut Tx| {
        let order = stored(tx, 2).await?;
        let wanted = RefundFilter { customer: Some(order.customer_id), ..RefundFilter::default() };
        Ok((order, list_refunds(tx, &wanted, None, 20).await?))
    };
    let listed: Result<_, Error> = context.store.write(listed).await;
    let (order, listed) = listed.unwrap();
    assert_eq!((order.refunds.len(), listed.len()), (2, 2));
    for (_, of) in listed {
        assert_eq!((of.id, of.lines.len(), of.refunds.len()), (order.id, order.lines.len(), 0));
    }
}

/// An alert looks at how old the oldest is, and an order may rest for weeks before pieces of it are given back.
#[tokio::test]
async fn an_order_that_is_driven_for_its_refunds_is_under_way_since_the_oldest_was_approved() {
    let rig = Rig::new();
    let context = rig.context("order", MIGRATIONS).await;
    let day = Duration::from_secs(24 * 60 * 60);
    let (first, second) = (NOW + 20 * day, NOW + 21 * day);
    let looks = async move |tx: &mut Tx| {
        let mut order = stored(tx, 2).await?;
        for (index, approved_at) in [(1, first), (0, second)] {
            order.approve_refund(order.refunds[index].id, false, approved_at).unwrap();
        }
        assert_eq!(save(tx, &mut order, second).await?, Saved::Now);
        let under_way = async |tx: &mut Tx, since| {
            let wanted = SagaFilter { state: Some(SagaState::Running), since: Some(since) };
            let found = sagas(tx, wanted, None, 20).await?;
            Ok::<_, Error>(found.into_iter().map(|order| order.id).collect::<Vec<_>>())
        };
        assert_eq!(open_sagas(tx).await?, [(SagaState::Running, 1, Some(first))]);
        assert_eq!(under_way(tx, first - day).await?, []);
        assert_eq!(under_way(tx, first).await?, [order.id]);

        // One that was placed meanwhile and hangs is the older one now.
        let mut pending = samples::pending();
        insert(tx, &mut pending, NOW).await?;
        assert_eq!(open_sagas(tx).await?, [(SagaState::Running, 2, Some(NOW))]);
        assert_eq!(under_way(tx, NOW).await?, [pending.id]);

        // What has rested since was placed when it was placed.
        let refund_ids: Vec<_> = order.refunds.iter().map(|refund| refund.id).collect();
        for refund_id in refund_ids {
            assert!(order.refund_went_back(refund_id, second, second));
        }
        assert_eq!(save(tx, &mut order, second).await?, Saved::Now);
        let done = SagaFilter { state: Some(SagaState::Done), since: Some(NOW) };
        assert_eq!(sagas(tx, done, None, 20).await?.len(), 1);
        Ok::<_, Error>(())
    };
    context.store.write(looks).await.unwrap();
}

/// Each kind of work has a room of its own, and none is left out.
#[tokio::test]
async fn an_order_is_due_to_come_to_its_end_or_for_its_refunds() {
    let rig = Rig::new();
    let context = rig.context("order", MIGRATIONS).await;
    let looks = async move |tx: &mut Tx| {
        let mut pending = samples::pending();
        insert(tx, &mut pending, NOW).await?;
        let mut sent = stored(tx, 1).await?;
        sent.approve_refund(sent.refunds[0].id, false, NOW).unwrap();
        assert_eq!(save(tx, &mut sent, NOW).await?, Saved::Now);
        let later = NOW + Duration::from_secs(60 * 60);
        for (work, expected) in [(Work::Order, pending.id), (Work::Refunds, sent.id)] {
            assert_eq!(due(tx, SagaState::Running, work, later, 20).await?, [expected]);
            assert_eq!(due(tx, SagaState::Parked, work, later, 20).await?, []);
        }
        Ok::<_, Error>(())
    };
    context.store.write(looks).await.unwrap();
}

/// R10 at the order: whatever was read before, the statement that counts the pieces is the judge.
#[tokio::test]
async fn no_more_pieces_are_asked_back_than_were_bought_whatever_was_read_before() {
    let rig = Rig::new();
    let context = rig.context("order", MIGRATIONS).await;
    let order = samples::sent();
    let line = order.lines[0].id;
    let take = async |quantity: i64| {
        let order = order.clone();
        let unit = async move |tx: &mut Tx| take_units(tx, &order, &[(line, quantity)]).await;
        context.store.write(unit).await.unwrap()
    };
    assert_eq!(order.lines[0].quantity, 2);
    assert_eq!(take(3).await, Taken::TooMany { order_line_id: line, refundable: 2 });
    assert_eq!(take(1).await, Taken::All);
    assert_eq!(take(2).await, Taken::TooMany { order_line_id: line, refundable: 1 });
    assert_eq!(take(1).await, Taken::All);
    assert_eq!(take(1).await, Taken::TooMany { order_line_id: line, refundable: 0 });

    // And under it lies a constraint.
    let beyond = async move |tx: &mut Tx| {
        tx.execute("UPDATE refund_count SET approved = approved + 1 WHERE order_line_id = ?1", params![line]).await
    };
    let refused: Result<u64, Error> = context.store.write(beyond).await;
    assert_eq!(refused.unwrap_err().constraint(), Some("refund_count_within_bought"));
}
