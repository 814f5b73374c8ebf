//! Checking out: what becomes of the cart when its lines are ordered, and when that fails.

mod crash;
mod races;

use std::sync::Arc;

use bojagi_api::order::{self as api, OrderState};
use bojagi_api::payment::{DeclineReason, PaymentState};
use bojagi_api::user;
use bojagi_store::{Error, Tx};
use bojagi_testkit::reason;
use tokio::sync::Notify;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::cart::told;
use crate::house::{House, address, id, won};
use crate::peers::Fault;

/// Orders lines of a cart, all when none is named, paid by card.
pub(crate) fn check_out_of(revision: i64, option_ids: &[&str]) -> api::CheckOutCartRequest {
    api::CheckOutCartRequest {
        request_id: id(),
        seen_revision: revision,
        option_ids: option_ids.iter().map(ToString::to_string).collect(),
        tender: Some(api::Tender { points: None, payment_method_id: id() }),
        delivery_address: Some(address()),
        ..Default::default()
    }
}

impl House {
    pub(crate) async fn check_out(&self, request: api::CheckOutCartRequest) -> Result<api::Order, Status> {
        Ok(self.cart().check_out_cart(request).await?.into_inner().order.unwrap())
    }

    /// The revision of the cart that is shown now.
    pub(crate) async fn seen(&self) -> i64 {
        self.look().await.cart.unwrap().revision
    }

    /// Two pieces of one option and three of another are in the cart.
    async fn filled(&self) -> [String; 2] {
        let catalogue = &self.stock.catalogue;
        let options = [catalogue.offers(1_000, 10), catalogue.offers(500, 10)];
        self.add(&options[0], 2).await.unwrap();
        self.add(&options[1], 3).await.unwrap();
        options
    }

    async fn orders_placed(&self) -> usize {
        self.orders().list_orders(api::ListOrdersRequest::default()).await.unwrap().into_inner().orders.len()
    }

    /// Lines that the store keeps: in carts, and with orders.
    async fn rows(&self) -> (i64, i64) {
        let counted: Result<(i64, i64), Error> = self
            .rig
            .store("order")
            .read(async |tx: &mut Tx| {
                let sql = "SELECT count(*) - count(order_id), count(order_id) FROM cart_line";
                tx.fetch_one(sql, &[]).await
            })
            .await;
        counted.unwrap()
    }

    /// The card is declined from now on.
    fn declines(&self) {
        *self.payments.authorizes_to.lock().unwrap() = Some((PaymentState::Declined, DeclineReason::InsufficientFunds));
    }
}

fn lines_of(order: &api::Order) -> Vec<(String, i64)> {
    order.lines.iter().map(|line| (line.option_id.clone(), line.quantity)).collect()
}

#[tokio::test]
async fn a_cart_becomes_an_order_like_any_other() {
    let house = House::open().await;
    let [tea, cup] = house.filled().await;
    let single = house.stock.catalogue.offers(700, 10);
    house.add(&single, 1).await.unwrap();
    let request = api::CheckOutCartRequest {
        item_coupons: vec![api::ItemCouponUse { line_index: 0, issued_coupon_id: id() }],
        order_issued_coupon_id: id(),
        expected_discount: Some(won(300)),
        quote_hash: "shown".into(),
        tender: Some(api::Tender { points: Some(won(200)), payment_method_id: id() }),
        ..check_out_of(house.seen().await, &[&single, &tea])
    };
    let order = house.check_out(request).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    assert_eq!(lines_of(&order), [(single, 1), (tea, 2)], "in the order in which they were named");
    let totals = order.totals.unwrap();
    assert_eq!((totals.gross, totals.discount, totals.points), (Some(won(2_700)), Some(won(300)), Some(won(200))));
    assert_eq!(order.delivery_address, Some(address()));
    let asked = house.coupons.asked.lock().unwrap().clone();
    assert_eq!(asked[0].uses[0].order_line_id, order.lines[0].id);
    assert_eq!(house.contents().await, [(cup.clone(), 3)], "the rest stays");

    let order = house.check_out(check_out_of(house.seen().await, &[])).await.unwrap();
    assert_eq!((order.state(), lines_of(&order)), (OrderState::Confirmed, vec![(cup, 3)]));
    assert_eq!(house.contents().await, []);
    let refused = house.check_out(check_out_of(house.seen().await, &[])).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_EMPTY".into()));
}

#[tokio::test]
async fn a_cart_that_is_not_as_it_was_seen_is_not_ordered() {
    let house = House::open().await;
    let catalogue = &house.stock.catalogue;
    let [tea, cup] = house.filled().await;
    let seen = house.seen().await;
    let changed = async |revision: i64, names: &[&str], now: i64| {
        let refused = house.check_out(check_out_of(revision, names)).await.unwrap_err();
        assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_CHANGED".into()));
        assert_eq!(refused.get_error_details().error_info().unwrap().metadata["revision"], now.to_string());
    };
    changed(seen - 1, &[], seen).await;
    // Another device puts something in.
    house.add(&cup, 1).await.unwrap();
    changed(seen, &[&tea], seen + 1).await;

    // The catalogue changes what is ordered. It is told when the cart is read, and then it can be ordered.
    let seen = house.seen().await;
    catalogue.prices(&tea, 1_100);
    changed(seen, &[], seen).await;
    changed(seen, &[&tea], seen).await;
    assert_eq!(house.look().await.changes.len(), 1);
    changed(seen, &[], seen + 1).await;
    assert_eq!(house.orders_placed().await, 0);
    // What is not ordered does not stand in the way.
    catalogue.prices(&cup, 900);
    let order = house.check_out(check_out_of(seen + 1, &[&tea])).await.unwrap();
    assert_eq!(order.totals.unwrap().gross, Some(won(2_200)));
    assert_eq!(house.look().await.changes.len(), 1);
}

/// The totals were shown without it.
#[tokio::test]
async fn what_can_be_ordered_again_is_not_ordered_before_it_was_shown() {
    let house = House::open().await;
    let [_, cup] = house.filled().await;
    house.stock.catalogue.has_left(&cup, 1);
    let short = house.look().await.cart.unwrap();
    assert_eq!(short.totals, [won(2_000)]);
    house.stock.catalogue.has_left(&cup, 10);
    let not_as_seen = async || {
        let refused = house.check_out(check_out_of(short.revision, &[])).await.unwrap_err();
        assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_CHANGED".into()));
    };
    not_as_seen().await;
    let shown = house.look().await;
    let enough = shown.cart.unwrap();
    assert_eq!((enough.totals, shown.changes), (vec![won(3_500)], vec![]), "it is shown, and not told");
    assert_eq!(enough.revision, short.revision + 1);
    // Also when another device has looked meanwhile.
    not_as_seen().await;
    let order = house.check_out(check_out_of(enough.revision, &[])).await.unwrap();
    assert_eq!(order.totals.unwrap().gross, Some(won(3_500)));
}

#[tokio::test]
async fn what_is_known_to_be_gone_or_short_is_not_ordered() {
    let house = House::open().await;
    let [tea, cup] = house.filled().await;
    let not_available = async |names: &[&str], option_id: &str, available: &str| {
        let refused = house.check_out(check_out_of(house.seen().await, names)).await.unwrap_err();
        assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_LINE_NOT_AVAILABLE".into()));
        let metadata = refused.get_error_details().error_info().unwrap().metadata.clone();
        assert_eq!((metadata["option_id"].as_str(), metadata["available"].as_str()), (option_id, available));
    };
    house.stock.catalogue.has_left(&tea, 1);
    not_available(&[], &tea, "1").await;
    house.stock.catalogue.deletes_item_of(&tea);
    not_available(&[&cup, &tea], &tea, "0").await;
    let stranger = id();
    let refused = house.check_out(check_out_of(house.seen().await, &[&cup, &stranger])).await.unwrap_err();
    assert_eq!(told(&refused), (Code::NotFound, "CART_LINE_NOT_FOUND".into()));
    assert_eq!(house.orders_placed().await, 0);
    let order = house.check_out(check_out_of(house.seen().await, &[&cup])).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
}

#[tokio::test]
async fn wrong_fields_are_named_whatever_is_in_the_cart() {
    let house = House::open().await;
    let wrong = async |request: api::CheckOutCartRequest| {
        let refused = house.check_out(request).await.unwrap_err();
        assert_eq!(told(&refused), (Code::InvalidArgument, "INVALID_ARGUMENT".into()));
        let violations = refused.get_error_details().bad_request().unwrap().field_violations.clone();
        violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    let twice = id();
    let request = api::CheckOutCartRequest {
        request_id: "x".into(),
        option_ids: vec![twice.clone(), twice, "y".into()],
        quote_hash: "h".repeat(201),
        delivery_address: None,
        wait: 7,
        ..check_out_of(0, &[])
    };
    let named =
        ["seen_revision", "option_ids[1]", "option_ids[2]", "request_id", "quote_hash", "delivery_address", "wait"];
    assert_eq!(wrong(request).await, named);
    let [tea, _] = house.filled().await;
    let on_line = |line_index| vec![api::ItemCouponUse { line_index, issued_coupon_id: id() }];
    let seen = house.seen().await;
    let request = api::CheckOutCartRequest { item_coupons: on_line(0), ..check_out_of(seen, &[&tea]) };
    assert_eq!(wrong(request).await, ["item_coupons[0].line_index"], "two pieces are on the line");
    let request = api::CheckOutCartRequest { item_coupons: on_line(1), ..check_out_of(seen, &[&tea]) };
    assert_eq!(wrong(request).await, ["item_coupons[0].line_index"], "one line is ordered");
    // What is wrong whatever the cart holds comes before all that is said of the cart, and costs item no call.
    let asked = house.stock.catalogue.look_up.calls();
    let used = |line_index, coupon: &str| api::ItemCouponUse { line_index, issued_coupon_id: coupon.into() };
    let coupon = id();
    for (item_coupons, order_coupon, named) in [
        (vec![used(0, "x")], "", &["item_coupons[0].issued_coupon_id"][..]),
        (vec![used(0, &coupon), used(1, &coupon)], "", &["item_coupons[1].issued_coupon_id"]),
        (vec![used(0, &id()), used(0, &id()), used(0, &id())], "", &["item_coupons[2].line_index"]),
        ((0..=200).map(|number| used(number, &id())).collect(), "", &["item_coupons"]),
        (vec![used(0, &coupon)], &coupon, &["order_issued_coupon_id"]),
    ] {
        let order_issued_coupon_id = order_coupon.into();
        let request = check_out_of(seen - 1, &[]);
        assert_eq!(wrong(api::CheckOutCartRequest { item_coupons, order_issued_coupon_id, ..request }).await, named);
    }
    assert_eq!(house.stock.catalogue.look_up.calls(), asked);
    let request = api::CheckOutCartRequest { tender: None, ..check_out_of(seen, &[&tea]) };
    assert_eq!(reason(&house.check_out(request).await.unwrap_err()), "TENDER_MISMATCH");
    assert_eq!(house.contents().await.len(), 2);
    assert_eq!(house.seen().await, seen);
    let palace = house.stock.catalogue.offers(1_000_000_000_000, 999);
    house.add(&palace, 999).await.unwrap();
    assert_eq!(wrong(check_out_of(house.seen().await, &[&palace])).await, ["option_ids"], "it costs too much");
}

#[tokio::test]
async fn without_the_catalogue_nothing_is_ordered() {
    let house = House::open().await;
    house.filled().await;
    let seen = house.seen().await;
    house.stock.catalogue.look_up.then([Fault::Unavailable]);
    let request = check_out_of(seen, &[]);
    let refused = house.check_out(request.clone()).await.unwrap_err();
    assert_eq!(told(&refused), (Code::Unavailable, "UNAVAILABLE".into()));
    assert_eq!(house.check_out(request).await.unwrap().state(), OrderState::Confirmed);
}

#[tokio::test]
async fn a_declined_card_does_not_cost_the_cart() {
    let house = House::open().await;
    let [tea, cup] = house.filled().await;
    house.declines();
    let request = check_out_of(house.seen().await, &[&tea]);
    let order = house.check_out(request.clone()).await.unwrap();
    assert_eq!(order.failure.unwrap().reason, "PAYMENT_DECLINED");
    // Where it stood, as the order was answered.
    assert_eq!(house.contents().await, [(tea.clone(), 2), (cup.clone(), 3)]);
    house.until(&order.id, OrderState::Cancelled).await;
    assert_eq!(house.contents().await, [(tea.clone(), 2), (cup.clone(), 3)]);

    // The same request is the same order, and another one is another.
    assert_eq!(house.check_out(request).await.unwrap().id, order.id);
    *house.payments.authorizes_to.lock().unwrap() = None;
    let order = house.check_out(check_out_of(house.seen().await, &[&tea])).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    house.cancel(&order.id).await.unwrap();
    house.until(&order.id, OrderState::Cancelled).await;
    assert_eq!(house.contents().await, [(cup, 3)], "what was paid does not come back");
}

#[tokio::test]
async fn lines_move_in_the_commits_of_their_order() {
    let house = House::open().await;
    house.filled().await;
    house.declines();
    let arrives = Arc::new(Notify::new());
    house.payments.void.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let request = api::CheckOutCartRequest { wait: api::Wait::None.into(), ..check_out_of(house.seen().await, &[]) };
    let order_id = house.check_out(request).await.unwrap().id;
    house.payments.void.called(1).await;
    assert_eq!((house.order(&order_id).await.state(), house.rows().await), (OrderState::Pending, (0, 2)));
    arrives.notify_one();
    house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(house.rows().await, (2, 0));

    *house.payments.authorizes_to.lock().unwrap() = None;
    let order = house.check_out(check_out_of(house.seen().await, &[])).await.unwrap();
    assert_eq!((order.state(), house.rows().await), (OrderState::Confirmed, (0, 0)));
}

#[tokio::test]
async fn what_comes_back_adds_up_with_what_was_put_in_meanwhile() {
    let house = House::open().await;
    let [tea, cup] = house.filled().await;
    house.payments.authorize.then([Fault::Hang]);
    let request = api::CheckOutCartRequest { wait: api::Wait::None.into(), ..check_out_of(house.seen().await, &[]) };
    let order_id = house.check_out(request).await.unwrap().id;
    house.payments.authorize.called(1).await;
    assert_eq!(house.contents().await, []);
    house.stock.catalogue.has_left(&tea, 10_000);
    house.add(&tea, 998).await.unwrap();
    let seen = house.seen().await;
    house.cancel(&order_id).await.unwrap();
    house.until(&order_id, OrderState::Cancelled).await;
    let mut contents = house.contents().await;
    contents.sort();
    let mut expected = [(tea, 999), (cup, 3)];
    expected.sort();
    assert_eq!(contents, expected);
    let refused = house.check_out(check_out_of(seen, &[])).await.unwrap_err();
    assert_eq!(reason(&refused), "CART_CHANGED", "nobody has seen what came back");
}

#[tokio::test]
async fn the_lines_of_a_closed_account_do_not_come_back() {
    let house = House::open().await;
    house.filled().await;
    house.payments.authorize.then([Fault::Hang]);
    let request = api::CheckOutCartRequest { wait: api::Wait::None.into(), ..check_out_of(house.seen().await, &[]) };
    let order_id = house.check_out(request).await.unwrap().id;
    house.payments.authorize.called(1).await;
    let account_id = house.customer.account_id;
    let closed = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &closed).await;
    let order = house.until(&order_id, OrderState::Cancelled).await;
    assert_eq!(order.failure.unwrap().reason, "ACCOUNT_CLOSED");
    assert_eq!(house.look().await.cart.unwrap(), api::Cart::default());
}

/// A process of the version before carts drives on what this one placed, and knows nothing of lines.
#[tokio::test]
async fn lines_that_were_left_behind_by_an_order_are_found() {
    for (ended_as, expected) in [
        ("FAILED', confirmed_at = NULL, cancel_reason = NULL", 5),
        ("CONFIRMED', confirmed_at = created_at, cancel_reason = NULL", 0),
    ] {
        let house = House::open().await;
        house.filled().await;
        house.payments.authorize.always(Some(Fault::Hang));
        let request =
            api::CheckOutCartRequest { wait: api::Wait::None.into(), ..check_out_of(house.seen().await, &[]) };
        house.check_out(request).await.unwrap();
        house.payments.authorize.called(1).await;
        let sql = format!("UPDATE orders SET lease_epoch = lease_epoch + 1, state = '{ended_as}");
        let driven: Result<u64, Error> =
            house.rig.store("order").write(async move |tx: &mut Tx| tx.execute(&sql, &[]).await).await;
        assert_eq!(driven.unwrap(), 1);
        let pieces = async || house.contents().await.iter().map(|(_, quantity)| quantity).sum::<i64>();
        assert_eq!(pieces().await, expected);
        // And they stay, once something was put in.
        house.add(&house.stock.catalogue.offers(100, 10), 1).await.unwrap();
        assert_eq!(pieces().await, expected + 1);
        assert_eq!(house.rows().await.1, 0);
    }
}
