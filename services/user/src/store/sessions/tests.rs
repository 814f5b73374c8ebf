use bojagi_kernel::ManualClock;
use bojagi_store::{Row, Store};
use bojagi_testkit::Place;

use super::*;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

/// A line of a plan, as either database tells it.
struct Line(String);

impl bojagi_store::FromRow for Line {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get(3).or_else(|_| row.get(0)).map(Self)
    }
}

/// How the database would go about the statements on the sessions of an account.
async fn plans(tx: &mut Tx, is_shared: bool) -> Result<Vec<(String, String)>, Error> {
    let (account_id, session_id) = (AccountId::generate(), Uuid::now_v7());
    let after = (NOW, session_id);
    let (list, listed) = page(&account_id, &NOW, Some(&after), 10);
    let statements = [
        (END_ALL, params![account_id, NOW].to_vec()),
        (END_OTHERS, params![account_id, session_id, NOW].to_vec()),
        (END_SURPLUS, params![account_id, 100_i64, NOW].to_vec()),
        (&list, listed),
    ];
    if is_shared {
        // A table without rows is read whole, whatever leads into it.
        tx.execute("SET LOCAL enable_seqscan = off", &[]).await?;
    }
    let explain = if is_shared { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    let mut plans = Vec::new();
    for (sql, params) in statements {
        let lines: Vec<Line> = tx.fetch_all(&format!("{explain} {sql}"), &params).await?;
        plans.push((sql.to_owned(), lines.into_iter().map(|Line(line)| line).collect::<Vec<_>>().join("\n")));
    }
    Ok(plans)
}

#[tokio::test]
async fn the_sessions_of_an_account_are_found_without_those_that_have_ended() {
    let place = Place::as_configured();
    let store = Store::open(&place.store("user"), crate::MIGRATIONS, &ManualClock::at(NOW)).await.unwrap();
    let is_shared = store.is_shared();
    let plans = store.write(async move |tx: &mut Tx| plans(tx, is_shared).await).await.unwrap();
    for (sql, plan) in plans {
        assert!(plan.contains("session_live"), "{sql}:\n{plan}");
    }
}
