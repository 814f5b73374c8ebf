use proptest::prelude::*;

use super::super::samples::{self, NOW, POLICY};
use super::super::{Order, OrderRefusal};
use super::*;

#[test]
fn a_wish_to_cancel_that_came_before_the_capture_confirms_and_goes_back_in_one_step() {
    let mut order = samples::pending();
    order.cancel(CancelReason::Customer, &POLICY, NOW).unwrap();
    let parts = samples::confirmed().lines.iter().filter_map(|line| line.sold.clone()).collect();
    order.confirm(parts, NOW, &POLICY, NOW);
    assert_eq!(order.life, Life::Cancelling);
    let news = order.store_now(NOW);
    assert_eq!(news, [News::Placed, News::Confirmed, News::Cancelling(CancelReason::Customer)]);
    assert!(order.deliveries.iter().all(|parcel| parcel.cancelled_at == Some(NOW)));
}

#[test]
fn a_failed_order_rests_only_when_everything_is_back() {
    let mut order = samples::pending();
    order.turn(samples::out_of_stock(), &POLICY, NOW);
    order.fail(&POLICY, NOW);
    assert!(order.coupons_are_back(&POLICY, NOW));
    assert!(!order.coupons_are_back(&POLICY, NOW));
    assert_eq!(order.life, Life::Failed);
    order.stock_is_back(&POLICY, NOW);
    assert_eq!((order.life, order.ended_at), (Life::Cancelled, Some(NOW)));
    assert_eq!(order.failure.as_ref().unwrap().reason, "OUT_OF_STOCK");
}

#[test]
fn every_store_gets_one_parcel() {
    let mut order = samples::pending();
    let (store, seller) = (bojagi_kernel::id::StoreId::generate(), bojagi_kernel::id::AccountId::generate());
    order.confirm(vec![samples::sold(store, seller), samples::sold(store, seller)], NOW, &POLICY, NOW);
    assert_eq!(order.deliveries.len(), 1);
    let mut two_stores = samples::confirmed();
    assert_eq!(two_stores.deliveries.len(), 2);
    let first = two_stores.deliveries[0].clone();
    two_stores.begin_delivery(first.seller_id, first.id, NOW).unwrap();
    let refused = two_stores.cancel(CancelReason::Customer, &POLICY, NOW);
    assert_eq!(refused, Err(OrderRefusal::DeliveryBegun { order_id: two_stores.id }));
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Confirm,
    Fail,
    Cancel,
    Refund,
    StockBack,
    CouponsBack,
    Begin(usize),
    Complete(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::Confirm),
        Just(Deed::Fail),
        Just(Deed::Cancel),
        Just(Deed::Refund),
        Just(Deed::StockBack),
        Just(Deed::CouponsBack),
        (0..2_usize).prop_map(Deed::Begin),
        (0..2_usize).prop_map(Deed::Complete),
    ]
}

fn apply(order: &mut Order, deed: Deed) {
    let parcel = |index: usize| order.deliveries.get(index).map(|parcel| (parcel.seller_id, parcel.id));
    // What is refused must change nothing, which the property sees; why it is refused is told by other tests.
    let _ = match deed {
        // The driver does these only where the plan asks for them.
        Deed::Confirm if order.life == Life::Pending => {
            let parts = samples::confirmed().lines.iter().filter_map(|line| line.sold.clone()).collect();
            order.confirm(parts, NOW, &POLICY, NOW);
            Ok(())
        }
        Deed::Fail if order.life == Life::Pending => {
            order.fail(&POLICY, NOW);
            Ok(())
        }
        Deed::Refund if order.life == Life::Cancelling => {
            order.money_is_back(order.totals.net(), NOW, &POLICY, NOW);
            Ok(())
        }
        Deed::Confirm | Deed::Fail | Deed::Refund => Ok(()),
        Deed::Cancel => order.cancel(CancelReason::Customer, &POLICY, NOW),
        Deed::StockBack => {
            order.stock_is_back(&POLICY, NOW);
            Ok(())
        }
        Deed::CouponsBack => {
            order.coupons_are_back(&POLICY, NOW);
            Ok(())
        }
        Deed::Begin(index) => parcel(index).map_or(Ok(()), |(seller, id)| order.begin_delivery(seller, id, NOW)),
        Deed::Complete(index) => {
            parcel(index).map_or(Ok(()), |(seller, id)| order.complete_delivery(seller, id, &POLICY, NOW))
        }
    };
}

proptest! {
    #[test]
    fn no_order_of_events_leads_to_an_illegal_state(deeds in prop::collection::vec(deed(), 0..30)) {
        let mut order = samples::pending();
        for deed in deeds {
            let before = order.life;
            apply(&mut order, deed);
            let legal = match (before, order.life) {
                (Life::Pending, Life::Confirmed | Life::Cancelling | Life::Failed | Life::Cancelled)
                | (Life::Confirmed, Life::Completed | Life::Cancelling)
                | (Life::Failed | Life::Cancelling, Life::Cancelled) => true,
                (before, after) => before == after,
            };
            prop_assert!(legal, "{before} -> {}", order.life);
            if order.life == Life::Cancelled {
                prop_assert!(order.back.money && order.back.stock && order.back.coupons);
                prop_assert_eq!(order.captured_at.is_some(), order.refunded_at.is_some());
            }
            if order.life == Life::Confirmed || order.life.at_rest() {
                prop_assert_eq!(order.saga.wake_at, None);
            } else {
                prop_assert!(order.saga.wake_at.is_some(), "{} would be forgotten", order.life);
            }
        }
    }
}
