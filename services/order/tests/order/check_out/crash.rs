//! Lines are neither lost nor doubled when the process dies around placing and failing.

use bojagi_api::order::{self as api, OrderState};
use tonic::Code;

use super::check_out_of;
use crate::branches::Branches;
use crate::house::House;
use crate::peers::{Fault, Script};

type At = fn(&House) -> &Script;

const RESERVE_STOCK: At = |house| &house.stock.reserve;
const AUTHORIZE: At = |house| &house.payments.authorize;
const CAPTURE: At = |house| &house.payments.capture;
const VOID: At = |house| &house.payments.void;

async fn checked_out(house: &House) -> (api::CheckOutCartRequest, String) {
    let request = api::CheckOutCartRequest { wait: api::Wait::None.into(), ..check_out_of(house.seen().await, &[]) };
    let order_id = house.check_out(request.clone()).await.unwrap().id;
    (request, order_id)
}

#[tokio::test]
async fn lines_stay_away_when_their_order_is_paid_after_a_crash() {
    for (step, fault) in [(RESERVE_STOCK, Fault::Hang), (AUTHORIZE, Fault::HangAfter), (CAPTURE, Fault::HangAfter)] {
        let house = House::open().await;
        house.filled().await;
        step(&house).then([fault]);
        let (request, order_id) = checked_out(&house).await;
        step(&house).called(1).await;
        let house = house.crash().await;
        assert_eq!(house.contents().await, []);
        house.until(&order_id, OrderState::Confirmed).await;
        assert_eq!(house.contents().await, []);
        assert_eq!(house.check_out(request).await.unwrap().id, order_id);
        assert_eq!(house.orders_placed().await, 1);
    }
}

#[tokio::test]
async fn lines_come_back_once_when_their_order_fails_after_a_crash() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let house = House::open().await;
        let [tea, cup] = house.filled().await;
        house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
        house.payments.void.then([fault]);
        let (request, order_id) = checked_out(&house).await;
        VOID(&house).called(1).await;
        let house = house.crash().await;
        assert_eq!(house.contents().await, [], "it has not failed yet");
        house.until(&order_id, OrderState::Cancelled).await;
        let expected = [(tea, 2), (cup, 3)];
        assert_eq!(house.contents().await, expected);
        let house = house.crash().await;
        assert_eq!(house.contents().await, expected);
        assert_eq!(house.check_out(request).await.unwrap().id, order_id);
        assert_eq!(house.contents().await, expected);
    }
}

#[tokio::test]
async fn whoever_takes_a_failing_order_over_brings_its_lines_back() {
    let branches = Branches::open().await;
    let [tea, cup] = branches.one.filled().await;
    branches.one.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    branches.one.payments.void.then([Fault::HangAfter]);
    let (_, order_id) = checked_out(&branches.one).await;
    VOID(&branches.one).called(1).await;
    let Branches { one, other, peers: _peers } = branches;
    let _grave = one.rig.crash().await;
    other.rig.clock.advance(std::time::Duration::from_secs(20));
    other.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(other.contents().await, [(tea, 2), (cup, 3)]);
}
