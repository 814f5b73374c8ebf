use bojagi_kernel::ManualClock;
use bojagi_store::Store;
use bojagi_testkit::{Explain, Place};

use super::*;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

/// How the database would go about the statements on the sessions of an account.
async fn plans(tx: &mut Tx, explain: Explain) -> Result<Vec<(String, String)>, Error> {
    let (account_id, session_id) = (AccountId::generate(), Uuid::now_v7());
    let after = (NOW, session_id);
    let (list, listed) = page(&account_id, &NOW, Some(&after), 10);
    let statements = [
        (END_ALL, params![account_id, NOW].to_vec()),
        (END_OTHERS, params![account_id, session_id, NOW].to_vec()),
        (END_SURPLUS, params![account_id, 100_i64, NOW].to_vec()),
        (&list, listed),
    ];
    let mut plans = Vec::new();
    for (sql, params) in statements {
        plans.push((sql.to_owned(), explain.plan(tx, sql, &params).await?));
    }
    Ok(plans)
}

#[tokio::test]
async fn the_sessions_of_an_account_are_found_without_those_that_have_ended() {
    let place = Place::as_configured();
    let store = Store::open(&place.store("user"), crate::MIGRATIONS, &ManualClock::at(NOW)).await.unwrap();
    let explain = Explain::on(&store);
    let plans = store.write(async move |tx: &mut Tx| plans(tx, explain).await).await.unwrap();
    for (sql, plan) in plans {
        assert!(plan.contains("session_live"), "{sql}:\n{plan}");
    }
}
