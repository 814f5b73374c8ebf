use bojagi_kernel::ManualClock;
use bojagi_kernel::id::PaymentId;
use bojagi_store::{Store, params};
use bojagi_testkit::{Explain, Place};

use super::*;
use crate::domain::PaymentState;
use crate::store::payments::PaymentFilter;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

/// By which index each statement is to go, and how the database would go about it.
async fn plans(tx: &mut Tx, explain: Explain) -> Result<Vec<(&'static str, String)>, Error> {
    let after = PaymentId::generate();
    let in_state =
        |state| PaymentFilter { customer_id: None, state: Some(state), created_from: None, created_before: None };
    let (pending, unresolved) = (in_state(PaymentState::Pending), in_state(PaymentState::Unresolved));
    let statements = [
        ("payment_open", payments::page(&pending, None, 20)),
        ("payment_open", payments::page(&unresolved, Some(&after), 20)),
        ("payment_captured", (payments::CAPTURED_BEFORE.to_owned(), params![NOW].to_vec())),
        ("refund_refunded", (refunds::REFUNDED_BEFORE.to_owned(), params![NOW].to_vec())),
    ];
    let mut plans = Vec::new();
    for (index, (sql, params)) in statements {
        plans.push((index, explain.plan(tx, &sql, &params).await?));
    }
    Ok(plans)
}

#[tokio::test]
async fn what_is_open_and_the_totals_are_found_without_a_look_at_all_payments() {
    let place = Place::as_configured();
    let store = Store::open(&place.store("payment"), crate::MIGRATIONS, &ManualClock::at(NOW)).await.unwrap();
    let explain = Explain::on(&store);
    let plans = store.read(async move |tx: &mut Tx| plans(tx, explain).await).await.unwrap();
    for (index, plan) in plans {
        assert!(plan.contains(index), "{index}:\n{plan}");
    }
}
