//! What several processes on one PostgreSQL store promise each other, and what happens when the server or the wire fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bojagi_kernel::SystemClock;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Database, Error, Migration, Options, PostgresOptions, Store, Tx, params};
use bojagi_telemetry::metrics::Metrics;
use bojagi_testkit::{Place, SERVER_VARIABLE, eventually};

use crate::facts::{FACTS, tell};
use crate::proxy::{Cut, Proxy};
use crate::side_by_side::waiting;

const MIGRATIONS: &[Migration] = &[
    FACTS,
    Migration::expand(
        "stock-1",
        "CREATE TABLE stock (name TEXT PRIMARY KEY, available BIGINT NOT NULL);
         CREATE TABLE log (position INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);
         INSERT INTO stock (name, available) VALUES ('tea', 37);",
    ),
];

/// A place on the server of the environment, if it names one.
pub(crate) fn server() -> Option<Place> {
    let place = Place::on_postgres();
    if place.is_none() {
        eprintln!("skipped: {SERVER_VARIABLE} names no server");
    }
    place
}

async fn open(options: &Options) -> Store {
    Store::open(options, MIGRATIONS, &SystemClock).await.unwrap()
}

/// The same store with other limits.
pub(crate) fn with(options: Options, change: impl FnOnce(&mut PostgresOptions)) -> Options {
    let Options { database: Database::Postgres(mut server), queue, readers, service } = options else { unreachable!() };
    change(&mut server);
    Options { database: Database::Postgres(server), queue, readers, service }
}

/// The same for who stands still in a test, or waits for one that does: no time-out of theirs is what ends it.
pub(crate) fn patient(options: Options) -> Options {
    let minute = Duration::from_secs(60);
    with(options, |server| {
        (server.silence_timeout, server.lock_timeout, server.statement_timeout) = (minute, minute, minute);
    })
}

async fn log(store: &Store, text: &'static str) -> Result<(), Error> {
    store
        .write(async move |tx: &mut Tx| tx.execute("INSERT INTO log (text) VALUES (?1)", params![text]).await.map(drop))
        .await
}

async fn logged(store: &Store) -> Vec<String> {
    let read: Result<Vec<(String,)>, Error> =
        store.read(async |tx: &mut Tx| tx.fetch_all("SELECT text FROM log ORDER BY position", &[]).await).await;
    read.unwrap().into_iter().map(|(text,)| text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_a_file_holds_the_same_and_is_indexed_in_the_same_way() {
    let Some(place) = server() else { return };
    let options = place.store("stock");
    log(&open(&options).await, "opened").await.unwrap();
    let Database::Postgres(server) = &options.database else { unreachable!() };
    let path = place.folder().join("copy.sqlite");
    bojagi_store::copy_to_file(server, &path).await.unwrap();

    let copy = rusqlite::Connection::open(&path).unwrap();
    let text = |sql: &str, column: usize| copy.query_row(sql, [], |row| row.get::<_, String>(column)).unwrap();
    assert_eq!(text("SELECT name || available FROM stock", 0), "tea37");
    assert_eq!(text("SELECT position || text FROM log", 0), "1opened");
    for sql in ["SELECT * FROM stock WHERE name = 'tea'", "SELECT * FROM log WHERE position = 1"] {
        let plan = text(&format!("EXPLAIN QUERY PLAN {sql}"), 3);
        assert!(plan.contains("USING INDEX"), "{sql}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn units_of_two_processes_follow_each_other() {
    let Some(place) = server() else { return };
    let stores = [open(&place.store("stock")).await, open(&place.store("stock")).await];
    let takers: Vec<_> = (0..100)
        .map(|number| {
            let store = stores[number % 2].clone();
            // Reads, then writes what it makes of it: right only if nobody writes in between.
            let take = async |tx: &mut Tx| -> Result<bool, Error> {
                let (left,): (i64,) = tx.fetch_one("SELECT available FROM stock", &[]).await?;
                if left == 0 {
                    return Ok(false);
                }
                tx.execute("UPDATE stock SET available = ?1", params![left - 1]).await?;
                Ok(true)
            };
            tokio::spawn(async move { store.write(take).await })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(taker.await.unwrap().unwrap());
    }
    assert_eq!(taken, 37);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_open_a_new_store_at_once_make_it_once() {
    let Some(place) = server() else { return };
    let options = place.store("stock");
    let stores = futures::future::join_all((0..4).map(|_| open(&options))).await;
    for store in &stores {
        log(store, "open").await.unwrap();
    }
    assert_eq!(logged(&stores[0]).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_by_position_misses_nothing() {
    let Some(place) = server() else { return };
    let stores = [open(&place.store("stock")).await, open(&place.store("stock")).await];
    let tellers: Vec<_> = (0..200)
        .map(|number| {
            let store = stores[number % 2].clone();
            tokio::spawn(async move { log(&store, "told").await })
        })
        .collect();
    let reader = open(&place.store("stock")).await;
    let (mut read, mut position) = (0, 0_i64);
    while read < 200 {
        let told = tellers.iter().all(tokio::task::JoinHandle::is_finished);
        let news: Result<Vec<(i64,)>, Error> = reader
            .read(async move |tx: &mut Tx| {
                tx.fetch_all("SELECT position FROM log WHERE position > ?1 ORDER BY position", params![position]).await
            })
            .await;
        let news = news.unwrap();
        read += news.len();
        position = news.last().map_or(position, |last| last.0);
        assert!(!(told && news.is_empty()), "{read} of 200 were seen");
    }
    for teller in tellers {
        teller.await.unwrap().unwrap();
    }
}

/// What a metric says of a store.
fn seen(metric: &str, server: &PostgresOptions) -> Option<f64> {
    let text = Metrics::of_process("0.0.0").text().unwrap();
    let schema = server.schema.as_deref().unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("{metric}{{")) && line.contains(schema))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_away_the_server_is_can_be_seen() {
    let Some(place) = server() else { return };
    let options = place.store("stock");
    let Database::Postgres(server) = &options.database else { unreachable!() };
    let began = Instant::now();
    let store = open(&options).await;
    log(&store, "somebody writes").await.unwrap();
    let (seconds, took) = (seen("bojagi_store_journey_seconds", server), began.elapsed().as_secs_f64());
    let seconds = seconds.expect("it is counted");
    assert!(0.0 < seconds && seconds < took, "{seconds} s of {took}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_tells_another_hears() {
    let Some(place) = server() else { return };
    let stores = [open(&place.store("stock")).await, open(&place.store("stock")).await];
    // The second listens a moment after it was opened: told until it is heard.
    eventually("the other hears of it", async || {
        let told: Result<(), Error> = stores[0].write(async |tx: &mut Tx| tell(tx, Uuid::now_v7(), "Told").await).await;
        told.unwrap();
        stores[1].latest_fact(["Told"]) > 0
    })
    .await;
    assert_eq!(stores[1].latest_fact(["Else"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_goes_on_after_a_failed_statement_is_undone() {
    let Some(place) = server() else { return };
    let store = open(&place.store("stock")).await;
    let outcome = store.write(async |tx: &mut Tx| {
        tx.execute("INSERT INTO log (text) VALUES ('half')", &[]).await?;
        let twice = tx.execute("INSERT INTO stock (name, available) VALUES ('tea', 1)", &[]).await;
        assert_eq!(twice.unwrap_err().constraint(), Some("stock_pkey"));
        Ok::<_, Error>(())
    });
    let (failed, other) = tokio::join!(outcome, log(&store, "other"));
    assert!(matches!(failed, Err(Error::Defect(_))), "{failed:?}");
    other.unwrap();
    assert_eq!(logged(&store).await, ["other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_undoes_what_was_not_committed_and_is_made_again() {
    let Some(place) = server() else { return };
    let store = open(&place.store("stock")).await;
    let ended = store.write(async |tx: &mut Tx| {
        tx.execute("INSERT INTO log (text) VALUES ('half')", &[]).await?;
        tx.execute("SELECT pg_terminate_backend(pg_backend_pid())", &[]).await
    });
    assert!(matches!(ended.await, Err(Error::Unreachable(_))));
    log(&store, "after").await.unwrap();
    assert_eq!(logged(&store).await, ["after"]);
}

/// A1: what was answered to have happened is there once, what was answered not to have happened is not there.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_true_while_connections_break() {
    const WRITERS: usize = 8;
    const UNITS: usize = 40;
    let Some(place) = server() else { return };
    let stores = [open(&place.store("stock")).await, open(&place.store("stock")).await];
    let answered = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, answered) = (stores[writer % 2].clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut outcomes = Vec::with_capacity(UNITS);
                for unit in 0..UNITS {
                    let text = format!("{writer}-{unit}");
                    let row = text.clone();
                    let write = async move |tx: &mut Tx| {
                        tx.execute("UPDATE stock SET available = available + 1", &[]).await?;
                        tx.execute("INSERT INTO log (text) VALUES (?1)", params![row]).await.map(drop)
                    };
                    let outcome: Result<(), Error> = store.write(write).await;
                    outcomes.push((text, outcome));
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                outcomes
            })
        })
        .collect();
    let mut ended = 0;
    for cut in 1..10 {
        eventually("units are answered", async || answered.load(Ordering::SeqCst) >= cut * WRITERS * UNITS / 10).await;
        // There may be none just now, because they were cut a moment ago.
        ended += place.cut_connections().await;
    }
    assert!(ended > 0);
    let mut happened = Vec::new();
    for writer in writers {
        for (text, outcome) in writer.await.unwrap() {
            match outcome {
                Ok(()) => happened.push(text),
                // The server can be asked what became of a commit, so nothing stays unknown.
                Err(error) => assert!(matches!(error, Error::NotCommitted(_) | Error::Unreachable(_)), "{error:?}"),
            }
        }
    }
    let mut found = logged(&stores[0]).await;
    happened.sort();
    found.sort();
    assert_eq!(found, happened);
    let available: Result<(i64,), Error> =
        stores[1].read(async |tx: &mut Tx| tx.fetch_one("SELECT available FROM stock", &[]).await).await;
    assert_eq!(available.unwrap().0, 37 + found.len() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_and_nothing_waits_for_ever() {
    let Some(place) = server() else { return };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = PostgresOptions::at(&format!("postgres://a@{closed}/shop")).unwrap();
    let opened = Store::open(&Options::on(Database::Postgres(Box::new(nowhere))), MIGRATIONS, &SystemClock).await;
    assert!(matches!(opened.err(), Some(Error::Unreachable(_))));
    drop(place);
}

/// The wire between a store and its server, and the store.
async fn behind_a_proxy(place: &Place) -> (Proxy, Store) {
    let url = std::env::var(SERVER_VARIABLE).unwrap();
    let (before, rest) = url.split_once("127.0.0.1:").unwrap();
    let (port, database) = rest.split_once('/').unwrap();
    let proxy = Proxy::to(format!("127.0.0.1:{port}").parse().unwrap()).await;
    let Database::Postgres(direct) = place.store("stock").database else { unreachable!() };
    let behind = PostgresOptions::at(&format!("{before}{}/{database}", proxy.address)).unwrap();
    let behind = behind.in_schema(&direct.schema.unwrap()).unwrap();
    (proxy, open(&Options::on(Database::Postgres(Box::new(behind)))).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_asked_for() {
    let Some(place) = server() else { return };
    let (proxy, store) = behind_a_proxy(&place).await;
    proxy.cut(Cut::AfterCommit);
    log(&store, "kept").await.unwrap();
    proxy.cut(Cut::BeforeCommit);
    assert!(matches!(log(&store, "gone").await, Err(Error::NotCommitted(_))));
    log(&store, "after").await.unwrap();
    assert_eq!(logged(&store).await, ["kept", "after"]);
}

/// A unit that has written, then stands still until it is let go, and goes on.
fn stand_still(store: &Store) -> (mpsc::Sender<()>, tokio::sync::oneshot::Receiver<()>, Standing) {
    let (let_go, held) = mpsc::channel::<()>();
    let (stands, standing) = tokio::sync::oneshot::channel();
    let store = store.clone();
    let unit = async move |tx: &mut Tx| {
        tx.execute("INSERT INTO log (text) VALUES ('stood still')", &[]).await?;
        stands.send(()).unwrap();
        held.recv().unwrap();
        tx.fetch_one::<(i64,)>("SELECT count(*) FROM log", &[]).await.map(drop)
    };
    (let_go, standing, tokio::spawn(async move { store.write(unit).await }))
}

type Standing = tokio::task::JoinHandle<Result<(), Error>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_may_take_longer_than_a_statement_of_a_request() {
    const SLOW: &[Migration] =
        &[Migration::expand("slept-1", "CREATE TABLE slept AS SELECT pg_sleep(2)::text AS text")];
    let Some(place) = server() else { return };
    let hasty = with(place.store("stock"), |server| server.statement_timeout = Duration::from_secs(1));
    let store = Store::open(&hasty, SLOW, &SystemClock).await.unwrap();
    let slow: Result<(String,), Error> =
        store.write(async |tx: &mut Tx| tx.fetch_one("SELECT pg_sleep(2)::text", &[]).await).await;
    assert!(matches!(slow, Err(Error::TimedOut(_))), "{slow:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_lets_others_go_first_while_somebody_reads_what_it_changes() {
    const ROOM: &[Migration] = &[
        MIGRATIONS[0],
        MIGRATIONS[1],
        Migration::expand("stock-2", "ALTER TABLE stock ADD COLUMN room BIGINT NOT NULL DEFAULT 0"),
    ];
    async fn left(tx: &mut Tx) -> Result<(i64,), Error> {
        tx.fetch_one("SELECT available FROM stock", &[]).await
    }
    let Some(place) = server() else { return };
    let options = patient(place.store("stock"));
    let (one, other) = (open(&options).await, open(&options).await);
    let (let_go, held) = mpsc::channel::<()>();
    let (reads, reading) = tokio::sync::oneshot::channel();
    let unit = async move |tx: &mut Tx| {
        left(tx).await?;
        reads.send(()).unwrap();
        held.recv().unwrap();
        left(tx).await
    };
    let backup = tokio::spawn(async move { one.read(unit).await });
    reading.await.unwrap();

    let migrating = tokio::spawn(async move { Store::open(&options, ROOM, &SystemClock).await.map(drop) });
    eventually("the step waits for the one who reads", async || waiting(&other).await > 0).await;
    assert_eq!(other.read(left).await.unwrap(), (37,), "who comes later waits behind the step, and not for long");
    let_go.send(()).unwrap();
    assert_eq!(backup.await.unwrap().unwrap(), (37,));
    migrating.await.unwrap().unwrap();
    let room: Result<(i64,), Error> =
        other.read(async |tx: &mut Tx| tx.fetch_one("SELECT room FROM stock", &[]).await).await;
    assert_eq!(room.unwrap(), (0,));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_another_process_ends() {
    let Some(place) = server() else { return };
    let one = open(&patient(place.store("stock"))).await;
    let other = open(&with(place.store("stock"), |server| server.lock_timeout = Duration::from_secs(1))).await;
    let (let_go, standing, blocker) = stand_still(&one);
    standing.await.unwrap();
    assert!(matches!(log(&other, "waited").await, Err(Error::Contended(_))));
    let options = place.store("stock");
    let Database::Postgres(server) = &options.database else { unreachable!() };
    assert_eq!(seen("bojagi_store_commits_failed_total", server), Some(0.0), "nothing was lost by that");
    let_go.send(()).unwrap();
    blocker.await.unwrap().unwrap();
    log(&other, "came after").await.unwrap();
    assert_eq!(logged(&one).await, ["stood still", "came after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_loses_its_transaction() {
    let Some(place) = server() else { return };
    let one = open(&with(place.store("stock"), |server| server.silence_timeout = Duration::from_secs(1))).await;
    let other = open(&patient(place.store("stock"))).await;
    let (let_go, standing, blocker) = stand_still(&one);
    standing.await.unwrap();
    log(&other, "went past").await.unwrap();
    let_go.send(()).unwrap();
    assert!(blocker.await.unwrap().is_err());
    let options = place.store("stock");
    let Database::Postgres(server) = &options.database else { unreachable!() };
    assert_eq!(seen("bojagi_store_commits_failed_total", server), Some(1.0), "whoever watches sees it");
    log(&one, "woke").await.unwrap();
    assert_eq!(logged(&one).await, ["went past", "woke"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_shows_and_is_done_without_while_it_is_gone() {
    let Some(place) = server() else { return };
    let url = std::env::var(SERVER_VARIABLE).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at =
        |replica: String| with(place.store("stock"), |server| *server = server.clone().with_replica(&replica).unwrap());
    let (with_one, without) = (open(&at(url)).await, open(&at(format!("postgres://a@{closed}/shop"))).await);
    let count = async |store: &Store| -> Result<i64, Error> {
        store.show(async |tx: &mut Tx| tx.fetch_one("SELECT count(*) FROM log", &[]).await.map(|(count,)| count)).await
    };
    log(&with_one, "shown").await.unwrap();
    assert_eq!(count(&with_one).await.unwrap(), 1);
    assert!(matches!(count(&without).await, Err(Error::Unreachable(_))), "it is not known yet that it is gone");
    assert_eq!(count(&without).await.unwrap(), 1);
}
