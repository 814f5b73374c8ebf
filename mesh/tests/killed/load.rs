//! Under load, killed at any moment, many times: everything acknowledged is there, what was unknown became one of the two,
//! every order reaches an end by itself, all invariants hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bojagi_api::order::OrderState;
use bojagi_api::policy::Role;
use bojagi_e2e::{Person, Shop, Wish};
use bojagi_testkit::eventually;
use futures::future::join_all;
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use crate::running::Running;

/// Customers who order at the same time.
const CUSTOMERS: usize = 16;

/// What a customer knows about a request.
enum Known {
    /// It was answered with an order in this state.
    Answered(String, OrderState),
    /// The process died before it answered.
    Unknown,
}

/// Orders until told to stop, or until the process is gone.
async fn order_again_and_again(
    customer: &Person,
    wish: impl Fn() -> Wish,
    stop: &AtomicBool,
    answered: &AtomicU64,
) -> Vec<(Wish, Known)> {
    let mut known = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let wish = wish();
        let answer = timeout(Duration::from_secs(20), customer.place(&wish)).await;
        let outcome = match answer {
            Ok(Ok(order)) => {
                answered.fetch_add(1, Ordering::SeqCst);
                Known::Answered(order.id.clone(), order.state())
            }
            Ok(Err(_)) | Err(_) => Known::Unknown,
        };
        known.push((wish, outcome));
    }
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_however_often_it_is_killed() {
    let kills: u64 = std::env::var("BOJAGI_KILLS").map_or(5, |text| text.parse().unwrap());
    let folder = Arc::new(TempDir::new().unwrap());
    let (mut running, address) = Running::start(&folder, &["--no-demo"], &[]);
    let mut shop = Shop::attach(Arc::clone(&folder), address).await;
    let (_, offer) = shop.offer(1_000, 100_000).await;
    let (_, scarce) = shop.offer(2_000, 60).await;
    let mut customers = Vec::new();
    for index in 0..CUSTOMERS {
        let customer = shop.person(&[Role::Customer]);
        let card = customer.card("tok_approve").await;
        customer.charge(1_000_000, &card).await;
        let declined = customer.card("tok_decline_insufficient_funds").await;
        customers.push((customer, if index % 4 == 3 { declined } else { card }));
    }

    let mut acknowledged: Vec<(usize, String, OrderState)> = Vec::new();
    let mut unknown: Vec<(usize, Wish)> = Vec::new();
    for round in 0..kills {
        let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        let orders = join_all(customers.iter().enumerate().map(|(index, (customer, card))| {
            let (offer, scarce, stop, answered) = (&offer, &scarce, &stop, &answered);
            order_again_and_again(
                customer,
                move || Wish {
                    request_id: Uuid::now_v7().to_string(),
                    points: if index % 2 == 0 { 500 } else { 0 },
                    ..if index % 3 == 0 { Wish::of(scarce, 1, card) } else { Wish::of(offer, 2, card) }
                },
                stop,
                answered,
            )
        }));
        let killing = async {
            // Any moment will do; each round another.
            let enough = 1 + round * 37 % 150;
            eventually("enough orders were answered", async || answered.load(Ordering::SeqCst) >= enough).await;
            stop.store(true, Ordering::SeqCst);
            running.kill();
        };
        let (known, ()) = tokio::join!(orders, killing);

        assert!(shop.check_moving().holds(), "right after kill {round}:\n{}", shop.check_moving());
        let (restarted, address) = Running::start(&folder, &["--no-demo"], &[]);
        running = restarted;
        shop = Shop::attach(Arc::clone(&folder), address).await;
        for (index, known) in known.into_iter().enumerate() {
            customers[index].0 = shop.returning(customers[index].0.account());
            for (wish, outcome) in known {
                match outcome {
                    Known::Answered(order_id, state) => acknowledged.push((index, order_id, state)),
                    Known::Unknown => unknown.push((index, wish)),
                }
            }
        }
    }

    // What was unknown becomes one of the two: asked again under its id, it has one order and one effect.
    for (index, wish) in &unknown {
        let order = customers[*index].0.place(wish).await.unwrap();
        let again = customers[*index].0.place(wish).await.unwrap();
        assert_eq!(order.id, again.id);
        acknowledged.push((*index, order.id.clone(), order.state()));
    }
    shop.verify().await;
    for (index, order_id, state) in &acknowledged {
        let order = customers[*index].0.order(order_id).await;
        let kept = match state {
            OrderState::Confirmed => order.state() == OrderState::Confirmed,
            OrderState::Failed | OrderState::Cancelled => order.state() == OrderState::Cancelled,
            _ => true,
        };
        assert!(kept, "{order_id} was answered {state:?} and is {:?}", order.state());
    }
    let confirmed = acknowledged.iter().filter(|(_, _, state)| *state == OrderState::Confirmed).count();
    assert!(confirmed > 0, "the load reached the shop");
    running.kill();
}
