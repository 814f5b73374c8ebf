//! Units that lock keys on PostgreSQL: who goes on at once, who waits, and that the log has one order all the same.

use std::sync::mpsc;
use std::time::Duration;

use bojagi_kernel::SystemClock;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Error, LockKey, Migration, Store, Tx, params};
use bojagi_testkit::{Place, eventually};
use tokio::task::JoinHandle;

use crate::facts::{FACTS, tell, tell_slowly};
use crate::servers::{patient, server, with};

const MIGRATIONS: &[Migration] = &[
    FACTS,
    Migration::expand("amounts-1", "CREATE TABLE amounts (number BIGINT PRIMARY KEY, amount BIGINT NOT NULL);"),
];

async fn open(place: &Place) -> Store {
    Store::open(&patient(place.store("sides")), MIGRATIONS, &SystemClock).await.unwrap()
}

fn key(name: &str) -> LockKey {
    LockKey::named("thing", name)
}

/// A unit that tells, and does not end before it is let go.
async fn hold(store: Store, keys: Vec<LockKey>) -> (mpsc::Sender<()>, JoinHandle<Result<(), Error>>) {
    let (let_go, held) = mpsc::channel::<()>();
    let (stands, standing) = tokio::sync::oneshot::channel();
    let unit = async move |tx: &mut Tx| {
        tx.execute("INSERT INTO amounts (number, amount) VALUES (0, 0)", &[]).await?;
        tell(tx, Uuid::now_v7(), "Held").await?;
        stands.send(()).unwrap();
        held.recv().unwrap();
        Ok::<_, Error>(())
    };
    let holding = tokio::spawn(async move { store.write_locking(keys, unit).await });
    standing.await.unwrap();
    (let_go, holding)
}

async fn write(store: Store, keys: Vec<LockKey>, kind: &'static str) -> Result<(), Error> {
    store.write_locking(keys, async move |tx: &mut Tx| tell(tx, Uuid::now_v7(), kind).await).await
}

async fn told(store: &Store) -> Vec<String> {
    let read: Result<Vec<(String,)>, Error> =
        store.read(async |tx: &mut Tx| tx.fetch_all("SELECT kind FROM facts ORDER BY position", &[]).await).await;
    read.unwrap().into_iter().map(|(kind,)| kind).collect()
}

/// How many transactions of the server wait for a lock of this store.
pub(crate) async fn waiting(store: &Store) -> i64 {
    let waiting: Result<(i64,), Error> = store
        .read(async |tx: &mut Tx| {
            tx.fetch_one(
                "SELECT count(*) FROM pg_locks w WHERE NOT w.granted AND EXISTS
                    (SELECT 1 FROM pg_stat_activity a WHERE a.pid = w.pid
                     AND a.application_name = current_setting('application_name'))",
                &[],
            )
            .await
        })
        .await;
    waiting.unwrap().0
}

/// The stores of three processes: opening one locks it, so they are opened first.
async fn three(place: &Place) -> [Store; 3] {
    [open(place).await, open(place).await, open(place).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_units_with_a_key_in_common_wait_for_each_other() {
    let Some(place) = server() else { return };
    let [one, other, third] = three(&place).await;
    let (let_go, holding) = hold(one.clone(), vec![key("a"), key("b")]).await;
    let same = tokio::spawn(write(other.clone(), vec![key("c"), key("b")], "Same"));
    eventually("it waits for the key", async || waiting(&other).await == 1).await;
    // In the process of the one that waits, and in another.
    write(other.clone(), vec![key("d")], "Here").await.unwrap();
    write(third, vec![key("e")], "There").await.unwrap();
    assert_eq!(told(&other).await, ["Here", "There"]);

    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    same.await.unwrap().unwrap();
    assert_eq!(told(&other).await, ["Here", "There", "Held", "Same"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn near_the_server_they_wait_for_each_other_whatever_they_lock() {
    let Some(place) = server() else { return };
    let near = with(place.store("sides"), |server| server.near = Duration::from_secs(60));
    let near = Store::open(&near, MIGRATIONS, &SystemClock).await.unwrap();
    let [one, other, _] = three(&place).await;
    let (let_go, holding) = hold(one, vec![key("a")]).await;
    let waits = tokio::spawn(write(near, vec![key("b")], "Near"));
    eventually("it waits for the unit", async || waiting(&other).await == 1).await;
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    waits.await.unwrap().unwrap();
    assert_eq!(told(&other).await, ["Held", "Near"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_locks_the_store_waits_for_all_and_all_for_it() {
    let Some(place) = server() else { return };
    let [one, other, third] = three(&place).await;
    let (let_go, holding) = hold(one, vec![key("a")]).await;
    let whole = other.clone();
    let whole =
        tokio::spawn(async move { whole.write(async |tx: &mut Tx| tell(tx, Uuid::now_v7(), "Whole").await).await });
    eventually("it waits for the unit", async || waiting(&other).await == 1).await;
    let later = tokio::spawn(write(third, vec![key("b")], "Later"));
    eventually("another one waits for it", async || waiting(&other).await == 2).await;
    assert_eq!(told(&other).await, [""; 0]);

    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    whole.await.unwrap().unwrap();
    later.await.unwrap().unwrap();
    assert_eq!(told(&other).await, ["Held", "Whole", "Later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_keys_than_can_be_locked_are_the_whole_store() {
    let Some(place) = server() else { return };
    let [one, other, third] = three(&place).await;
    let (let_go, holding) = hold(one, vec![key("a")]).await;
    write(third, (0..128).map(|number| key(&number.to_string())).collect(), "All").await.unwrap();
    let many = (0..129).map(|number| key(&number.to_string())).collect();
    let many = tokio::spawn(write(other.clone(), many, "Many"));
    eventually("it waits for the unit", async || waiting(&other).await == 1).await;
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    many.await.unwrap().unwrap();
    assert_eq!(told(&other).await, ["All", "Held", "Many"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_key_ends() {
    let Some(place) = server() else { return };
    let one = open(&place).await;
    let hasty = with(place.store("sides"), |server| server.lock_timeout = Duration::from_secs(1));
    let hasty = Store::open(&hasty, MIGRATIONS, &SystemClock).await.unwrap();
    let (let_go, holding) = hold(one, vec![key("a")]).await;
    let asking = hasty.write_locking([key("a")], async |tx: &mut Tx| tx.execute("SELECT 1", &[]).await);
    assert!(matches!(asking.await, Err(Error::Contended(_))));
    // What only tells comes to the lock with its commit.
    assert!(matches!(write(hasty.clone(), vec![key("a")], "Waited").await, Err(Error::NotCommitted(_))));
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    write(hasty.clone(), vec![key("a")], "After").await.unwrap();
    assert_eq!(told(&hasty).await, ["Held", "After"]);
}

/// Reads, and writes what it makes of it: right only if nobody writes the same in between. The two are locked in whatever
/// order they are named.
async fn move_one(store: Store, from: i64, to: i64) -> Result<(), Error> {
    let keys = [key(&from.to_string()), key(&to.to_string())];
    let unit = async move |tx: &mut Tx| {
        for (number, change) in [(from, -1), (to, 1)] {
            let sql = "SELECT amount FROM amounts WHERE number = ?1";
            let (amount,): (i64,) = tx.fetch_one(sql, params![number]).await?;
            tx.execute("UPDATE amounts SET amount = ?2 WHERE number = ?1", params![number, amount + change]).await?;
            tell(tx, Uuid::from_u128(number.unsigned_abs().into()), "Moved").await?;
        }
        if from % 10 == 0 { tell_slowly(tx, Uuid::now_v7(), "Left").await } else { Ok(()) }
    };
    store.write_locking(keys, unit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn units_side_by_side_lose_nothing_and_who_reads_by_position_misses_nothing() {
    const MOVERS: i64 = 16;
    const MOVES: i64 = 25;
    const AMOUNTS: i64 = 101;
    let Some(place) = server() else { return };
    let stores = [open(&place).await, open(&place).await];
    let filled: Result<(), Error> = stores[0]
        .write(async |tx: &mut Tx| {
            for number in 0..AMOUNTS {
                tx.execute("INSERT INTO amounts (number, amount) VALUES (?1, 0)", params![number]).await?;
            }
            Ok(())
        })
        .await;
    filled.unwrap();
    // In both directions between all kinds of pairs, none of which is a pair with itself.
    let pair = |mover: i64, number: i64| {
        let from = (mover * 37 + number * 11) % AMOUNTS;
        (from, (from + 1 + (mover + number * 7) % (AMOUNTS - 1)) % AMOUNTS)
    };
    let moves: Vec<_> = (0..MOVERS)
        .map(|mover| {
            let store = stores[usize::from(mover % 2 == 0)].clone();
            tokio::spawn(async move {
                for number in 0..MOVES {
                    let (from, to) = pair(mover, number);
                    move_one(store.clone(), from, to).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();

    let reader = open(&place).await;
    let (mut seen, mut position, mut all_seen) = (0, 0_i64, false);
    while !all_seen {
        let done = moves.iter().all(JoinHandle::is_finished);
        let news: Result<Vec<(i64,)>, Error> = reader
            .read(async move |tx: &mut Tx| {
                tx.fetch_all("SELECT position FROM facts WHERE position > ?1 ORDER BY position", params![position])
                    .await
            })
            .await;
        let news = news.unwrap();
        seen += news.len();
        position = news.last().map_or(position, |last| last.0);
        all_seen = done && news.is_empty();
    }
    assert_eq!(seen, told(&reader).await.len());
    for moved in moves {
        moved.await.unwrap().unwrap();
    }

    let mut expected = vec![0; AMOUNTS as usize];
    for (from, to) in (0..MOVERS).flat_map(|mover| (0..MOVES).map(move |number| pair(mover, number))) {
        expected[from as usize] -= 1;
        expected[to as usize] += 1;
    }
    let amounts: Result<Vec<(i64,)>, Error> =
        reader.read(async |tx: &mut Tx| tx.fetch_all("SELECT amount FROM amounts ORDER BY number", &[]).await).await;
    assert_eq!(amounts.unwrap().into_iter().map(|(amount,)| amount).collect::<Vec<_>>(), expected);
}
