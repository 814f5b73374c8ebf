//! Drafts under two hands at once: a customer has one, a request has one effect, and what is ordered is what was seen.

use std::collections::BTreeSet;

use bojagi_api::order::{self as api, OrderState};
use bojagi_testkit::reason;
use futures::future::join_all;

use super::confirmation_of;
use crate::branches::Branches;
use crate::house::{House, id, line};

fn either(branches: &Branches, number: usize) -> &House {
    if number.is_multiple_of(2) { &branches.one } else { &branches.other }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_drafts_that_are_begun_at_once_a_customer_has_one() {
    let branches = Branches::open().await;
    let begun = join_all((0..32).map(|number| either(&branches, number).draft(vec![line(0, 1, 1_000)]))).await;
    let (begun, refused): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
    assert_eq!(begun.len(), 1);
    for refusal in refused {
        assert_eq!(reason(&refusal.unwrap_err()), "DRAFT_OPEN");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_once_has_one_effect() {
    let branches = Branches::open().await;
    let create = api::CreateDraftRequest { request_id: id(), lines: vec![line(0, 1, 1_000)] };
    let begun = join_all((0..32).map(async |number| {
        let mut orders = either(&branches, number).orders();
        orders.create_draft(create.clone()).await.unwrap().into_inner().order.unwrap()
    }));
    let begun = begun.await;
    assert!(begun.iter().all(|draft| *draft == begun[0]));

    let update = api::UpdateDraftLineRequest {
        request_id: id(),
        order_id: begun[0].id.clone(),
        order_line_id: String::new(),
        line: Some(line(1, 2, 500)),
    };
    let edited = join_all((0..32).map(async |number| {
        let mut orders = either(&branches, number).orders();
        orders.update_draft_line(update.clone()).await.unwrap().into_inner().order.unwrap()
    }));
    let edited = edited.await;
    assert!(edited.iter().all(|draft| *draft == edited[0] && draft.lines.len() == 2 && draft.version == 2));

    let request = confirmation_of(&edited[0]);
    let calls = (0..64).map(|number| {
        // How long a caller waits does not make it another request.
        let wait = if number % 8 == 0 { api::Wait::None } else { api::Wait::Unspecified };
        either(&branches, number).confirm(api::ConfirmDraftRequest { wait: wait.into(), ..request.clone() })
    });
    let orders: BTreeSet<_> = join_all(calls).await.into_iter().map(|order| order.unwrap().id).collect();
    assert_eq!(orders.len(), 1);
    let order_id = orders.first().unwrap();
    branches.one.until(order_id, OrderState::Confirmed).await;
    assert_eq!(branches.one.payments.account(order_id).unwrap().captures, 1);

    let other = api::ConfirmDraftRequest { quote_hash: "other".into(), ..request };
    assert_eq!(reason(&branches.other.confirm(other).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
    let other = api::CreateDraftRequest { lines: vec![], ..create };
    assert_eq!(reason(&branches.one.orders().create_draft(other).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_confirm_a_draft_one_orders_it() {
    let branches = Branches::open().await;
    let draft = branches.one.draft(vec![line(0, 1, 1_000)]).await.unwrap();
    let calls = (0..32).map(|number| either(&branches, number).confirm(confirmation_of(&draft)));
    let (ordered, refused): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().partition(Result::is_ok);
    let [Ok(order)] = ordered.as_slice() else { panic!("{ordered:?}") };
    for refusal in refused {
        assert_eq!(reason(&refusal.unwrap_err()), "ORDER_NOT_DRAFT");
    }
    assert_eq!(branches.one.payments.account(&order.id).unwrap().captures, 1);
    let placed = branches.one.orders().list_orders(api::ListOrdersRequest::default()).await.unwrap().into_inner();
    assert_eq!(placed.orders.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_races_the_confirmation_is_not_ordered_unseen() {
    let branches = Branches::open().await;
    let mut confirmed = 0;
    for number in 0..16 {
        let draft = match branches.one.draft(vec![line(0, 1, 1_000)]).await {
            Ok(draft) => draft,
            // The edit of the round before won.
            Err(_) => open_draft(&branches.one).await,
        };
        let (here, there) = (either(&branches, number), either(&branches, number + 1));
        let (edited, order) =
            tokio::join!(here.set(&draft, "", line(1, 1, 500)), there.confirm(confirmation_of(&draft)));
        match (edited, order) {
            (Ok(edited), Err(refused)) => {
                assert_eq!((edited.lines.len(), reason(&refused).as_str()), (draft.lines.len() + 1, "DRAFT_CHANGED"));
            }
            (Err(refused), Ok(order)) => {
                assert_eq!((order.lines.len(), reason(&refused).as_str()), (draft.lines.len(), "ORDER_NOT_DRAFT"));
                confirmed += 1;
            }
            other => panic!("both or neither: {other:?}"),
        }
    }
    let placed = api::ListOrdersRequest { state: OrderState::Confirmed.into(), ..Default::default() };
    let placed = branches.other.orders().list_orders(placed).await.unwrap().into_inner().orders;
    assert_eq!(placed.len(), confirmed);
}

/// The draft that is open.
async fn open_draft(house: &House) -> api::Order {
    let drafts = api::ListOrdersRequest { state: OrderState::Draft.into(), ..Default::default() };
    house.orders().list_orders(drafts).await.unwrap().into_inner().orders.remove(0)
}
