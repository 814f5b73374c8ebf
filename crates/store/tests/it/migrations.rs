//! How a store is brought up to date. The contract holds for every database.

use bojagi_kernel::SystemClock;
use bojagi_store::{Error, Migration, Store, Tx};
use bojagi_testkit::Place;

const SHELF: Migration = Migration::expand("shelf-1", "CREATE TABLE shelf (name TEXT PRIMARY KEY)");
const ROOM: Migration = Migration::expand("shelf-2", "ALTER TABLE shelf ADD COLUMN room TEXT");
const BROKEN: Migration =
    Migration::expand("shelf-3", "CREATE TABLE room (name TEXT); ALTER TABLE nowhere ADD COLUMN room TEXT");
const MENDED: Migration = Migration::expand("shelf-3", "CREATE TABLE room (name TEXT)");

on_both! {
    a_migration_that_was_edited_is_refused,
    the_version_before_works_with_what_was_only_expanded,
    a_step_of_a_store_in_use_stays_when_a_later_one_fails,
    a_new_store_has_all_of_its_steps_or_none,
}

async fn opened(place: &Place, steps: &'static [Migration]) -> Result<Store, Error> {
    Store::open(&place.store("stock"), steps, &SystemClock).await
}

async fn put(store: &Store, sql: &'static str) -> Result<u64, Error> {
    store.write(async move |tx: &mut Tx| tx.execute(sql, &[]).await).await
}

async fn a_migration_that_was_edited_is_refused(place: Place) {
    const EDITED: &[Migration] = &[Migration::expand("shelf-1", "CREATE TABLE shelf (name TEXT)")];
    drop(opened(&place, &[SHELF]).await.unwrap());
    assert!(matches!(opened(&place, EDITED).await.err(), Some(Error::Migration { name, .. }) if name == "shelf-1"));
}

async fn the_version_before_works_with_what_was_only_expanded(place: Place) {
    const CONTRACTED: &[Migration] =
        &[SHELF, ROOM, Migration::contract("shelf-4", "ALTER TABLE shelf DROP COLUMN room")];
    drop(opened(&place, &[SHELF, ROOM]).await.unwrap());
    let before = opened(&place, &[SHELF]).await.unwrap();
    assert_eq!(put(&before, "INSERT INTO shelf (name) VALUES ('top')").await.unwrap(), 1);
    drop(before);

    drop(opened(&place, CONTRACTED).await.unwrap());
    let refused = opened(&place, &[SHELF, ROOM]).await.err();
    assert!(matches!(refused, Some(Error::Migration { name, .. }) if name == "shelf-4"));
}

/// Steps share no transaction: none holds a table while it waits for another, and what was done has not to be done again.
async fn a_step_of_a_store_in_use_stays_when_a_later_one_fails(place: Place) {
    drop(opened(&place, &[SHELF]).await.unwrap());
    let failed = opened(&place, &[SHELF, ROOM, BROKEN]).await.err();
    assert!(matches!(failed, Some(Error::Migration { name, .. }) if name == "shelf-3"));

    let as_before = opened(&place, &[SHELF]).await.unwrap();
    assert_eq!(put(&as_before, "INSERT INTO shelf (name, room) VALUES ('top', 'cellar')").await.unwrap(), 1);
    drop(as_before);
    // Of the step that failed nothing is left.
    let mended = opened(&place, &[SHELF, ROOM, MENDED]).await.unwrap();
    assert_eq!(put(&mended, "INSERT INTO room (name) VALUES ('cellar')").await.unwrap(), 1);
}

async fn a_new_store_has_all_of_its_steps_or_none(place: Place) {
    const OTHER: &[Migration] = &[Migration::expand("shelf-1", "CREATE TABLE shelf (other TEXT)")];
    assert!(opened(&place, &[SHELF, BROKEN]).await.is_err());
    let another = opened(&place, OTHER).await.unwrap();
    assert_eq!(put(&another, "INSERT INTO shelf (other) VALUES ('top')").await.unwrap(), 1);
}
