//! What a unit of work promises. The contract holds for every database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bojagi_kernel::id::RequestId;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Moment, SystemClock};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{Bind, Error, Migration, Options, Store, Tx, params};
use bojagi_testkit::Place;

use crate::facts::{FACTS, tell};

const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    FACTS,
    Migration::expand(
        "stock-1",
        "CREATE TABLE stock (
                name TEXT PRIMARY KEY,
                available BIGINT NOT NULL,
                colour TEXT,
                CONSTRAINT stock_available_not_negative CHECK (available >= 0)
            );
            CREATE UNIQUE INDEX stock_colour_key ON stock (colour);
            CREATE TABLE everything (an_integer BIGINT, a_flag BOOLEAN, a_text TEXT, some_bytes BYTEA, a_uuid UUID,
                a_moment TIMESTAMPTZ);",
    ),
];

async fn open(place: &Place) -> Store {
    Store::open(&place.store("stock"), MIGRATIONS, &SystemClock).await.unwrap()
}

async fn put(store: &Store, name: &'static str, available: i64) -> Result<u64, Error> {
    store
        .write(async move |tx: &mut Tx| {
            tx.execute("INSERT INTO stock (name, available) VALUES (?1, ?2)", params![name, available]).await
        })
        .await
}

async fn available(store: &Store, name: &'static str) -> Option<i64> {
    let row: Result<Option<(i64,)>, Error> = store
        .read(async move |tx: &mut Tx| {
            tx.fetch_optional("SELECT available FROM stock WHERE name = ?1", params![name]).await
        })
        .await;
    row.unwrap().map(|(available,)| available)
}

on_both! {
    a_hundred_units_at_once_take_exactly_what_is_there,
    a_unit_that_fails_undoes_only_itself,
    a_panic_and_a_foreign_await_fail_only_their_unit,
    constraints_are_known_by_their_names,
    a_part_of_a_unit_can_fail_alone,
    what_did_not_happen_is_not_announced,
    what_is_sent_is_done_in_its_place_and_fails_what_it_is_part_of,
    facts_of_one_thing_stay_in_order_and_a_unit_may_only_tell,
    what_was_answered_is_there_after_reopening,
    reads_cannot_write,
    a_caller_that_goes_away_takes_back_a_unit_that_has_not_begun,
    a_full_queue_refuses_at_once,
    an_answer_is_recalled_under_its_key_and_no_other,
    every_type_comes_back_as_it_went_and_null_has_a_type,
    sums_counts_and_conditions_are_numbers,
}

async fn a_hundred_units_at_once_take_exactly_what_is_there(place: Place) {
    let store = open(&place).await;
    put(&store, "tea", 37).await.unwrap();
    let takers: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(async |tx: &mut Tx| {
                        let sql = "UPDATE stock SET available = available - 1 WHERE name = 'tea' AND available >= 1";
                        tx.execute(sql, &[]).await
                    })
                    .await
            })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += taker.await.unwrap().unwrap();
    }
    assert_eq!((taken, available(&store, "tea").await), (37, Some(0)));
}

async fn a_unit_that_fails_undoes_only_itself(place: Place) {
    let store = open(&place).await;
    let failing = store.write(async |tx: &mut Tx| -> Result<(), Error> {
        tx.execute("INSERT INTO stock (name, available) VALUES ('half', 1)", &[]).await?;
        Err(Error::NoRow)
    });
    let (before, failed, after) = tokio::join!(put(&store, "before", 1), failing, put(&store, "after", 1));
    assert!(before.is_ok() && after.is_ok() && matches!(failed, Err(Error::NoRow)));
    assert_eq!(available(&store, "half").await, None);
    assert_eq!(available(&store, "before").await, Some(1));
    assert_eq!(available(&store, "after").await, Some(1));
}

async fn a_panic_and_a_foreign_await_fail_only_their_unit(place: Place) {
    let store = open(&place).await;
    let panicked = store.write(async |tx: &mut Tx| -> Result<(), Error> {
        tx.execute("INSERT INTO stock (name, available) VALUES ('half', 1)", &[]).await?;
        assert_eq!(1, 2, "a defect");
        Ok(())
    });
    assert!(matches!(panicked.await, Err(Error::Defect(_))));
    let waited = store.write(async |_: &mut Tx| -> Result<(), Error> {
        std::future::pending::<()>().await;
        Ok(())
    });
    assert!(matches!(waited.await, Err(Error::Defect(_))));
    assert_eq!(available(&store, "half").await, None);
    assert!(put(&store, "after", 1).await.is_ok());
}

async fn constraints_are_known_by_their_names(place: Place) {
    let store = open(&place).await;
    assert_eq!(put(&store, "tea", -1).await.unwrap_err().constraint(), Some("stock_available_not_negative"));
    let coloured = async |name: &'static str| {
        store
            .write(async move |tx: &mut Tx| {
                let sql = "INSERT INTO stock (name, available, colour) VALUES (?1, 1, 'red')";
                tx.execute(sql, params![name]).await
            })
            .await
    };
    coloured("tea").await.unwrap();
    assert_eq!(coloured("cup").await.unwrap_err().constraint(), Some("stock_colour_key"));
}

async fn a_part_of_a_unit_can_fail_alone(place: Place) {
    let store = open(&place).await;
    let outcome: Result<bool, Error> = store
        .write(async |tx: &mut Tx| {
            tx.execute("INSERT INTO stock (name, available) VALUES ('whole', 1)", &[]).await?;
            let part: Result<(), Error> = tx
                .nested(async |tx: &mut Tx| {
                    tx.execute("INSERT INTO stock (name, available) VALUES ('part', 1)", &[]).await?;
                    Err(Error::NoRow)
                })
                .await;
            Ok(part.is_err())
        })
        .await;
    assert!(outcome.unwrap());
    assert_eq!(available(&store, "whole").await, Some(1));
    assert_eq!(available(&store, "part").await, None);
}

const PUT: &str = "INSERT INTO stock (name, available) VALUES (?1, ?2)";

async fn what_is_sent_is_done_in_its_place_and_fails_what_it_is_part_of(place: Place) {
    let store = open(&place).await;
    let sums: Result<(i64, i64), Error> = store
        .write(async |tx: &mut Tx| {
            tx.send(PUT, params!["tea", 1_i64]).await?;
            tx.send_many(
                "INSERT INTO stock (name, available) VALUES {(?1, ?2)}",
                &[vec!["cup".bind(), 2_i64.bind()], vec!["pot".bind(), 4_i64.bind()], vec!["jar".bind(), 8_i64.bind()]],
            )
            .await?;
            let sql = "SELECT CAST(sum(available) AS BIGINT) FROM stock";
            let (before,): (i64,) = tx.fetch_one(sql, &[]).await?;
            tx.send("UPDATE stock SET available = available * 2", &[]).await?;
            let (after,): (i64,) = tx.fetch_one(sql, &[]).await?;
            Ok((before, after))
        })
        .await;
    assert_eq!(sums.unwrap(), (15, 30));

    let negative = async |tx: &mut Tx, name: &'static str| -> Result<(), Error> {
        tx.send(PUT, params![name, 1_i64]).await?;
        tx.send(PUT, params![name, -1_i64]).await?;
        tx.send(PUT, params![name, 1_i64]).await
    };
    // At the end of the unit; with a statement that waits; in a part.
    let at_the_end = store.write(async move |tx: &mut Tx| negative(tx, "end").await).await;
    assert_eq!(at_the_end.unwrap_err().constraint(), Some("stock_available_not_negative"));
    let before_another = store.write(async move |tx: &mut Tx| {
        tx.send(PUT, params!["before", -1_i64]).await?;
        tx.execute(PUT, params!["another", 1_i64]).await
    });
    assert_eq!(before_another.await.unwrap_err().constraint(), Some("stock_available_not_negative"));
    let in_a_part = store.write(async move |tx: &mut Tx| {
        tx.send(PUT, params!["whole", 1_i64]).await?;
        let part = tx.nested(async |tx: &mut Tx| negative(tx, "part").await).await;
        tx.send(PUT, params!["after", 1_i64]).await?;
        Ok::<_, Error>(part)
    });
    let part = in_a_part.await.unwrap();
    assert_eq!(part.unwrap_err().constraint(), Some("stock_available_not_negative"));
    let there = async |name| available(&store, name).await.is_some();
    assert_eq!((there("end").await, there("before").await, there("another").await), (false, false, false));
    assert_eq!((there("whole").await, there("part").await, there("after").await), (true, false, true));
    // A unit that refuses after it has sent something undoes it, and the next one goes on.
    let refused: Result<(), Error> = store
        .write(async |tx: &mut Tx| {
            tx.send(PUT, params!["refused", -1_i64]).await?;
            Err(Error::NoRow)
        })
        .await;
    assert!(matches!(refused, Err(Error::NoRow | Error::Constraint { .. })), "{refused:?}");
    put(&store, "next", 1).await.unwrap();
    assert!(!there("refused").await);
}

async fn what_did_not_happen_is_not_announced(place: Place) {
    let store = open(&place).await;
    let kept: Result<(), Error> = store
        .write(async move |tx: &mut Tx| {
            tx.execute("INSERT INTO stock (name, available) VALUES ('kept', 1)", &[]).await?;
            tell(tx, Uuid::now_v7(), "Kept").await?;
            let part: Result<(), Error> = tx
                .nested(async |tx: &mut Tx| {
                    tell(tx, Uuid::now_v7(), "Part").await?;
                    Err(Error::NoRow)
                })
                .await;
            assert!(part.is_err());
            Ok(())
        })
        .await;
    kept.unwrap();
    let failed: Result<(), Error> = store
        .write(async move |tx: &mut Tx| {
            tx.execute("INSERT INTO stock (name, available) VALUES ('failed', 1)", &[]).await?;
            tell(tx, Uuid::now_v7(), "Failed").await?;
            Err(Error::NoRow)
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(store.latest_fact(["Part", "Failed"]), 0);
    assert_eq!(store.latest_fact(["Kept"]), 1);
    assert_eq!(kinds(&store).await, ["Kept"]);
}

async fn kinds(store: &Store) -> Vec<String> {
    let told: Result<Vec<(String,)>, Error> =
        store.read(async |tx: &mut Tx| tx.fetch_all("SELECT kind FROM facts ORDER BY position", &[]).await).await;
    told.unwrap().into_iter().map(|(kind,)| kind).collect()
}

async fn facts_of_one_thing_stay_in_order_and_a_unit_may_only_tell(place: Place) {
    let store = open(&place).await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let telling: Result<(), Error> = store
        .write(async move |tx: &mut Tx| {
            for (about, kind) in [(one, "A"), (other, "B"), (one, "C"), (one, "D")] {
                tell(tx, about, kind).await?;
            }
            Ok(())
        })
        .await;
    telling.unwrap();
    assert_eq!(kinds(&store).await, ["A", "B", "C", "D"]);
    assert_eq!((store.latest_fact(["A"]), store.latest_fact(["D"])), (1, 4));
}

async fn what_was_answered_is_there_after_reopening(place: Place) {
    let store = open(&place).await;
    put(&store, "tea", 5).await.unwrap();
    drop(store);
    assert_eq!(available(&open(&place).await, "tea").await, Some(5));
}

async fn reads_cannot_write(place: Place) {
    let store = open(&place).await;
    let written: Result<u64, Error> = store.read(async |tx: &mut Tx| tx.execute("DELETE FROM stock", &[]).await).await;
    assert!(written.is_err());
}

async fn a_caller_that_goes_away_takes_back_a_unit_that_has_not_begun(place: Place) {
    let store = open(&place).await;
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let blocker = tokio::spawn({
        let store = store.clone();
        // Holds the writer up until the test has withdrawn what waits behind it.
        async move {
            let unit = async move |_: &mut Tx| {
                started.send(()).unwrap();
                held.recv().unwrap();
                Ok::<_, Error>(())
            };
            store.write(unit).await
        }
    });
    has_started.await.unwrap();
    let begun = Arc::new(AtomicBool::new(false));
    {
        let begun = Arc::clone(&begun);
        let withdrawn = store.write(async move |_: &mut Tx| -> Result<(), Error> {
            begun.store(true, Ordering::SeqCst);
            Ok(())
        });
        assert!(futures::FutureExt::now_or_never(withdrawn).is_none());
    }
    hold.send(()).unwrap();
    blocker.await.unwrap().unwrap();
    put(&store, "after", 1).await.unwrap();
    assert!(!begun.load(Ordering::SeqCst));
}

async fn a_full_queue_refuses_at_once(place: Place) {
    let options = Options { queue: 2, ..place.store("stock") };
    let store = Store::open(&options, MIGRATIONS, &SystemClock).await.unwrap();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let blocker = tokio::spawn({
        let store = store.clone();
        async move {
            let unit = async move |_: &mut Tx| {
                started.send(()).unwrap();
                held.recv().unwrap();
                Ok::<_, Error>(())
            };
            store.write(unit).await
        }
    });
    has_started.await.unwrap();
    let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(store.write(async |_: &mut Tx| Ok::<_, Error>(())))).collect();
    // Polled once, so that they are queued before the next is tried.
    assert!(waiting.iter_mut().all(|unit| futures::FutureExt::now_or_never(unit).is_none()));
    assert!(matches!(put(&store, "more", 1).await, Err(Error::Overloaded)));
    hold.send(()).unwrap();
    blocker.await.unwrap().unwrap();
    assert!(futures::future::join_all(waiting).await.iter().all(Result::is_ok));
    assert!(put(&store, "more", 1).await.is_ok());
}

async fn an_answer_is_recalled_under_its_key_and_no_other(place: Place) {
    let store = open(&place).await;
    let key = Key { caller: "a".into(), method: "Take", request_id: RequestId::generate(), fingerprint: [1; 32] };
    let now = Moment::from_micros(0);
    let recalled: Result<_, Error> = store
        .write(async move |tx: &mut Tx| {
            let before = idempotency::recall(tx, &key).await?;
            idempotency::remember(tx, &key, b"answer", now).await?;
            let same = idempotency::recall(tx, &key).await?;
            let other = idempotency::recall(tx, &Key { fingerprint: [2; 32], ..key.clone() }).await?;
            let stranger = idempotency::recall(tx, &Key { caller: "b".into(), ..key.clone() }).await?;
            let forgotten = idempotency::forget(tx, now + idempotency::KEPT_FOR * 2, 10).await?;
            Ok((before, same, other, stranger, forgotten))
        })
        .await;
    let answered = Recalled::Answered(b"answer".to_vec());
    assert_eq!(recalled.unwrap(), (Recalled::New, answered, Recalled::Reused, Recalled::New, 1));
}

type Everything = (Option<i64>, Option<bool>, Option<String>, Option<Vec<u8>>, Option<Uuid>, Option<Moment>);

async fn every_type_comes_back_as_it_went_and_null_has_a_type(place: Place) {
    let store = open(&place).await;
    let full: Everything = (
        Some(i64::MIN),
        Some(true),
        Some("보자기 ?1".into()),
        Some(vec![0, 255]),
        Some(Uuid::now_v7()),
        Some(Moment::from_micros(-1)),
    );
    let none: Everything = (None, None, None, None, None, None);
    for given in [full, none] {
        let wanted = given.clone();
        let found: Result<Option<Everything>, Error> = store
            .write(async move |tx: &mut Tx| {
                let (integer, flag, text, bytes, uuid, moment) = &given;
                tx.execute("DELETE FROM everything", &[]).await?;
                tx.execute(
                    "INSERT INTO everything (an_integer, a_flag, a_text, some_bytes, a_uuid, a_moment)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![integer, flag, text, bytes, uuid, moment],
                )
                .await?;
                tx.fetch_optional(
                    "SELECT an_integer, a_flag, a_text, some_bytes, a_uuid, a_moment FROM everything
                     WHERE (?1 IS NULL OR an_integer = ?1) AND (?2 IS NULL OR a_flag = ?2) AND (?3 IS NULL OR a_text = ?3)
                       AND (?4 IS NULL OR some_bytes = ?4) AND (?5 IS NULL OR a_uuid = ?5)
                       AND (?6 IS NULL OR a_moment = ?6)",
                    params![integer, flag, text, bytes, uuid, moment],
                )
                .await
            })
            .await;
        assert_eq!(found.unwrap(), Some(wanted));
    }
}

async fn sums_counts_and_conditions_are_numbers(place: Place) {
    let store = open(&place).await;
    put(&store, "tea", 40_000).await.unwrap();
    put(&store, "cup", 2_345).await.unwrap();
    let read: Result<(i64, i64, i64, bool), Error> = store
        .read(async |tx: &mut Tx| {
            tx.fetch_one(
                "SELECT sum(available), count(*), 1, EXISTS (SELECT 1 FROM stock WHERE name = 'tea') FROM stock",
                &[],
            )
            .await
        })
        .await;
    assert_eq!(read.unwrap(), (42_345, 2, 1, true));
}

#[tokio::test]
async fn nothing_stays_of_a_unit_whose_transaction_sqlite_gives_up() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = Options::at(folder.path().join("stock.sqlite"));
    let store = Store::open(&place, MIGRATIONS, &SystemClock).await.unwrap();
    let pages = async |tx: &mut Tx, sql: &str| tx.fetch_all::<(i64,)>(sql, &[]).await.map(drop);
    let unit = store.write(async move |tx: &mut Tx| {
        let sql = "INSERT INTO everything (some_bytes) VALUES (?1)";
        tx.execute(sql, params![b"before".as_slice()]).await?;
        // A full disk, as SQLite sees it.
        pages(tx, "PRAGMA max_page_count = 1").await?;
        let large = vec![0_u8; 1_000_000];
        let part = tx.nested(async |tx: &mut Tx| tx.execute(sql, params![large]).await).await;
        assert!(part.is_err());
        let after = tx.execute(sql, params![b"after".as_slice()]).await;
        assert!(matches!(after, Err(Error::NotCommitted(_))), "{after:?}");
        Ok::<_, Error>(())
    });
    assert!(matches!(unit.await, Err(Error::NotCommitted(_))));
    let count: Result<(i64,), Error> =
        store.read(async |tx: &mut Tx| tx.fetch_one("SELECT count(*) FROM everything", &[]).await).await;
    assert_eq!(count.unwrap(), (0,));
    store.write(async move |tx: &mut Tx| pages(tx, "PRAGMA max_page_count = 1000000").await).await.unwrap();
    put(&store, "tea", 1).await.unwrap();
}
