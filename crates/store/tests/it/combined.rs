//! What asks that are decided together are promised, and statements for many rows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_kernel::SystemClock;
use bojagi_store::{Asked, Bind, Combined, Database, Error, LockKey, Migration, Store, Tx, params};
use bojagi_testkit::Place;
use tokio::sync::oneshot;

const MIGRATIONS: &[Migration] = &[Migration::expand(
    "stock-1",
    "CREATE TABLE stock (name TEXT PRIMARY KEY, available BIGINT NOT NULL,
        CONSTRAINT stock_available_not_negative CHECK (available >= 0));
     CREATE TABLE taken (buyer BIGINT PRIMARY KEY, quantity BIGINT NOT NULL);
     INSERT INTO stock (name, available) VALUES ('tea', 100), ('mug', 5);",
)];

/// What is asked for, by whom.
type Wish = (i64, i64);

/// Gives tea as long as there is some, and counts the units.
fn counter(store: &Store, units: Arc<AtomicUsize>) -> Combined<Wish, i64, Error> {
    Combined::new(
        store.clone(),
        |(buyer, _): &Wish| *buyer,
        |_: &Wish| [LockKey::named("stock", "tea")],
        async move |tx: &mut Tx, asks: &[&Asked<Wish>]| {
            units.fetch_add(1, Ordering::Relaxed);
            let (mut left,): (i64,) = tx.fetch_one("SELECT available FROM stock WHERE name = 'tea'", &[]).await?;
            let (mut answers, mut rows) = (Vec::new(), Vec::new());
            for Asked { ask: (buyer, quantity), .. } in asks {
                if *quantity < 0 {
                    return Err(Error::Defect("nobody can take less than nothing".into()));
                }
                if left < *quantity {
                    answers.push(Err(Error::NoRow));
                } else {
                    left -= quantity;
                    rows.push(vec![buyer.bind(), quantity.bind()]);
                    answers.push(Ok(left));
                }
            }
            tx.execute("UPDATE stock SET available = ?1 WHERE name = 'tea'", params![left]).await?;
            tx.execute_many("INSERT INTO taken (buyer, quantity) VALUES {(?1, ?2)}", &rows).await?;
            Ok(answers)
        },
    )
}

/// A store near its database, where units are one after the other.
async fn open(place: &Place) -> Store {
    let mut options = place.store("stock");
    if let Database::Postgres(server) = &mut options.database {
        server.near = Duration::from_secs(60);
    }
    Store::open(&options, MIGRATIONS, &SystemClock).await.unwrap()
}

/// Keeps the writer busy until it is told to go on.
async fn busy(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let (begins, begun) = oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let waits = async move |_: &mut Tx| -> Result<(), Error> {
            begins.send(()).unwrap();
            may_go_on.recv().unwrap();
            Ok(())
        };
        store.write(waits).await.unwrap();
    });
    begun.await.unwrap();
    go_on
}

/// Asks one after the other, while the writer is busy, and lets it go on when all are waiting.
async fn ask_at_once(
    store: &Store,
    counter: &Combined<Wish, i64, Error>,
    wishes: Vec<Wish>,
) -> Vec<tokio::task::JoinHandle<Result<i64, Error>>> {
    let go_on = busy(store).await;
    let mut asked = Vec::new();
    for wish in wishes {
        let counter = counter.clone();
        let (begins, begun) = oneshot::channel();
        asked.push(tokio::spawn(async move {
            let asking = counter.ask(wish);
            let mut asking = std::pin::pin!(asking);
            // The first look puts the ask in.
            let first = futures::poll!(&mut asking);
            begins.send(()).unwrap();
            match first {
                std::task::Poll::Ready(answer) => answer,
                std::task::Poll::Pending => asking.await,
            }
        }));
        begun.await.unwrap();
    }
    go_on.send(()).unwrap();
    asked
}

async fn sum(store: &Store) -> (i64, i64) {
    let row: Result<_, Error> = store
        .read(async |tx: &mut Tx| {
            let sql = "SELECT (SELECT available FROM stock WHERE name = 'tea'),
                              coalesce((SELECT CAST(sum(quantity) AS BIGINT) FROM taken), 0)";
            tx.fetch_one(sql, &[]).await
        })
        .await;
    row.unwrap()
}

on_both! {
    asks_that_wait_are_one_unit_in_the_order_in_which_they_came,
    an_ask_that_cannot_be_decided_fails_alone,
    asks_with_the_same_key_are_decided_one_after_the_other,
    callers_that_have_gone_ask_nothing,
    an_ask_that_is_alone_is_decided_at_once,
    more_than_one_unit_takes_are_all_answered,
    statements_for_many_rows_are_those_for_each,
}

async fn asks_that_wait_are_one_unit_in_the_order_in_which_they_came(place: Place) {
    let (store, units) = (open(&place).await, Arc::new(AtomicUsize::new(0)));
    let counter = counter(&store, Arc::clone(&units));
    let wishes = (0..30).map(|buyer| (buyer, 4)).collect();
    let mut answers = Vec::new();
    for asked in ask_at_once(&store, &counter, wishes).await {
        answers.push(asked.await.unwrap().ok());
    }
    let expected: Vec<_> = (0..30).map(|place| (place < 25).then_some(96 - 4 * place)).collect();
    assert_eq!(answers, expected, "who came first was served first");
    assert_eq!(units.load(Ordering::Relaxed), 1);
    assert_eq!(sum(&store).await, (0, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_units_go_side_by_side_those_that_come_later_are_the_next_unit() {
    let Some(place) = crate::servers::server() else { return };
    let store = Store::open(&place.store("stock"), MIGRATIONS, &SystemClock).await.unwrap();
    let units = Arc::new(AtomicUsize::new(0));
    let counter = counter(&store, Arc::clone(&units));
    let mut answers = Vec::new();
    for asked in ask_at_once(&store, &counter, (0..30).map(|buyer| (buyer, 4)).collect()).await {
        answers.push(asked.await.unwrap().ok());
    }
    let expected: Vec<_> = (0..30).map(|place| (place < 25).then_some(96 - 4 * place)).collect();
    assert_eq!(answers, expected, "who came first was served first");
    // The first ask was already waiting for its lock when the others came.
    assert_eq!(units.load(Ordering::Relaxed), 2);
    assert_eq!(sum(&store).await, (0, 100));
}

async fn an_ask_that_cannot_be_decided_fails_alone(place: Place) {
    let (store, units) = (open(&place).await, Arc::new(AtomicUsize::new(0)));
    let counter = counter(&store, units);
    let mut answers = Vec::new();
    for asked in ask_at_once(&store, &counter, vec![(1, 3), (2, -1), (3, 4)]).await {
        answers.push(asked.await.unwrap());
    }
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    assert!(matches!(answers[1], Err(Error::Defect(_))), "{answers:?}");
    assert_eq!(sum(&store).await, (93, 7));
}

async fn asks_with_the_same_key_are_decided_one_after_the_other(place: Place) {
    let store = open(&place).await;
    let rounds = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&rounds);
    let key = |(buyer, _): &Wish| *buyer;
    // Answers in which round it was decided.
    let counter = Combined::new(
        store.clone(),
        key,
        |_: &Wish| [],
        async move |_: &mut Tx, asks: &[&Asked<Wish>]| {
            let mut rounds = seen.lock().unwrap();
            rounds.push(asks.iter().map(|asked| asked.ask.0).collect::<Vec<_>>());
            let round = i64::try_from(rounds.len()).unwrap();
            Ok(asks.iter().map(|_| Ok(round)).collect())
        },
    );
    let wishes = [1, 2, 1, 3, 1, 3].map(|buyer| (buyer, 1)).to_vec();
    let mut answers = Vec::new();
    for asked in ask_at_once(&store, &counter, wishes).await {
        answers.push(asked.await.unwrap().unwrap());
    }
    assert_eq!(answers, [1, 1, 2, 1, 3, 2]);
    assert_eq!(*rounds.lock().unwrap(), [vec![1, 2, 3], vec![1, 3], vec![1]]);
}

async fn callers_that_have_gone_ask_nothing(place: Place) {
    let (store, units) = (open(&place).await, Arc::new(AtomicUsize::new(0)));
    let counter = counter(&store, units);
    let go_on = busy(&store).await;
    let mut gone = Box::pin(counter.ask((1, 10)));
    assert!(futures::poll!(&mut gone).is_pending());
    drop(gone);
    go_on.send(()).unwrap();
    assert_eq!(counter.ask((2, 1)).await.unwrap(), 99);
    assert_eq!(sum(&store).await, (99, 1));
}

async fn an_ask_that_is_alone_is_decided_at_once(place: Place) {
    let (store, units) = (open(&place).await, Arc::new(AtomicUsize::new(0)));
    let counter = counter(&store, Arc::clone(&units));
    for buyer in 0..5 {
        assert_eq!(counter.ask((buyer, 1)).await.unwrap(), 99 - buyer);
    }
    assert_eq!(units.load(Ordering::Relaxed), 5);
}

async fn more_than_one_unit_takes_are_all_answered(place: Place) {
    let (store, units) = (open(&place).await, Arc::new(AtomicUsize::new(0)));
    let counter = counter(&store, units);
    let wishes = (0..1_100).map(|buyer| (buyer, 1)).collect();
    let mut served = 0;
    for asked in ask_at_once(&store, &counter, wishes).await {
        served += usize::from(asked.await.unwrap().is_ok());
    }
    assert_eq!(served, 100);
    assert_eq!(sum(&store).await, (0, 100));
}

async fn statements_for_many_rows_are_those_for_each(place: Place) {
    let store = open(&place).await;
    let unit = async |tx: &mut Tx| -> Result<_, Error> {
        let pairs: Vec<_> = (0..77_i64).map(|buyer| (buyer, buyer % 3)).collect();
        let rows: Vec<_> = pairs.iter().map(|(buyer, quantity)| vec![buyer.bind(), quantity.bind()]).collect();
        let inserted = tx.execute_many("INSERT INTO taken (buyer, quantity) VALUES {(?1, ?2)}", &rows).await?;
        let updated = tx
            .execute_many(
                "UPDATE taken SET quantity = quantity + v.column2
                 FROM (VALUES {(?1, ?2)}) AS v WHERE taken.buyer = v.column1 AND quantity >= 1",
                &rows,
            )
            .await?;
        let some = "SELECT buyer, quantity FROM taken WHERE (buyer, quantity) IN (VALUES {(?1, ?2)})";
        let unchanged: Vec<(i64, i64)> = tx.fetch_many(some, &rows).await?;
        let keys: Vec<_> = pairs[..5].iter().map(|(buyer, _)| vec![buyer.bind()]).collect();
        let few: Vec<(i64,)> = tx.fetch_many("SELECT buyer FROM taken WHERE buyer IN ({?1})", &keys).await?;
        let none: Vec<(i64,)> = tx.fetch_many("SELECT buyer FROM taken WHERE buyer IN ({?1})", &[]).await?;
        Ok((inserted, updated, unchanged.len(), few.len(), none.len()))
    };
    // 26 of them are 0 and stay so.
    assert_eq!(store.write(unit).await.unwrap(), (77, 51, 26, 5, 0));
}
