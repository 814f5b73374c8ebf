//! Drafts: how they are edited, what is refused, and what becomes of them when they are confirmed.

mod races;

use bojagi_api::order::{self as api, OrderState};
use bojagi_api::policy::Role;
use bojagi_api::user;
use bojagi_store::{Error, Tx};
use bojagi_testkit::{TestAccount, eventually, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::cart::told;
use crate::house::{House, address, basket, id, line, won};
use crate::peers::Fault;

/// Confirms a draft as it was seen, paid by card.
pub(crate) fn confirmation_of(draft: &api::Order) -> api::ConfirmDraftRequest {
    api::ConfirmDraftRequest {
        request_id: id(),
        order_id: draft.id.clone(),
        seen_version: draft.version,
        tender: Some(api::Tender { points: None, payment_method_id: id() }),
        delivery_address: Some(address()),
        ..Default::default()
    }
}

impl House {
    pub(crate) async fn draft(&self, lines: Vec<api::PlaceOrderLine>) -> Result<api::Order, Status> {
        let request = api::CreateDraftRequest { request_id: id(), lines };
        Ok(self.orders().create_draft(request).await?.into_inner().order.unwrap())
    }

    /// Sets a line of a draft, or adds one.
    async fn set(&self, draft: &api::Order, line_id: &str, line: api::PlaceOrderLine) -> Result<api::Order, Status> {
        let request = api::UpdateDraftLineRequest {
            request_id: id(),
            order_id: draft.id.clone(),
            order_line_id: line_id.into(),
            line: Some(line),
        };
        Ok(self.orders().update_draft_line(request).await?.into_inner().order.unwrap())
    }

    async fn remove(&self, draft: &api::Order, line_id: &str) -> Result<api::Order, Status> {
        let request =
            api::RemoveDraftLineRequest { request_id: id(), order_id: draft.id.clone(), order_line_id: line_id.into() };
        Ok(self.orders().remove_draft_line(request).await?.into_inner().order.unwrap())
    }

    pub(crate) async fn confirm(&self, request: api::ConfirmDraftRequest) -> Result<api::Order, Status> {
        Ok(self.orders().confirm_draft(request).await?.into_inner().order.unwrap())
    }

    async fn listed(&self, request: api::ListOrdersRequest) -> Vec<(String, OrderState)> {
        let orders = self.orders().list_orders(request).await.unwrap().into_inner().orders;
        orders.into_iter().map(|order| (order.id.clone(), order.state())).collect()
    }
}

fn asked(order: &api::Order) -> Vec<(String, i64, i64)> {
    let asked =
        |line: &api::OrderLine| (line.option_id.clone(), line.quantity, line.unit_price.as_ref().unwrap().minor_units);
    order.lines.iter().map(asked).collect()
}

fn wanted(lines: &[&api::PlaceOrderLine]) -> Vec<(String, i64, i64)> {
    let asked = |line: &&api::PlaceOrderLine| {
        (line.option_id.clone(), line.quantity, line.unit_price.as_ref().unwrap().minor_units)
    };
    lines.iter().map(asked).collect()
}

#[tokio::test]
async fn a_draft_is_edited_and_becomes_an_order_like_any_other() {
    let house = House::open().await;
    let [tea, cup, pot] = [line(0, 2, 1_000), line(1, 3, 500), line(0, 1, 700)];
    let begun = house.draft(vec![tea.clone(), cup.clone()]).await.unwrap();
    assert_eq!((begun.state(), begun.version, asked(&begun)), (OrderState::Draft, 1, wanted(&[&tea, &cup])));
    let totals = begun.totals.clone().unwrap();
    assert_eq!((totals.gross, totals.net, totals.discount), (Some(won(3_500)), Some(won(3_500)), Some(won(0))));

    let draft = house.set(&begun, "", pot.clone()).await.unwrap();
    let one_cup = api::PlaceOrderLine { quantity: 1, ..cup };
    let draft = house.set(&draft, &draft.lines[1].id, one_cup.clone()).await.unwrap();
    let draft = house.remove(&draft, &draft.lines[0].id).await.unwrap();
    assert_eq!((draft.version, asked(&draft)), (4, wanted(&[&one_cup, &pot])));
    assert_eq!(house.order(&draft.id).await, draft);
    assert_eq!(house.history(&draft.id).await, [(OrderState::Draft, "DRAFTED".to_owned())]);
    assert_eq!(house.stock.reserve.calls(), 0, "nothing is asked of anybody");

    let request = api::ConfirmDraftRequest {
        item_coupons: vec![api::ItemCouponUse { line_index: 1, issued_coupon_id: id() }],
        order_issued_coupon_id: id(),
        expected_discount: Some(won(300)),
        quote_hash: "shown".into(),
        tender: Some(api::Tender { points: Some(won(200)), payment_method_id: id() }),
        ..confirmation_of(&draft)
    };
    let order = house.confirm(request).await.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    assert!(order.id > draft.id, "it is as old as its confirmation");
    assert_eq!(house.order(&draft.id).await.id, order.id);
    let ids = |order: &api::Order| order.lines.iter().map(|line| line.id.clone()).collect::<Vec<_>>();
    assert_eq!((ids(&order), asked(&order)), (ids(&draft), asked(&draft)));
    assert!(order.version > draft.version);
    let totals = order.totals.unwrap();
    assert_eq!((totals.gross, totals.discount, totals.points), (Some(won(1_200)), Some(won(300)), Some(won(200))));
    assert_eq!(order.delivery_address, Some(address()));
    assert_eq!(house.coupons.asked.lock().unwrap()[0].uses[0].order_line_id, draft.lines[1].id);
    let history = [(OrderState::Draft, "DRAFTED"), (OrderState::Pending, "PLACED"), (OrderState::Confirmed, "PAID")];
    assert_eq!(house.history(&order.id).await, history.map(|(state, cause)| (state, cause.to_owned())));

    // There is room for the next one.
    house.draft(vec![]).await.unwrap();
}

#[tokio::test]
async fn lines_stand_in_the_order_in_which_they_were_added_whatever_became_of_others() {
    let house = House::open().await;
    let [tea, cup, pot, tray] = [line(0, 2, 1_000), line(1, 3, 500), line(0, 1, 700), line(1, 4, 900)];
    let cups = api::PlaceOrderLine { quantity: 5, unit_price: Some(won(450)), ..cup.clone() };
    let is_stored = async |draft: &api::Order, lines: &[&api::PlaceOrderLine]| {
        assert_eq!(asked(draft), wanted(lines));
        assert_eq!(house.order(&draft.id).await, *draft);
    };
    let line_id = |draft: &api::Order, index: usize| draft.lines[index].id.clone();

    let draft = house.draft(vec![tea.clone(), cup.clone()]).await.unwrap();
    is_stored(&draft, &[&tea, &cup]).await;
    let draft = house.set(&draft, "", pot.clone()).await.unwrap();
    is_stored(&draft, &[&tea, &cup, &pot]).await;
    let draft = house.set(&draft, &line_id(&draft, 1), cups.clone()).await.unwrap();
    is_stored(&draft, &[&tea, &cups, &pot]).await;
    let draft = house.remove(&draft, &line_id(&draft, 0)).await.unwrap();
    is_stored(&draft, &[&cups, &pot]).await;
    let draft = house.set(&draft, "", tray.clone()).await.unwrap();
    is_stored(&draft, &[&cups, &pot, &tray]).await;
    let draft = house.remove(&draft, &line_id(&draft, 2)).await.unwrap();
    let draft = house.set(&draft, "", tea.clone()).await.unwrap();
    is_stored(&draft, &[&cups, &pot, &tea]).await;
    let draft = house.set(&draft, &line_id(&draft, 0), tray.clone()).await.unwrap();
    is_stored(&draft, &[&tray, &pot, &tea]).await;

    let mut emptied = draft;
    while !emptied.lines.is_empty() {
        emptied = house.remove(&emptied, &line_id(&emptied, 0)).await.unwrap();
    }
    let draft = house.set(&emptied, "", cup.clone()).await.unwrap();
    let draft = house.set(&draft, "", pot.clone()).await.unwrap();
    is_stored(&draft, &[&cup, &pot]).await;
    assert_eq!(draft.version, 13, "one for each edit");
    let order = house.confirm(confirmation_of(&draft)).await.unwrap();
    assert_eq!((order.state(), asked(&order)), (OrderState::Confirmed, wanted(&[&cup, &pot])));
}

#[tokio::test]
async fn a_draft_stands_in_the_list_where_its_age_puts_it() {
    let house = House::open().await;
    let (mut expected, mut draft_id) = (Vec::new(), String::new());
    for number in 0..5 {
        if number == 2 {
            draft_id = house.draft(vec![line(0, 1, 1_000)]).await.unwrap().id;
            expected.push((draft_id.clone(), OrderState::Draft));
        }
        expected.push((house.place(basket()).await.unwrap().id, OrderState::Confirmed));
    }
    expected.reverse();
    for page_size in 1..=7 {
        let mut request = api::ListOrdersRequest { page_size, ..Default::default() };
        let mut seen = Vec::new();
        loop {
            let page = house.orders().list_orders(request.clone()).await.unwrap().into_inner();
            assert!(page.orders.len() <= usize::try_from(page_size).unwrap());
            seen.extend(page.orders.into_iter().map(|order| (order.id.clone(), order.state())));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, expected, "{page_size} a page");
    }
    let in_state = |state: OrderState| api::ListOrdersRequest { state: state.into(), ..Default::default() };
    assert_eq!(house.listed(in_state(OrderState::Draft)).await, [(draft_id, OrderState::Draft)]);
    assert_eq!(house.listed(in_state(OrderState::Confirmed)).await.len(), 5);
    let placed = Some(bojagi_api::common::TimeRange {
        starts_at: Some(bojagi_chassis::wire::timestamp(bojagi_kernel::Moment::from_micros(0))),
        ends_at: None,
    });
    let at_any_time = api::ListOrdersRequest { placed, ..Default::default() };
    assert_eq!(house.listed(at_any_time).await.len(), 5, "a draft was never placed");
    let of_a_store = api::ListStoreOrdersRequest { state: OrderState::Draft.into(), ..Default::default() };
    let refused = house.orders_of(&house.sellers[0]).list_store_orders(of_a_store).await.unwrap_err();
    assert_eq!(told(&refused), (Code::InvalidArgument, "INVALID_ARGUMENT".into()));
}

/// What a caller is told of a draft by everything that takes its id.
async fn attempts(house: &House, account: &TestAccount, draft: &api::Order) -> Vec<Status> {
    let (order_id, line) = (draft.id.clone(), Some(line(0, 1, 1_000)));
    let order_line_id = draft.lines.first().map(|line| line.id.clone()).unwrap_or_else(id);
    let mut orders = house.orders_of(account);
    let update = api::UpdateDraftLineRequest {
        request_id: id(),
        order_id: order_id.clone(),
        order_line_id: order_line_id.clone(),
        line,
    };
    let remove = api::RemoveDraftLineRequest { request_id: id(), order_id, order_line_id };
    vec![
        orders.update_draft_line(update).await.unwrap_err(),
        orders.remove_draft_line(remove).await.unwrap_err(),
        orders.confirm_draft(confirmation_of(draft)).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn the_draft_of_somebody_else_is_not_there() {
    let house = House::open().await;
    let draft = house.draft(vec![line(0, 1, 1_000)]).await.unwrap();
    let stranger = house.rig.account(&[Role::Customer]);
    let mut told_all = attempts(&house, &stranger, &draft).await;
    let mut orders = house.orders_of(&stranger);
    let order_id = draft.id.clone();
    told_all.push(orders.get_order(api::GetOrderRequest { order_id: order_id.clone() }).await.unwrap_err());
    let history = api::ListOrderHistoryRequest { order_id: order_id.clone(), ..Default::default() };
    told_all.push(orders.list_order_history(history).await.unwrap_err());
    let cancel = api::CancelOrderRequest { request_id: id(), order_id: order_id.clone() };
    told_all.push(orders.cancel_order(cancel).await.unwrap_err());
    told_all.push(orders.watch_order(api::WatchOrderRequest { order_id }).await.unwrap_err());
    for refused in told_all {
        assert_eq!(told(&refused), (Code::NotFound, "ORDER_NOT_FOUND".into()));
    }
    let listed = orders.list_orders(api::ListOrdersRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.orders, []);
    assert_eq!(house.order(&draft.id).await, draft);
}

#[tokio::test]
async fn what_a_draft_cannot_be_is_refused() {
    let house = House::open().await;
    let draft = house.draft(vec![line(0, 1, 1_000)]).await.unwrap();
    let open = house.draft(vec![]).await.unwrap_err();
    assert_eq!(told(&open), (Code::FailedPrecondition, "DRAFT_OPEN".into()));
    assert_eq!(open.get_error_details().error_info().unwrap().metadata["order_id"], draft.id);

    let order_id = || draft.id.clone();
    let cancel = api::CancelOrderRequest { request_id: id(), order_id: order_id() };
    let watch = api::WatchOrderRequest { order_id: order_id() };
    let refund = api::RequestRefundRequest {
        request_id: id(),
        order_id: order_id(),
        lines: vec![api::RequestRefundLine { order_line_id: draft.lines[0].id.clone(), quantity: 1 }],
        reason: "too dear".into(),
    };
    let mut not_placed = vec![house.orders().cancel_order(cancel).await.unwrap_err()];
    not_placed.push(house.orders().watch_order(watch).await.unwrap_err());
    not_placed.push(house.refunds(&house.customer).request_refund(refund).await.unwrap_err());
    for refused in not_placed {
        assert_eq!(told(&refused), (Code::FailedPrecondition, "ORDER_NOT_PLACED".into()));
    }

    let unknown_line = house.set(&draft, &id(), line(0, 1, 1_000)).await.unwrap_err();
    assert_eq!(told(&unknown_line), (Code::NotFound, "ORDER_LINE_NOT_FOUND".into()));
    let dollars = bojagi_api::common::Money { currency_code: "USD".into(), minor_units: 5 };
    let of_dollars = api::PlaceOrderLine { unit_price: Some(dollars), ..line(0, 1, 1_000) };
    let mixed = house.set(&draft, "", of_dollars).await.unwrap_err();
    assert_eq!(told(&mixed), (Code::InvalidArgument, "CURRENCY_MISMATCH".into()));
    let stale = api::ConfirmDraftRequest { seen_version: 2, ..confirmation_of(&draft) };
    assert_eq!(told(&house.confirm(stale).await.unwrap_err()), (Code::FailedPrecondition, "DRAFT_CHANGED".into()));
    let points = Some(api::Tender { points: Some(won(999)), payment_method_id: String::new() });
    let short = api::ConfirmDraftRequest { tender: points, ..confirmation_of(&draft) };
    assert_eq!(told(&house.confirm(short).await.unwrap_err()), (Code::InvalidArgument, "TENDER_MISMATCH".into()));
    assert_eq!(house.order(&draft.id).await, draft, "nothing of this has changed it");

    let empty = house.remove(&draft, &draft.lines[0].id).await.unwrap();
    assert_eq!((empty.lines.len(), &empty.totals), (0, &None));
    let refused = house.confirm(confirmation_of(&empty)).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "DRAFT_EMPTY".into()));
    let mut full = empty.clone();
    for _ in 0..100 {
        full = house.set(&full, "", line(0, 999, 1_000_000_000_000)).await.unwrap();
    }
    let refused = house.set(&full, "", line(0, 1, 1)).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "DRAFT_FULL".into()));
    let dear = house.confirm(confirmation_of(&full)).await.unwrap_err();
    assert_eq!(told(&dear), (Code::InvalidArgument, "INVALID_ARGUMENT".into()));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let house = House::open().await;
    let fields = |status: &Status| -> Vec<String> {
        let details = status.get_error_details();
        details.bad_request().unwrap().field_violations.iter().map(|wrong| wrong.field.clone()).collect()
    };
    let worthless = api::PlaceOrderLine { quantity: 1_000, unit_price: Some(won(0)), ..line(0, 1, 1) };
    let many = api::CreateDraftRequest { request_id: id(), lines: vec![line(0, 1, 1); 101] };
    let bad = api::CreateDraftRequest { request_id: "first".into(), lines: vec![line(0, 1, 1), worthless.clone()] };
    let edit = api::UpdateDraftLineRequest { line: Some(worthless), order_line_id: "x".into(), ..Default::default() };
    let mut orders = house.orders();
    let refused = orders.create_draft(many).await.unwrap_err();
    assert_eq!(fields(&refused), ["lines"]);
    let refused = orders.create_draft(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id", "lines[1].quantity", "lines[1].unit_price.minor_units"]);
    let refused = orders.update_draft_line(edit).await.unwrap_err();
    let of_the_line = ["line.quantity", "line.unit_price.minor_units"];
    assert_eq!(fields(&refused), [&["request_id", "order_id", "order_line_id"][..], &of_the_line].concat());
    let refused = orders.update_draft_line(api::UpdateDraftLineRequest::default()).await.unwrap_err();
    let missing = ["request_id", "order_id", "line.option_id", "line.quantity", "line.unit_price"];
    assert_eq!(fields(&refused), missing);
    let refused = orders.remove_draft_line(api::RemoveDraftLineRequest::default()).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id", "order_id", "order_line_id"]);
    let refused = orders.confirm_draft(api::ConfirmDraftRequest::default()).await.unwrap_err();
    assert_eq!(fields(&refused), ["order_id", "seen_version", "request_id", "delivery_address"]);
}

#[tokio::test]
async fn an_order_that_was_a_draft_and_fails_is_no_draft_again() {
    let house = House::open().await;
    let draft = house.draft(vec![line(0, 1, 1_000)]).await.unwrap();
    house.stock.reserve.then([Fault::Refuse(Code::FailedPrecondition, "OUT_OF_STOCK")]);
    let failed = house.confirm(confirmation_of(&draft)).await.unwrap();
    assert_eq!(failed.state(), OrderState::Failed);
    house.until(&failed.id, OrderState::Cancelled).await;
    for refused in attempts(&house, &house.customer, &draft).await {
        assert_eq!(told(&refused), (Code::FailedPrecondition, "ORDER_NOT_DRAFT".into()));
        let metadata = &refused.get_error_details().error_info().unwrap().metadata.clone();
        assert_eq!((metadata["order_id"].as_str(), metadata["state"].as_str()), (failed.id.as_str(), "CANCELLED"));
    }
    assert_ne!(house.draft(vec![]).await.unwrap().id, draft.id);
}

#[tokio::test]
async fn a_draft_survives_the_process_and_so_does_its_confirmation() {
    let house = House::open().await;
    let draft = house.draft(vec![line(0, 2, 1_000)]).await.unwrap();
    let house = house.crash().await;
    assert_eq!(house.order(&draft.id).await, draft);
    house.payments.authorize.then([Fault::HangAfter]);
    let request = api::ConfirmDraftRequest { wait: api::Wait::None.into(), ..confirmation_of(&draft) };
    let pending = house.confirm(request.clone()).await.unwrap();
    assert_eq!(pending.state(), OrderState::Pending);
    house.payments.authorize.called(1).await;
    let house = house.crash().await;
    house.until(&pending.id, OrderState::Confirmed).await;
    assert_eq!(house.confirm(request).await.unwrap().id, pending.id);
    assert_eq!(house.payments.account(&pending.id).unwrap().captures, 1);
    assert_eq!(house.listed(api::ListOrdersRequest::default()).await, [(pending.id, OrderState::Confirmed)]);
}

#[tokio::test]
async fn the_draft_of_a_closed_account_goes_and_stays_away() {
    let house = House::open().await;
    let draft = house.draft(vec![line(0, 2, 1_000)]).await.unwrap();
    let account_id = house.customer.account_id;
    let closed = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &closed).await;
    eventually("the draft is gone", async || house.listed(api::ListOrdersRequest::default()).await.is_empty()).await;
    let refused = house.confirm(confirmation_of(&draft)).await.unwrap_err();
    assert_eq!(reason(&refused), "ORDER_NOT_FOUND");
    assert_eq!(reason(&house.draft(vec![]).await.unwrap_err()), "ACCOUNT_NOT_ACTIVE");
    let left = async |tx: &mut Tx| {
        let sql = "SELECT (SELECT count(*) FROM draft_line), (SELECT count(*) FROM order_history)";
        tx.fetch_one(sql, &[]).await
    };
    let left: Result<(i64, i64), Error> = house.rig.store("order").read(left).await;
    assert_eq!(left.unwrap(), (0, 0));
}

/// A seller who looks at the top of the list sees what was ordered last, however long it was a draft.
#[tokio::test]
async fn an_order_is_as_old_as_its_confirmation_in_every_list() {
    let house = House::open().await;
    let draft = house.draft(vec![line(0, 1, 1_000)]).await.unwrap();
    house.place(basket()).await.unwrap();
    let order = house.confirm(confirmation_of(&draft)).await.unwrap();
    let newest = async || {
        let request = api::ListStoreOrdersRequest { page_size: 1, ..Default::default() };
        let mut orders = house.orders_of(&house.sellers[0]);
        orders.list_store_orders(request).await.unwrap().into_inner().store_orders.remove(0).order_id
    };
    assert_eq!(newest().await, order.id);
    assert_eq!(house.listed(api::ListOrdersRequest { page_size: 1, ..Default::default() }).await[0].0, order.id);
    assert_eq!(house.page_of(&house.customer).await.unwrap().open_orders[0].id, order.id);
}
