//! Pieces that customers gave back come back to the shelf, exactly once, and never more than were sold.

use std::time::Duration;

use bojagi_api::common::ParkedEventState;
use bojagi_api::item as api;
use bojagi_api::item::operations_service_client::OperationsServiceClient;
use bojagi_api::order::{RefundApproved, RefundFactLine};
use bojagi_testkit::{eventually, reason};

use crate::shop::{Shop, draft, kept, line, new_id, order};

/// A refund of the first line of an order.
fn approved(asked: &api::ReserveStockRequest, quantity: i64, restock: bool) -> RefundApproved {
    RefundApproved {
        order_id: asked.order_id.clone(),
        refund_id: new_id(),
        customer_id: asked.customer_id.clone(),
        lines: vec![RefundFactLine {
            order_line_id: asked.lines[0].order_line_id.clone(),
            option_id: asked.lines[0].option_id.clone(),
            quantity,
            ..Default::default()
        }],
        restock,
        ..Default::default()
    }
}

async fn tell(shop: &Shop, fact: &RefundApproved) {
    shop.orders.tell(fact.order_id.parse().unwrap(), fact).await;
}

async fn restocked(shop: &Shop, order_id: &str) -> Vec<api::StockRestocked> {
    shop.told(order_id).await
}

/// An order that was paid.
async fn bought(shop: &Shop, lines: Vec<api::ReserveStockLine>) -> api::ReserveStockRequest {
    let asked = order(lines);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    shop.confirm(&asked).await;
    shop.sold(&asked).await;
    asked
}

#[tokio::test]
async fn a_refund_heard_twice_brings_its_pieces_back_once() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = bought(&shop, vec![line(&option, 4)]).await;
    let (first, kept_by_customer, second) =
        (approved(&asked, 1, true), approved(&asked, 1, false), approved(&asked, 2, true));
    // Each is told as a new fact, so that no inbox knows the second.
    for fact in [&first, &first, &kept_by_customer, &second, &first, &second] {
        tell(&shop, fact).await;
    }
    let marker = bought(&shop, vec![line(&option, 1)]).await;
    eventually("the refunds are heard", async || restocked(&shop, &asked.order_id).await.len() == 2).await;
    shop.cancel(&marker).await;
    shop.released(&marker).await;

    let told = restocked(&shop, &asked.order_id).await;
    let moved: Vec<_> = told.iter().map(|fact| (fact.refund_id.clone(), fact.movements[0].quantity)).collect();
    assert_eq!(moved, [(first.refund_id, 1), (second.refund_id, 2)]);
    assert_eq!(shop.counts(&option.option_id).await, (9, 0, 1, 10));
}

#[tokio::test]
async fn a_refund_that_is_heard_before_the_sale_waits_for_it() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 4)]);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    tell(&shop, &approved(&asked, 1, true)).await;
    let set_aside = async || {
        let mut operations = OperationsServiceClient::new(shop.rig.calling_as(&shop.admin));
        let list = api::ListParkedEventsRequest { group: "item.refunds".into(), ..Default::default() };
        operations.list_parked_events(list).await.unwrap().into_inner().parked_events
    };
    // For longer than what fails is tried.
    for attempt in 1..=12 {
        eventually("it is tried", async || set_aside().await.iter().any(|event| event.attempts >= attempt)).await;
        shop.rig.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(set_aside().await[0].state(), ParkedEventState::Retrying);
    assert_eq!(shop.counts(&option.option_id).await, (6, 4, 0, 10));

    shop.confirm(&asked).await;
    shop.sold(&asked).await;
    shop.rig.clock.advance(Duration::from_secs(30));
    eventually("it came back", async || !restocked(&shop, &asked.order_id).await.is_empty()).await;
    eventually("nothing waits", async || set_aside().await.is_empty()).await;
    assert_eq!(shop.counts(&option.option_id).await, (7, 0, 3, 10));
}

#[tokio::test]
async fn more_than_was_sold_never_comes_back_and_an_operator_sees_it() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = bought(&shop, vec![line(&option, 2)]).await;
    tell(&shop, &approved(&asked, 2, true)).await;
    eventually("it came back", async || !restocked(&shop, &asked.order_id).await.is_empty()).await;
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));

    let unsold = order(vec![line(&option, 1)]);
    let wrong = [approved(&asked, 1, true), approved(&unsold, 1, true)];
    for fact in &wrong {
        tell(&shop, fact).await;
    }
    let set_aside = async || {
        let mut operations = OperationsServiceClient::new(shop.rig.calling_as(&shop.admin));
        let listed = operations.list_parked_events(api::ListParkedEventsRequest::default()).await.unwrap().into_inner();
        listed.parked_events.iter().filter(|event| event.state() != ParkedEventState::Unspecified).count()
    };
    eventually("both are set aside", async || set_aside().await == wrong.len()).await;
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn lines_of_one_option_come_back_together_and_a_cancellation_brings_only_the_rest() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = bought(&shop, vec![line(&option, 2), line(&option, 3)]).await;
    let mut both = approved(&asked, 1, true);
    let other = RefundFactLine { order_line_id: asked.lines[1].order_line_id.clone(), ..both.lines[0].clone() };
    both.lines.push(RefundFactLine { quantity: 2, ..other });
    tell(&shop, &both).await;
    eventually("they came back", async || !restocked(&shop, &asked.order_id).await.is_empty()).await;
    let told = restocked(&shop, &asked.order_id).await;
    assert_eq!((told[0].movements.len(), told[0].movements[0].quantity, told[0].movements[0].available), (1, 3, 8));
    assert_eq!(shop.counts(&option.option_id).await, (8, 0, 2, 10));

    // Order never cancels what was sent; if it did, nothing would come back twice.
    shop.cancel(&asked).await;
    assert_eq!(shop.released(&asked).await.movements[0].quantity, 2);
    assert_eq!(shop.counts(&option.option_id).await, (10, 0, 0, 10));
}

#[tokio::test]
async fn what_came_back_counts_no_more_for_the_limit_of_its_customer() {
    let shop = Shop::open().await;
    let limited = api::OptionDraft { per_customer_limit: 2, ..draft("only", 5_000, 100) };
    let item = shop.new_item("Rare mug", vec![limited]).await;
    let option = item.options[0].clone();
    let asked = bought(&shop, vec![line(&option, 2)]).await;
    let again = |quantity| api::ReserveStockRequest {
        customer_id: asked.customer_id.clone(),
        ..order(vec![line(&option, quantity)])
    };
    let refused = shop.reservations().reserve_stock(again(1)).await.unwrap_err();
    assert_eq!(reason(&refused), "PURCHASE_LIMIT");
    tell(&shop, &approved(&asked, 1, true)).await;
    eventually("it came back", async || !restocked(&shop, &asked.order_id).await.is_empty()).await;
    assert_eq!(reason(&shop.reservations().reserve_stock(again(2)).await.unwrap_err()), "PURCHASE_LIMIT");

    // Counted anew from the holds, it comes to the same.
    for per_customer_limit in [0, 2] {
        let same = api::OptionDraft { per_customer_limit, ..kept(&option) };
        shop.update_options(&item, vec![same]).await;
    }
    assert_eq!(reason(&shop.reservations().reserve_stock(again(2)).await.unwrap_err()), "PURCHASE_LIMIT");
    assert!(shop.reservations().reserve_stock(again(1)).await.is_ok());
}
