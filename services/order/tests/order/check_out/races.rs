//! Check-outs at once: lines are ordered once, a request is one order, and connections that break change nothing of that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bojagi_api::order::cart_service_client::CartServiceClient;
use bojagi_api::order::{self as api, OrderState};
use bojagi_api::policy::Role;
use bojagi_order::Config;
use bojagi_testkit::{AccountChannel, TestAccount, eventually, reason};
use futures::future::join_all;
use tokio::sync::Notify;
use tonic::{Code, Response, Status};

use super::check_out_of;
use crate::branches::Branches;
use crate::house::{House, id, patient};
use crate::peers::Fault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_check_the_same_lines_out_one_orders_them() {
    let branches = Branches::open().await;
    branches.one.filled().await;
    let seen = branches.one.seen().await;
    let calls = (0..32).map(|number| {
        let house = if number % 2 == 0 { &branches.one } else { &branches.other };
        house.check_out(check_out_of(seen, &[]))
    });
    let (ordered, refused): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().partition(Result::is_ok);
    assert_eq!(ordered.len(), 1);
    for refusal in refused {
        assert_eq!(reason(&refusal.unwrap_err()), "CART_CHANGED");
    }
    assert_eq!(branches.one.orders_placed().await, 1);
    assert_eq!(branches.other.contents().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_once_is_one_order() {
    let branches = Branches::open().await;
    branches.one.filled().await;
    let request = check_out_of(branches.one.seen().await, &[]);
    let calls = (0..64).map(|number| {
        let house = if number % 2 == 0 { &branches.one } else { &branches.other };
        // How long a caller waits does not make it another request.
        let wait = if number % 8 == 0 { api::Wait::None } else { api::Wait::Unspecified };
        house.check_out(api::CheckOutCartRequest { wait: wait.into(), ..request.clone() })
    });
    let orders: BTreeSet<_> = join_all(calls).await.into_iter().map(|order| order.unwrap().id).collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(branches.one.payments.account(orders.first().unwrap()).unwrap().captures, 1);
    let other = api::CheckOutCartRequest { quote_hash: "other".into(), ..request };
    let refused = branches.other.check_out(other).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_and_what_goes_in_at_once_add_up() {
    let branches = Branches::open().await;
    let [tea, cup] = branches.one.filled().await;
    branches.one.declines();
    let arrives = Arc::new(Notify::new());
    branches.one.payments.authorize.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let seen = branches.one.seen().await;
    let request = api::CheckOutCartRequest { wait: api::Wait::None.into(), ..check_out_of(seen, &[]) };
    let order_id = branches.one.check_out(request).await.unwrap().id;
    branches.one.payments.authorize.called(1).await;
    let adding = (0..32).map(async |number| {
        let house = if number % 2 == 0 { &branches.one } else { &branches.other };
        house.add(&tea, 1).await.unwrap();
        if number == 3 {
            arrives.notify_one();
        }
    });
    join_all(adding).await;
    branches.one.until(&order_id, OrderState::Cancelled).await;
    let mut contents = branches.other.contents().await;
    contents.sort();
    let mut expected = [(tea, 34), (cup, 3)];
    expected.sort();
    assert_eq!(contents, expected);
}

/// The first call takes the last pieces; the second one of the same request finds too little, and is not refused for that.
#[tokio::test]
async fn what_the_first_call_took_does_not_speak_against_the_second() {
    let house = House::open().await;
    let [tea, _] = house.filled().await;
    let request = check_out_of(house.seen().await, &[]);
    let arrives = Arc::new(Notify::new());
    let asked = house.stock.catalogue.look_up.calls();
    house.stock.catalogue.has_left(&tea, 0);
    house.stock.catalogue.look_up.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let (mut cart, again) = (house.cart(), request.clone());
    let second = tokio::spawn(async move { cart.check_out_cart(again).await });
    // It has read the cart and looks at a catalogue in which the first call has taken all, and then that is stored.
    house.stock.catalogue.look_up.called(asked + 1).await;
    house.stock.catalogue.has_left(&tea, 10);
    let first = house.check_out(request).await.unwrap();
    arrives.notify_one();
    assert_eq!(second.await.unwrap().unwrap().into_inner().order.unwrap().id, first.id);
}

#[tokio::test]
async fn beyond_the_room_for_orders_a_check_out_costs_item_nothing() {
    let house = House::with(Config { orders_at_once: 1, ..patient() }).await;
    let [tea, cup] = house.filled().await;
    let arrives = Arc::new(Notify::new());
    house.stock.reserve.then([Fault::AnswerLater(Arc::clone(&arrives))]);
    let request = check_out_of(house.seen().await, &[&tea]);
    let request = api::CheckOutCartRequest { wait: api::Wait::None.into(), ..request };
    let order_id = house.check_out(request.clone()).await.unwrap().id;
    let next = check_out_of(house.seen().await, &[&cup]);
    let asked = house.stock.catalogue.look_up.calls();
    let refused = house.check_out(next.clone()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
    assert_eq!(house.stock.catalogue.look_up.calls(), asked);
    assert_eq!(house.check_out(request).await.unwrap().id, order_id, "what came before needs no room");
    arrives.notify_one();
    house.until(&order_id, OrderState::Confirmed).await;
    eventually("there is room again", async || house.check_out(next.clone()).await.is_ok()).await;
}

const CUSTOMERS: usize = 24;
const CUTS: usize = 6;

type Carts = CartServiceClient<AccountChannel>;

/// As a client does that keeps to the retry policy: the same until there is an answer.
async fn until_answered<T>(call: impl AsyncFn() -> Result<Response<T>, Status>) -> T {
    loop {
        match call().await {
            Ok(answer) => return answer.into_inner(),
            Err(status) => assert!(
                matches!(
                    status.code(),
                    Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded
                ),
                "{status:?}"
            ),
        }
    }
}

async fn look(carts: &Carts) -> api::Cart {
    let shown = until_answered(async || carts.clone().get_cart(api::GetCartRequest::default()).await).await;
    shown.cart.unwrap()
}

/// Fills a cart with five pieces of two options and orders them.
async fn order_through(carts: &Carts, options: [&String; 2]) -> String {
    for (option_id, quantity) in options.into_iter().zip([2, 3]) {
        let add = api::AddCartLineRequest { request_id: id(), option_id: option_id.clone(), quantity };
        until_answered(async || carts.clone().add_cart_line(add.clone()).await).await;
    }
    let request = check_out_of(look(carts).await.revision, &[]);
    until_answered(async || carts.clone().check_out_cart(request.clone()).await).await.order.unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_lose_and_double_nothing() {
    let branches = Branches::open().await;
    let catalogue = &branches.one.stock.catalogue;
    let [tea, rare, cup] = [1_000, 1_000, 500].map(|price| catalogue.offers(price, 10_000));
    branches.one.stock.sells_out(&rare);
    let in_vain = |number: usize| number % 4 < 2;
    let customers: Vec<TestAccount> = (0..CUSTOMERS).map(|_| branches.one.rig.account(&[Role::Customer])).collect();
    let carts = |house: &House, customer: &TestAccount| CartServiceClient::new(house.rig.calling_as(customer));
    let answered = AtomicUsize::new(0);
    let ordering = customers.iter().enumerate().map(async |(number, customer)| {
        let house = if number % 2 == 0 { &branches.one } else { &branches.other };
        let options = if in_vain(number) { [&rare, &cup] } else { [&tea, &cup] };
        let order_id = order_through(&carts(house, customer), options).await;
        answered.fetch_add(1, Ordering::SeqCst);
        order_id
    });
    let cutting = async {
        for cut in 0..=CUTS {
            eventually("some were answered", async || {
                // Attempts that failed come due.
                branches.peers.clock.advance(Duration::from_millis(50));
                answered.load(Ordering::SeqCst) >= cut * CUSTOMERS / CUTS
            })
            .await;
            branches.peers.cut_connections().await;
        }
    };
    let (placed, ()) = tokio::join!(join_all(ordering), cutting);
    for house in [&branches.one, &branches.other] {
        house.rig.until_stores_answer().await;
    }

    for (number, (customer, order_id)) in customers.iter().zip(&placed).enumerate() {
        let only_order = async || {
            let mut orders = branches.other.orders_of(customer);
            let listed = orders.list_orders(api::ListOrdersRequest::default()).await.unwrap().into_inner().orders;
            assert_eq!(listed.iter().map(|order| &order.id).collect::<Vec<_>>(), [order_id]);
            listed[0].state()
        };
        eventually("the order is decided", async || {
            branches.peers.clock.advance(Duration::from_millis(50));
            only_order().await != OrderState::Pending
        })
        .await;
        assert_eq!(only_order().await != OrderState::Confirmed, in_vain(number));
        let cart = look(&carts(&branches.one, customer)).await;
        let quantities: Vec<_> = cart.lines.iter().map(|line| line.quantity).collect();
        let expected: &[i64] = if in_vain(number) { &[2, 3] } else { &[] };
        assert_eq!(quantities, expected);
    }
}
