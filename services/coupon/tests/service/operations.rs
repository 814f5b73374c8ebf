//! Facts that could not be applied.

use bojagi_api::common::ParkedEventState;
use bojagi_api::coupon::operations_service_client::OperationsServiceClient;
use bojagi_api::coupon::{CouponReleased, ListParkedEventsRequest, ReplayParkedEventRequest};
use bojagi_api::order::{OrderFailed, Participant};
use bojagi_api::policy::Role;
use bojagi_testkit::{eventually, reason};

use crate::shop::{Shop, fields, new_id, uuid};

#[tokio::test]
async fn a_fact_that_cannot_be_applied_is_set_aside_and_does_not_stop_the_others() {
    let shop = Shop::open().await;
    let (defective, sound) = (new_id(), new_id());
    let unreadable = OrderFailed {
        order_id: "not an id".into(),
        participants: vec![Participant::Coupon.into()],
        ..Default::default()
    };
    shop.orders.tell(uuid(&defective), &unreadable).await;
    shop.fail(&sound).await;
    eventually("the other order has ended", async || shop.told::<CouponReleased>().await.len() == 1).await;

    let mut operations = OperationsServiceClient::new(shop.rig.calling_as(&shop.rig.account(&[Role::Admin])));
    let request = ListParkedEventsRequest { group: "coupon".into(), ..Default::default() };
    let listed = operations.list_parked_events(request).await.unwrap().into_inner().parked_events;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].aggregate_id.as_str(), listed[0].state()), (defective.as_str(), ParkedEventState::Retrying));

    let request = ReplayParkedEventRequest { group: "coupon".into(), event_id: listed[0].event_id.clone() };
    let replayed = operations.replay_parked_event(request).await.unwrap().into_inner();
    assert_eq!(replayed.released_events, 1);
    let unknown = ReplayParkedEventRequest { group: "coupon".into(), event_id: new_id() };
    assert_eq!(reason(&operations.replay_parked_event(unknown).await.unwrap_err()), "PARKED_EVENT_NOT_FOUND");
    let wrong = ListParkedEventsRequest { state: 9, ..Default::default() };
    assert_eq!(fields(&operations.list_parked_events(wrong).await.unwrap_err()), ["state"]);
}
