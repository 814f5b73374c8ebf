//! Hearts of items and follows of stores. Each is kept in the same way in tables of its own: a row for each customer and thing, and
//! the number of rows with the thing. Whoever changes rows has locked their thing, and changes the number in the same unit.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, ItemId, StoreId};
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Bind, Column, Error, Filter, Tx, Value, params};

use crate::domain::favours::Changes;
use crate::domain::refusal::CatalogRefusal;

/// What customers give favours to.
pub(crate) trait Favoured: Copy + Ord + Into<Uuid> + Bind + Column + Send + Sync + 'static {
    /// Where they are kept.
    const KEPT: Kept;

    /// What is refused when there is no such thing, or it is deleted.
    fn not_found() -> CatalogRefusal;
}

/// Tables and columns of one kind of favour.
pub(crate) struct Kept {
    /// The table of what they are given to,
    things: &'static str,
    /// its key, which is a column of the other table too,
    key: &'static str,
    /// and its counter.
    counter: &'static str,
    /// The table of favours.
    favours: &'static str,
}

impl Favoured for ItemId {
    const KEPT: Kept = Kept { things: "item", key: "item_id", counter: "hearts", favours: "heart" };

    fn not_found() -> CatalogRefusal {
        CatalogRefusal::ItemNotFound
    }
}

impl Favoured for StoreId {
    const KEPT: Kept = Kept { things: "store", key: "store_id", counter: "followers", favours: "follow" };

    fn not_found() -> CatalogRefusal {
        CatalogRefusal::StoreNotFound
    }
}

/// How many favours things have; only of those that live.
pub(crate) async fn counts<Thing: Favoured>(
    tx: &mut Tx,
    things: &BTreeSet<Thing>,
) -> Result<BTreeMap<Thing, i64>, Error> {
    let keys: Vec<_> = things.iter().map(|thing| vec![thing.bind()]).collect();
    let Kept { things, key, counter, .. } = Thing::KEPT;
    let sql = format!("SELECT {key}, {counter} FROM {things} WHERE {key} IN ({{?1}}) AND deleted_at IS NULL");
    let found: Vec<(Thing, i64)> = tx.fetch_many(&sql, &keys).await?;
    Ok(found.into_iter().collect())
}

/// Which of these favours are given.
pub(crate) async fn given<Thing: Favoured>(
    tx: &mut Tx,
    wanted: &BTreeSet<(Thing, AccountId)>,
) -> Result<BTreeSet<(Thing, AccountId)>, Error> {
    let keys: Vec<_> = wanted.iter().map(|(thing, customer_id)| vec![thing.bind(), customer_id.bind()]).collect();
    let Kept { key, favours, .. } = Thing::KEPT;
    let sql = format!("SELECT {key}, customer_id FROM {favours} WHERE ({key}, customer_id) IN (VALUES {{(?1, ?2)}})");
    let found: Vec<(Thing, AccountId)> = tx.fetch_many(&sql, &keys).await?;
    Ok(found.into_iter().collect())
}

/// Stores what has become of favours.
pub(crate) async fn keep<Thing: Favoured>(tx: &mut Tx, changes: &Changes<Thing>, now: Moment) -> Result<(), Error> {
    let new: Vec<_> =
        changes.given.iter().map(|(thing, customer_id)| vec![thing.bind(), customer_id.bind(), now.bind()]).collect();
    let Kept { key, favours, .. } = Thing::KEPT;
    let sql = format!("INSERT INTO {favours} ({key}, customer_id, given_at) VALUES {{(?1, ?2, ?3)}}");
    tx.send_many(&sql, &new).await?;
    let gone: Vec<_> =
        changes.taken_back.iter().map(|(thing, customer_id)| vec![thing.bind(), customer_id.bind()]).collect();
    remove::<Thing>(tx, &gone).await?;
    count(tx, &changes.differences).await
}

/// Removes favours, each a row of thing and customer, and answers the things of those that were there.
async fn remove<Thing: Favoured>(tx: &mut Tx, rows: &[Vec<Value<'_>>]) -> Result<Vec<Thing>, Error> {
    let Kept { key, favours, .. } = Thing::KEPT;
    let sql = format!("DELETE FROM {favours} WHERE ({key}, customer_id) IN (VALUES {{(?1, ?2)}}) RETURNING {key}");
    let removed: Vec<(Thing,)> = tx.fetch_many(&sql, rows).await?;
    Ok(removed.into_iter().map(|(thing,)| thing).collect())
}

async fn count<Thing: Favoured>(tx: &mut Tx, differences: &BTreeMap<Thing, i64>) -> Result<(), Error> {
    let rows: Vec<_> = differences.iter().map(|(thing, difference)| vec![thing.bind(), difference.bind()]).collect();
    let Kept { things, key, counter, .. } = Thing::KEPT;
    let sql = format!(
        "UPDATE {things} SET {counter} = {counter} + v.column2
         FROM (VALUES {{(?1, ?2)}}) AS v WHERE {things}.{key} = v.column1"
    );
    tx.send_many(&sql, &rows).await
}

/// Where a page begins: after a favour to this thing, given at this moment.
pub(crate) type Place<Thing> = (Moment, Thing);

/// The living things to which a customer has given, and when; the latest first, at most `limit`, beginning after `after`.
pub(crate) async fn list<Thing: Favoured>(
    tx: &mut Tx,
    customer_id: AccountId,
    after: Option<&Place<Thing>>,
    limit: i64,
) -> Result<Vec<(Thing, Moment)>, Error> {
    let (sql, values) = list_statement(&customer_id, after, limit);
    tx.fetch_all(&sql, &values).await
}

fn list_statement<'a, Thing: Favoured>(
    customer_id: &'a AccountId,
    after: Option<&'a Place<Thing>>,
    limit: i64,
) -> (String, Vec<Value<'a>>) {
    let Kept { things, key, favours, .. } = Thing::KEPT;
    let mut filter = Filter::new();
    filter.and("f.customer_id = ?", [customer_id.bind()]);
    filter.and("t.deleted_at IS NULL", []);
    if let Some((given_at, thing)) = after {
        filter.and(&format!("(f.given_at, f.{key}) < (?, ?)"), [given_at.bind(), thing.bind()]);
    }
    let select = format!("SELECT f.{key}, f.given_at FROM {favours} f JOIN {things} t ON t.{key} = f.{key}");
    filter.statement(&select, &format!("f.given_at DESC, f.{key} DESC"), limit)
}

/// Some of the things to which a customer has given, deleted ones too; at most `limit`.
pub(crate) async fn of_customer<Thing: Favoured>(
    tx: &mut Tx,
    customer_id: AccountId,
    limit: i64,
) -> Result<Vec<Thing>, Error> {
    let found: Vec<(Thing,)> = tx.fetch_all(&of_customer_sql::<Thing>(), params![customer_id, limit]).await?;
    Ok(found.into_iter().map(|(thing,)| thing).collect())
}

fn of_customer_sql<Thing: Favoured>() -> String {
    let Kept { key, favours, .. } = Thing::KEPT;
    format!("SELECT {key} FROM {favours} WHERE customer_id = ?1 LIMIT ?2")
}

/// Takes back what a customer has given to these things; what was taken back before does not count.
pub(crate) async fn take_back<Thing: Favoured>(
    tx: &mut Tx,
    customer_id: AccountId,
    things: &[Thing],
) -> Result<(), Error> {
    let rows: Vec<_> = things.iter().map(|thing| vec![thing.bind(), customer_id.bind()]).collect();
    let taken_back = remove::<Thing>(tx, &rows).await?;
    count(tx, &taken_back.into_iter().map(|thing| (thing, -1)).collect()).await
}

/// Some of the deleted things that still have favours; at most `limit`.
pub(crate) async fn of_deleted<Thing: Favoured>(tx: &mut Tx, limit: i64) -> Result<Vec<Thing>, Error> {
    let found: Vec<(Thing,)> = tx.fetch_all(&of_deleted_sql::<Thing>(), params![limit]).await?;
    Ok(found.into_iter().map(|(thing,)| thing).collect())
}

fn of_deleted_sql<Thing: Favoured>() -> String {
    let Kept { things, key, counter, .. } = Thing::KEPT;
    format!("SELECT {key} FROM {things} WHERE deleted_at IS NOT NULL AND {counter} > 0 LIMIT ?1")
}

/// Takes back what customers have given to a thing, of at most `limit` of them, and says of how many.
pub(crate) async fn withdraw_from<Thing: Favoured>(tx: &mut Tx, thing: Thing, limit: i64) -> Result<i64, Error> {
    let Kept { key, favours, .. } = Thing::KEPT;
    let sql = format!(
        "DELETE FROM {favours} WHERE {key} = ?1
            AND customer_id IN (SELECT customer_id FROM {favours} WHERE {key} = ?1 LIMIT ?2)"
    );
    let withdrawn = tx.execute(&sql, params![thing, limit]).await?;
    let withdrawn = i64::try_from(withdrawn).unwrap_or(i64::MAX);
    count(tx, &[(thing, -withdrawn)].into()).await?;
    Ok(withdrawn)
}

#[cfg(test)]
mod tests;
