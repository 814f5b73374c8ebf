use bojagi_kernel::ManualClock;
use bojagi_store::Store;
use bojagi_testkit::Explain;

use super::*;
use crate::MIGRATIONS;
use crate::store::customers;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

/// The index by which each statement about things of a kind is to go, and how the database would go about it.
async fn plans<Thing: Favoured + From<Uuid>>(
    tx: &mut Tx,
    explain: Explain,
    (of_customer, of_deleted): (&'static str, &'static str),
) -> Result<Vec<(&'static str, String)>, Error> {
    let (thing, customer_id) = (Thing::from(Uuid::now_v7()), AccountId::generate());
    let after = (NOW, thing);
    let statements = [
        (of_customer, list_statement::<Thing>(&customer_id, None, 20)),
        (of_customer, list_statement(&customer_id, Some(&after), 20)),
        (of_customer, (of_customer_sql::<Thing>(), params![customer_id, 20_i64].to_vec())),
        (of_deleted, (of_deleted_sql::<Thing>(), params![20_i64].to_vec())),
    ];
    let mut plans = Vec::new();
    for (index, (sql, values)) in statements {
        plans.push((index, explain.plan(tx, &sql, &values).await?));
    }
    Ok(plans)
}

#[tokio::test]
async fn what_a_customer_has_given_and_what_is_to_be_taken_back_is_found_by_an_index() {
    // SQLite says in words how it reads, of tables without rows too; the indexes are the same on a server.
    let place = bojagi_testkit::Place::in_files();
    let store = Store::open(&place.store("item"), MIGRATIONS, &ManualClock::at(NOW)).await.unwrap();
    let explain = Explain::on(&store);
    let asked = async move |tx: &mut Tx| -> Result<_, Error> {
        let hearts = plans::<ItemId>(tx, explain, ("heart_of_customer", "item_hearted_to_the_end")).await?;
        let follows = plans::<StoreId>(tx, explain, ("follow_of_customer", "store_followed_to_the_end")).await?;
        let to_clear = explain.plan(tx, customers::TO_CLEAR, params![20_i64]).await?;
        Ok([hearts, follows, vec![("closed_customer_to_clear", to_clear)]].concat())
    };
    for (index, plan) in store.read(asked).await.unwrap() {
        assert!(plan.contains(index), "{index}:\n{plan}");
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{index}:\n{plan}");
    }
}
