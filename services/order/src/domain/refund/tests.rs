use super::super::samples::{self, NOW, POLICY};
use super::super::{StepKind, StepState, steps_of};
use super::*;

fn wish(lines: &[(OrderLineId, i64)]) -> NewRefund {
    NewRefund { id: RefundId::generate(), lines: lines.to_vec(), reason: "too small".into() }
}

/// An order that was sent, and a refund of so many pieces of its first line.
fn requested(quantity: i64) -> (Order, RefundId) {
    let mut order = samples::sent();
    let wish = wish(&[(order.lines[0].id, quantity)]);
    let id = wish.id;
    order.request_refund(wish, NOW).unwrap();
    (order, id)
}

#[test]
fn only_what_was_sent_can_be_given_back_and_only_by_one_store() {
    let mut pending = samples::pending();
    let lines = [(pending.lines[0].id, 1)];
    let not_confirmed = OrderRefusal::OrderNotConfirmed { order_id: pending.id, state: Life::Pending };
    assert_eq!(pending.request_refund(wish(&lines), NOW), Err(not_confirmed));

    let mut order = samples::confirmed();
    let [first, second] = [order.lines[0].id, order.lines[1].id];
    let store = order.lines[1].sold.as_ref().unwrap().store_id;
    let parcel = order.deliveries.iter().find(|parcel| parcel.store_id != store).unwrap().clone();
    let not_begun = OrderRefusal::DeliveryNotBegun { delivery_id: parcel.id, state: DeliveryState::Awaiting };
    assert_eq!(order.request_refund(wish(&[(first, 1)]), NOW), Err(not_begun));

    order.begin_delivery(parcel.seller_id, parcel.id, NOW).unwrap();
    let two_stores = OrderRefusal::RefundOfTwoStores { order_line_id: second, store_id: store };
    assert_eq!(order.request_refund(wish(&[(first, 1), (second, 1)]), NOW), Err(two_stores));
    let unknown = OrderLineId::generate();
    let no_line = OrderRefusal::OrderLineNotFound { order_line_id: unknown };
    assert_eq!(order.request_refund(wish(&[(first, 1), (unknown, 1)]), NOW), Err(no_line));
    assert_eq!(order.request_refund(wish(&[(first, 1)]), NOW), Ok(()));
    let refund = &order.refunds[0];
    assert_eq!((refund.delivery_id, refund.seller_id), (parcel.id, parcel.seller_id));
    // The other store's parcel has not left, and the order cannot be cancelled any more all the same.
    assert_eq!(order.may_be_cancelled(), Err(OrderRefusal::DeliveryBegun { order_id: order.id }));
}

#[test]
fn as_many_stand_at_once_as_may_be() {
    let mut order = samples::sent();
    let line = order.lines[0].id;
    let ask = |order: &mut Order| order.request_refund(wish(&[(line, 1)]), NOW);
    for _ in 0..MAX_STANDING {
        ask(&mut order).unwrap();
    }
    let refused = Err(OrderRefusal::RefundLimit { order_id: order.id, limit: MAX_STANDING });
    assert_eq!(ask(&mut order), refused);
    order.approve_refund(order.refunds[0].id, false, NOW).unwrap();
    assert_eq!(ask(&mut order), refused);
    order.reject_refund(order.refunds[1].id, "worn".into(), NOW).unwrap();
    assert_eq!(ask(&mut order), Ok(()));
    assert_eq!(ask(&mut order), refused);
}

#[test]
fn a_refund_is_decided_once() {
    type Step = fn(&mut Order, RefundId) -> Result<(), OrderRefusal>;
    let steps: [(RefundState, Step); 3] = [
        (RefundState::Approved, |order, id| order.approve_refund(id, true, NOW)),
        (RefundState::Rejected, |order, id| order.reject_refund(id, "worn".into(), NOW)),
        (RefundState::Withdrawn, |order, id| order.withdraw_refund(id, NOW)),
    ];
    for (state, first) in steps {
        let (mut order, refund_id) = requested(1);
        first(&mut order, refund_id).unwrap();
        let decided = order.clone();
        assert_eq!(decided.refund(refund_id).unwrap().state, state);
        assert_eq!(decided.refund(refund_id).unwrap().owes(), state == RefundState::Approved);
        for (_, second) in steps {
            assert_eq!(second(&mut order, refund_id), Err(OrderRefusal::RefundNotRequested { refund_id, state }));
            assert_eq!(order, decided, "nothing happened");
        }
    }
}

#[test]
fn what_pieces_are_worth_depends_on_how_many_were_approved_before_not_asked() {
    let mut order = samples::sent();
    let line = &mut order.data.lines[0];
    // 2,000 won less 1: 1,999 for two pieces.
    line.sold.as_mut().map(|sold| (sold.item_discount, sold.platform_discount) = (1, 1)).unwrap();
    let line_id = line.id;
    let wishes = [wish(&[(line_id, 1)]), wish(&[(line_id, 1)])];
    let ids = wishes.clone().map(|wish| wish.id);
    for wish in wishes {
        order.request_refund(wish, NOW).unwrap();
    }
    // The one that was asked for later is approved first.
    order.approve_refund(ids[1], false, NOW).unwrap();
    assert_eq!(order.refund(ids[1]).unwrap().amount(), 999);
    order.approve_refund(ids[0], false, NOW).unwrap();
    assert_eq!(order.refund(ids[0]).unwrap().amount(), 1_000);

    // The store counts pieces; if it ever let more through, no money would follow.
    let too_much = wish(&[(line_id, 1)]);
    let id = too_much.id;
    order.request_refund(too_much, NOW).unwrap();
    let refused = OrderRefusal::RefundExceedsPurchase { order_line_id: line_id, refundable: 0 };
    assert_eq!(order.approve_refund(id, false, NOW), Err(refused));
}

#[test]
fn a_refund_is_seen_by_its_two_parties_and_by_admins() {
    let (order, refund_id) = requested(1);
    let refund = order.refund(refund_id).unwrap();
    assert!(order.refund_of(Party::Customer(order.customer_id), refund_id).is_ok());
    assert!(order.refund_of(Party::Seller(refund.seller_id), refund_id).is_ok());
    assert!(order.refund_of(Party::Admin, refund_id).is_ok());
    let not_found = Err(OrderRefusal::RefundNotFound { refund_id });
    for stranger in [Party::Customer(refund.seller_id), Party::Seller(order.customer_id)] {
        assert_eq!(order.refund_of(stranger, refund_id).map(drop), not_found);
    }
}

#[test]
fn the_operator_sees_a_step_for_each_refund_that_was_approved() {
    let (mut order, refund_id) = requested(1);
    let give_backs = |order: &Order| {
        let steps = steps_of(order, &[]).into_iter().filter(|step| step.kind == StepKind::GiveBack);
        steps.map(|step| (step.refund_id, step.state, step.attempts)).collect::<Vec<_>>()
    };
    assert_eq!(give_backs(&order), []);
    order.approve_refund(refund_id, false, NOW).unwrap();
    assert_eq!(give_backs(&order), [(Some(refund_id), StepState::Open, 0)]);
    order.gave_back(refund_id, NOW, &POLICY, NOW);
    assert_eq!(give_backs(&order), [(Some(refund_id), StepState::Done, 1)]);
}
