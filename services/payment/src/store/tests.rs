use bojagi_kernel::ManualClock;
use bojagi_kernel::id::PaymentId;
use bojagi_store::{Row, Store, params};
use bojagi_testkit::Place;

use super::*;
use crate::domain::PaymentState;
use crate::store::payments::PaymentFilter;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

/// A line of a plan, as either database tells it.
struct Line(String);

impl bojagi_store::FromRow for Line {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get(3).or_else(|_| row.get(0)).map(Self)
    }
}

/// By which index each statement is to go, and how the database would go about it.
async fn plans(tx: &mut Tx, is_shared: bool) -> Result<Vec<(&'static str, String)>, Error> {
    if is_shared {
        // A table without rows is read whole, whatever leads into it.
        tx.execute("SET LOCAL enable_seqscan = off", &[]).await?;
    }
    let explain = if is_shared { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
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
        let lines: Vec<Line> = tx.fetch_all(&format!("{explain} {sql}"), &params).await?;
        plans.push((index, lines.into_iter().map(|Line(line)| line).collect::<Vec<_>>().join("\n")));
    }
    Ok(plans)
}

#[tokio::test]
async fn what_is_open_and_the_totals_are_found_without_a_look_at_all_payments() {
    let place = Place::as_configured();
    let store = Store::open(&place.store("payment"), crate::MIGRATIONS, &ManualClock::at(NOW)).await.unwrap();
    let is_shared = store.is_shared();
    let plans = store.write(async move |tx: &mut Tx| plans(tx, is_shared).await).await.unwrap();
    for (index, plan) in plans {
        assert!(plan.contains(index), "{index}:\n{plan}");
    }
}
