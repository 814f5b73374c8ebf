//! Events that contradict what item knows are shown to the operator, and can be replayed.

use std::time::Duration;

use bojagi_api::common::ParkedEventState;
use bojagi_api::item as api;
use bojagi_api::item::operations_service_client::OperationsServiceClient;
use bojagi_testkit::{eventually, reason};

use crate::shop::{Shop, line, new_id, order};

#[tokio::test]
async fn a_confirmation_of_what_is_not_held_waits_and_then_takes_effect() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let (strange, other) = (order(vec![line(&option, 3)]), order(vec![line(&option, 1)]));
    shop.confirm(&strange).await;
    shop.reservations().reserve_stock(other.clone()).await.unwrap();
    shop.confirm(&other).await;
    // Other orders flow on.
    shop.sold(&other).await;

    let mut operations = OperationsServiceClient::new(shop.rig.calling_as(&shop.admin));
    let list = api::ListParkedEventsRequest { group: "item".into(), ..Default::default() };
    let listed = operations.list_parked_events(list).await.unwrap().into_inner().parked_events;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].aggregate_id.as_str(), listed[0].state()),
        (strange.order_id.as_str(), ParkedEventState::Retrying)
    );
    assert!(listed[0].last_error.contains("nothing was ever held"));

    shop.reservations().reserve_stock(strange.clone()).await.unwrap();
    let replay = api::ReplayParkedEventRequest { group: "item".into(), event_id: listed[0].event_id.clone() };
    let replayed = operations.replay_parked_event(replay).await.unwrap().into_inner();
    assert_eq!(replayed.released_events, 1);
    shop.rig.clock.advance(Duration::from_secs(1));
    shop.sold(&strange).await;
    eventually("nothing waits", async || {
        let mut operations = OperationsServiceClient::new(shop.rig.calling_as(&shop.admin));
        let listed = operations.list_parked_events(api::ListParkedEventsRequest::default()).await.unwrap();
        listed.into_inner().parked_events.is_empty()
    })
    .await;
    assert_eq!(shop.counts(&option.option_id).await, (6, 0, 4, 10));
    let unknown = api::ReplayParkedEventRequest { group: "item".into(), event_id: new_id() };
    assert_eq!(reason(&operations.replay_parked_event(unknown).await.unwrap_err()), "PARKED_EVENT_NOT_FOUND");
}
