//! Carts: what goes in and out, what is told of the catalogue, and what two devices do to it at once.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::order::cart_change::Change;
use bojagi_api::order::cart_service_client::CartServiceClient;
use bojagi_api::order::{self as api, CartLineState};
use bojagi_api::policy::Role;
use bojagi_api::user;
use bojagi_order::Config;
use bojagi_testkit::{AccountChannel, eventually, reason};
use futures::future::join_all;
use tokio::sync::Notify;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::branches::Branches;
use crate::house::{House, id, impatient, won};
use crate::peers::Fault;

impl House {
    pub(crate) fn cart(&self) -> CartServiceClient<AccountChannel> {
        CartServiceClient::new(self.rig.calling_as(&self.customer))
    }

    /// Puts pieces of an option in.
    pub(crate) async fn add(&self, option_id: &str, quantity: i64) -> Result<api::CartLine, Status> {
        let request = api::AddCartLineRequest { request_id: id(), option_id: option_id.into(), quantity };
        Ok(self.cart().add_cart_line(request).await?.into_inner().line.unwrap())
    }

    /// The cart, by a client that shows it for the first time.
    pub(crate) async fn look(&self) -> api::GetCartResponse {
        self.cart().get_cart(api::GetCartRequest::default()).await.unwrap().into_inner()
    }

    /// The options in the cart with their quantities.
    pub(crate) async fn contents(&self) -> Vec<(String, i64)> {
        let cart = self.look().await.cart.unwrap();
        cart.lines.into_iter().map(|line| (line.option_id, line.quantity)).collect()
    }
}

pub(crate) fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn metadata(status: &Status, key: &str) -> String {
    status.get_error_details().error_info().unwrap().metadata[key].clone()
}

fn changes(shown: &api::GetCartResponse) -> Vec<(String, Change)> {
    shown.changes.iter().map(|change| (change.option_id.clone(), change.change.clone().unwrap())).collect()
}

#[tokio::test]
async fn a_cart_holds_what_was_put_in() {
    let house = House::open().await;
    let catalogue = &house.stock.catalogue;
    let (tea, cup) = (catalogue.offers(1_000, 10), catalogue.offers(500, 10));
    let empty = house.look().await;
    assert_eq!((empty.cart.unwrap(), empty.compared), (api::Cart::default(), true));

    let line = house.add(&tea, 2).await.unwrap();
    assert_eq!((line.unit_price, line.quantity, line.amount), (Some(won(1_000)), 2, Some(won(2_000))));
    assert_eq!((line.item_name.as_str(), line.option_name.as_str()), ("Tea", "Large"));
    house.add(&cup, 1).await.unwrap();
    assert_eq!(house.add(&tea, 3).await.unwrap().quantity, 5);
    let shown = house.look().await;
    let cart = shown.cart.clone().unwrap();
    let lines: Vec<_> = cart.lines.iter().map(|line| (line.option_id.as_str(), line.quantity, line.state())).collect();
    assert_eq!(lines, [(tea.as_str(), 5, CartLineState::OnOffer), (cup.as_str(), 1, CartLineState::OnOffer)]);
    assert_eq!((cart.totals, cart.revision), (vec![won(5_500)], 3));
    assert!(shown.changes.is_empty() && shown.compared);

    let update = |quantity, seen_revision| api::UpdateCartLineRequest {
        request_id: id(),
        option_id: tea.clone(),
        quantity,
        seen_revision,
    };
    let updated = house.cart().update_cart_line(update(4, 0)).await.unwrap().into_inner().line.unwrap();
    assert_eq!(updated.quantity, 4);
    let refused = house.cart().update_cart_line(update(9, 3)).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_CHANGED".into()));
    assert_eq!(metadata(&refused, "revision"), "4");
    house.cart().update_cart_line(update(1, 4)).await.unwrap();

    let remove = api::RemoveCartLinesRequest { request_id: id(), option_ids: vec![tea.clone(), id()] };
    house.cart().remove_cart_lines(remove).await.unwrap();
    assert_eq!(house.contents().await, [(cup, 1)]);
    let refused = house.cart().update_cart_line(update(1, 0)).await.unwrap_err();
    assert_eq!(told(&refused), (Code::NotFound, "CART_LINE_NOT_FOUND".into()));
    house.cart().clear_cart(api::ClearCartRequest { request_id: id() }).await.unwrap();
    assert_eq!(house.contents().await, []);
}

#[tokio::test]
async fn nobody_sees_or_changes_the_cart_of_another() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    house.add(&tea, 2).await.unwrap();
    let owners = house.look().await;
    let other = house.rig.account(&[Role::Customer]);
    let mut theirs = CartServiceClient::new(house.rig.calling_as(&other));
    let shown = theirs.get_cart(api::GetCartRequest::default()).await.unwrap().into_inner();
    assert_eq!(shown.cart.unwrap(), api::Cart::default());

    let option_id = tea.clone();
    let update = api::UpdateCartLineRequest { request_id: id(), option_id, quantity: 9, ..Default::default() };
    let refused = theirs.update_cart_line(update).await.unwrap_err();
    assert_eq!(told(&refused), (Code::NotFound, "CART_LINE_NOT_FOUND".into()));
    let remove = || api::RemoveCartLinesRequest { request_id: id(), option_ids: vec![tea.clone()] };
    theirs.remove_cart_lines(remove()).await.unwrap();
    theirs.clear_cart(api::ClearCartRequest { request_id: id() }).await.unwrap();
    assert_eq!(house.look().await, owners);
    // Also when both have the same in their carts.
    for goes_by_clearing in [false, true] {
        let request = api::AddCartLineRequest { request_id: id(), option_id: tea.clone(), quantity: 1 };
        theirs.add_cart_line(request).await.unwrap();
        if goes_by_clearing {
            theirs.clear_cart(api::ClearCartRequest { request_id: id() }).await.unwrap();
        } else {
            theirs.remove_cart_lines(remove()).await.unwrap();
        }
        let shown = theirs.get_cart(api::GetCartRequest::default()).await.unwrap().into_inner();
        assert!(shown.cart.unwrap().lines.is_empty());
        assert_eq!(house.look().await, owners);
    }
}

#[tokio::test]
async fn what_has_changed_in_the_catalogue_is_told_once_with_its_figures() {
    let house = House::open().await;
    let catalogue = &house.stock.catalogue;
    let [dearer, short, retired, deleted] = [(); 4].map(|()| catalogue.offers(1_000, 10));
    for option_id in [&dearer, &short, &retired, &deleted] {
        house.add(option_id, 3).await.unwrap();
    }
    let asked = catalogue.look_up.calls();
    let seen = house.look().await.cart.unwrap().revision;
    assert_eq!(catalogue.look_up.calls(), asked + 1, "one call for all lines");
    catalogue.prices(&dearer, 1_200);
    catalogue.has_left(&short, 2);
    catalogue.retires(&retired);
    catalogue.deletes_item_of(&deleted);

    let expected = [
        (
            dearer.clone(),
            Change::PriceChanged(api::CartPriceChange { before: Some(won(1_000)), now: Some(won(1_200)) }),
        ),
        (short.clone(), Change::Short(api::CartShortage { quantity: 3, available: 2 })),
        (retired.clone(), Change::OptionGone(api::CartOptionGone {})),
        (deleted.clone(), Change::ItemGone(api::CartItemGone {})),
    ];
    let first = house.look().await;
    assert_eq!(changes(&first), expected);
    let cart = first.cart.unwrap();
    use CartLineState::{ItemGone, OnOffer, OptionGone, Short};
    let states: Vec<_> = cart.lines.iter().map(|line| (line.state(), line.available)).collect();
    assert_eq!(states, [(OnOffer, 0), (Short, 2), (OptionGone, 0), (ItemGone, 0)]);
    assert_eq!((cart.lines[0].unit_price.clone(), cart.totals), (Some(won(1_200)), vec![won(3_600)]));
    assert_eq!(cart.lines[3].item_name, "Tea", "what is gone still has its name");

    let second = house.look().await;
    assert_eq!(changes(&second), []);
    // The first answer was lost on its way to a client that still shows the cart as it was before.
    let again = api::GetCartRequest { seen_revision: seen };
    assert_eq!(changes(&house.cart().get_cart(again).await.unwrap().into_inner()), expected);
    let now = api::GetCartRequest { seen_revision: cart.revision };
    assert_eq!(changes(&house.cart().get_cart(now).await.unwrap().into_inner()), []);
}

#[tokio::test]
async fn the_price_of_a_line_changes_when_its_customer_is_told_and_not_before() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    house.add(&tea, 1).await.unwrap();
    house.stock.catalogue.prices(&tea, 1_500);
    assert_eq!(house.add(&tea, 1).await.unwrap().unit_price, Some(won(1_000)));
    let price = api::CartPriceChange { before: Some(won(1_000)), now: Some(won(1_500)) };
    assert_eq!(changes(&house.look().await), [(tea, Change::PriceChanged(price))]);
}

#[tokio::test]
async fn without_the_catalogue_a_cart_is_shown_as_it_is_kept_and_nothing_goes_in() {
    let house = House::with(Config { compare_timeout_milliseconds: 100, ..impatient() }).await;
    let catalogue = &house.stock.catalogue;
    let tea = catalogue.offers(1_000, 10);
    eventually("it is put in", async || house.add(&tea, 1).await.is_ok()).await;
    catalogue.prices(&tea, 1_500);
    for fault in [Fault::Unavailable, Fault::Hang, Fault::Refuse(Code::Internal, "INTERNAL")] {
        catalogue.look_up.always(Some(fault.clone()));
        let shown = house.look().await;
        assert!(!shown.compared && shown.changes.is_empty(), "{fault:?}");
        assert_eq!(shown.cart.unwrap().lines[0].unit_price, Some(won(1_000)));
        let refused = house.add(&tea, 1).await.unwrap_err();
        assert!(matches!(refused.code(), Code::Unavailable | Code::Internal), "{refused:?}");
    }
    catalogue.look_up.always(None);
    eventually("the change is told", async || house.look().await.changes.len() == 1).await;
}

#[tokio::test]
async fn who_waits_a_short_time_for_a_cart_is_answered_in_it() {
    let margin = 10_000;
    let config = Config { compare_timeout_milliseconds: 60_000, answer_margin_milliseconds: margin, ..impatient() };
    let house = House::with(config).await;
    house.add(&house.stock.catalogue.offers(1_000, 10), 1).await.unwrap();
    house.stock.catalogue.look_up.always(Some(Fault::Hang));
    let mut request = Request::new(api::GetCartRequest::default());
    request.set_timeout(Duration::from_millis(margin + 100));
    assert!(!house.cart().get_cart(request).await.unwrap().into_inner().compared);
}

#[tokio::test]
async fn what_cannot_go_in_is_refused() {
    let house = House::open().await;
    let catalogue = &house.stock.catalogue;
    let (gone, deleted) = (catalogue.offers(1_000, 10), catalogue.offers(1_000, 10));
    catalogue.retires(&gone);
    catalogue.deletes_item_of(&deleted);
    for option_id in [id(), gone, deleted] {
        let refused = house.add(&option_id, 1).await.unwrap_err();
        assert_eq!(told(&refused), (Code::NotFound, "OPTION_NOT_FOUND".into()));
        assert_eq!(metadata(&refused, "option_id"), option_id);
    }
    let tea = catalogue.offers(1_000, 0);
    house.add(&tea, 999).await.unwrap();
    let refused = house.add(&tea, 1).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_QUANTITY_LIMIT".into()));
    assert_eq!((metadata(&refused, "quantity"), metadata(&refused, "limit")), ("999".into(), "999".into()));
    for _ in 1..100 {
        house.add(&catalogue.offers(1_000, 10), 1).await.unwrap();
    }
    let refused = house.add(&catalogue.offers(1_000, 10), 1).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "CART_FULL".into()));
    assert_eq!(house.look().await.cart.unwrap().lines.len(), 100);
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let house = House::open().await;
    let wrong = |refused: Status| {
        assert_eq!(told(&refused), (Code::InvalidArgument, "INVALID_ARGUMENT".into()));
        let violations = refused.get_error_details().bad_request().unwrap().field_violations.clone();
        violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    let mut cart = house.cart();
    let get = api::GetCartRequest { seen_revision: -1 };
    assert_eq!(wrong(cart.get_cart(get).await.unwrap_err()), ["seen_revision"]);
    for quantity in [i64::MIN, 0, 1_000, i64::MAX] {
        let add = api::AddCartLineRequest { option_id: id(), quantity, ..Default::default() };
        assert_eq!(wrong(cart.add_cart_line(add).await.unwrap_err()), ["request_id", "quantity"]);
    }
    let update = api::UpdateCartLineRequest { seen_revision: -1, ..Default::default() };
    let named = ["request_id", "option_id", "quantity", "seen_revision"];
    assert_eq!(wrong(cart.update_cart_line(update).await.unwrap_err()), named);
    let twice = id();
    for (option_ids, named) in [
        (vec![], "option_ids"),
        (vec![id(); 101], "option_ids"),
        (vec!["x".into()], "option_ids[0]"),
        (vec![twice.clone(), twice], "option_ids[1]"),
    ] {
        let remove = api::RemoveCartLinesRequest { request_id: id(), option_ids };
        assert_eq!(wrong(cart.remove_cart_lines(remove).await.unwrap_err()), [named]);
    }
    let clear = api::ClearCartRequest::default();
    assert_eq!(wrong(cart.clear_cart(clear).await.unwrap_err()), ["request_id"]);
}

#[tokio::test]
async fn a_request_that_comes_twice_has_one_effect() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    let request = api::AddCartLineRequest { request_id: id(), option_id: tea.clone(), quantity: 2 };
    let first = house.cart().add_cart_line(request.clone()).await.unwrap().into_inner();
    house.add(&tea, 3).await.unwrap();
    // Also when the option is gone meanwhile, and item does not answer.
    house.stock.catalogue.retires(&tea);
    house.stock.catalogue.look_up.always(Some(Fault::Unavailable));
    assert_eq!(house.cart().add_cart_line(request.clone()).await.unwrap().into_inner(), first);
    assert_eq!(house.contents().await, [(tea, 5)]);
    let other = api::AddCartLineRequest { quantity: 1, ..request };
    assert_eq!(reason(&house.cart().add_cart_line(other).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quantities_of_devices_at_once_add_up() {
    let branches = Branches::open().await;
    let catalogue = &branches.one.stock.catalogue;
    let (tea, cup) = (catalogue.offers(1_000, 1_000), catalogue.offers(500, 1_000));
    let adding = (0..32).map(async |number| {
        let house = if number % 2 == 0 { &branches.one } else { &branches.other };
        let option_id = if number % 4 < 2 { &tea } else { &cup };
        let request = api::AddCartLineRequest { request_id: id(), option_id: option_id.clone(), quantity: 3 };
        // The answer is lost, and the same is asked of the other process.
        house.cart().add_cart_line(request.clone()).await.unwrap();
        branches.one.cart().add_cart_line(request).await.unwrap();
    });
    join_all(adding).await;
    let mut contents = branches.other.contents().await;
    contents.sort();
    let mut expected = [(tea, 48), (cup, 48)];
    expected.sort();
    assert_eq!(contents, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_told_to_one_of_many_who_look_at_once() {
    let branches = Branches::open().await;
    let tea = branches.one.stock.catalogue.offers(1_000, 10);
    branches.one.add(&tea, 1).await.unwrap();
    branches.one.stock.catalogue.prices(&tea, 1_500);
    let looks = (0..16).map(|number| if number % 2 == 0 { branches.one.look() } else { branches.other.look() });
    let shown = join_all(looks).await;
    assert_eq!(shown.iter().map(|shown| shown.changes.len()).sum::<usize>(), 1);
    let revisions: Vec<_> = shown.into_iter().map(|shown| shown.cart.unwrap().revision).collect();
    assert!(revisions.iter().all(|revision| *revision == 2), "{revisions:?}");
}

#[tokio::test]
async fn the_cart_of_a_closed_account_goes_and_stays_away() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    house.add(&tea, 1).await.unwrap();
    let account_id = house.customer.account_id;
    let fact = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &fact).await;
    eventually("the cart is gone", async || house.look().await.cart.unwrap() == api::Cart::default()).await;
    let refused = house.add(&tea, 1).await.unwrap_err();
    assert_eq!(told(&refused), (Code::FailedPrecondition, "ACCOUNT_NOT_ACTIVE".into()));
}

/// The second call of a request finds the option gone that the first one has put in, and is not refused for that.
#[tokio::test]
async fn what_happened_since_the_first_call_does_not_speak_against_the_second() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    let request = api::AddCartLineRequest { request_id: id(), option_id: tea.clone(), quantity: 2 };
    let (first_sees, second_sees) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let look_up = &house.stock.catalogue.look_up;
    look_up.then([Fault::AnswerLater(Arc::clone(&first_sees)), Fault::AnswerLater(Arc::clone(&second_sees))]);
    let call = || {
        let (mut cart, request) = (house.cart(), request.clone());
        tokio::spawn(async move { cart.add_cart_line(request).await })
    };
    let first = call();
    look_up.called(1).await;
    house.stock.catalogue.retires(&tea);
    let second = call();
    look_up.called(2).await;
    first_sees.notify_one();
    let answer = first.await.unwrap().unwrap().into_inner();
    second_sees.notify_one();
    assert_eq!(second.await.unwrap().unwrap().into_inner(), answer);
    assert_eq!(house.look().await.cart.unwrap().lines[0].quantity, 2);
}
