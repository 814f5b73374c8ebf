//! The decision that the stores stand on: a unit of work on one hot row (conditional update, reservation, kept answer,
//! fact told), a transaction a request beside whole units on a writer thread and beside asks that are decided together, on the
//! same disk in one run. With a server
//! (`BOJAGI_TEST_POSTGRES=$(scripts/postgres start --durable)`) the same on PostgreSQL, and units about as many rows as there are
//! units, near the server and a millisecond away from it.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bojagi_bench::wire;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Moment, SystemClock};
use bojagi_store::{
    Asked, Bind, Combined, Database, Error, LockKey, Migration, Options, PostgresOptions, Store, Tx, idempotency,
    params,
};
use bojagi_testkit::{Place, SERVER_VARIABLE};
use futures::StreamExt;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, Statement};

const MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
    Migration::expand(
        "bench-1",
        "CREATE TABLE stock (id BIGINT PRIMARY KEY, available BIGINT NOT NULL CHECK (available >= 0));
              CREATE TABLE reservation (order_id UUID PRIMARY KEY, stock_id BIGINT NOT NULL, quantity BIGINT NOT NULL);
              INSERT INTO stock VALUES (1, 1000000000);
              CREATE TABLE wallet (id UUID PRIMARY KEY, points BIGINT NOT NULL);",
    ),
];

const TAKE: &str = "UPDATE stock SET available = available - 1 WHERE id = 1 AND available >= 1";
const RESERVE: &str = "INSERT INTO reservation (order_id, stock_id, quantity) VALUES (?1, 1, 1)";
const KEEP: &str = "INSERT INTO idempotency (caller, method, request_id, fingerprint, answer, answered_at)
                    VALUES ('order', 'ReserveStock', ?1, ?2, ?3, ?4)";
const TELL: &str = "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, payload)
                    VALUES (?1, 'bojagi.item.v1.StockReserved', ?1, 1, ?2, ?3)";
const FOR: Duration = Duration::from_secs(4);

async fn measure<F: Future<Output = ()>>(name: &str, in_flight: usize, unit: impl Fn() -> F) {
    let began = Instant::now();
    let mut latencies: Vec<Duration> = futures::stream::repeat_with(|| {
        let asked = Instant::now();
        let unit = unit();
        async move {
            unit.await;
            asked.elapsed()
        }
    })
    .take_while(|_| std::future::ready(began.elapsed() < FOR))
    .buffer_unordered(in_flight)
    .collect()
    .await;
    let a_second = latencies.len() as f64 / began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].as_micros();
    println!("| {name} | {in_flight} | {a_second:.0} | {} | {} |", at(0.5), at(0.99));
}

async fn on_the_writer(store: &Store) {
    let (id, now) = (Uuid::now_v7(), Moment::from_micros(0));
    let done: Result<(), Error> = store
        .write(async move |tx: &mut Tx| {
            tx.execute(TAKE, &[]).await?;
            tx.execute(RESERVE, params![id]).await?;
            tx.execute(KEEP, params![id, [0_u8; 32], vec![0_u8; 100], now]).await?;
            tx.execute(TELL, params![id, now, vec![0_u8; 100]]).await?;
            Ok(())
        })
        .await;
    done.unwrap();
}

/// The same unit for all that ask at the same moment: one statement a table.
fn decided_together(store: &Store) -> Combined<Uuid, (), Error> {
    Combined::new(
        store.clone(),
        |id: &Uuid| *id,
        // The row that everybody wants.
        |_: &Uuid| [LockKey::named("stock", "1")],
        async |tx: &mut Tx, asks: &[&Asked<Uuid>]| {
            let (now, digest, filling) = (Moment::from_micros(0), [0_u8; 32], vec![0_u8; 100]);
            let pieces = i64::try_from(asks.len()).unwrap();
            let take = "UPDATE stock SET available = available - ?1 WHERE id = 1 AND available >= ?1";
            tx.execute(take, params![pieces]).await?;
            let reserve = RESERVE.replace("(?1, 1, 1)", "{(?1, 1, 1)}");
            let reserved: Vec<_> = asks.iter().map(|asked| vec![asked.ask.bind()]).collect();
            tx.execute_many(&reserve, &reserved).await?;
            let keep = KEEP
                .replace("('order', 'ReserveStock', ?1, ?2, ?3, ?4)", "{('order', 'ReserveStock', ?1, ?2, ?3, ?4)}");
            let kept: Vec<_> =
                asks.iter().map(|asked| vec![asked.ask.bind(), digest.bind(), filling.bind(), now.bind()]).collect();
            tx.execute_many(&keep, &kept).await?;
            let tell = TELL.replace("(?1, 'bojagi", "{(?1, 'bojagi").replace("?2, ?3)", "?2, ?3)}");
            let told: Vec<_> = asks.iter().map(|asked| vec![asked.ask.bind(), now.bind(), filling.bind()]).collect();
            tx.execute_many(&tell, &told).await?;
            Ok(asks.iter().map(|_| Ok(())).collect())
        },
    )
}

/// What a pool of one writing connection does: SQLite has one writer, so more connections only wait for each other.
fn in_a_transaction(connection: &Mutex<rusqlite::Connection>) {
    let id = Uuid::now_v7();
    let id = id.as_bytes();
    let mut connection = connection.lock().unwrap();
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    tx.prepare_cached(TAKE).unwrap().execute([]).unwrap();
    tx.prepare_cached(RESERVE).unwrap().execute([id]).unwrap();
    tx.prepare_cached(KEEP).unwrap().execute(rusqlite::params![id, [0_u8; 32], [0_u8; 100], 0]).unwrap();
    tx.prepare_cached(TELL).unwrap().execute(rusqlite::params![id, 0, [0_u8; 100]]).unwrap();
    tx.commit().unwrap();
}

/// The same statements, each request in a transaction of its own on a connection of its own; the row that everybody wants
/// comes last, so that it is locked for the shortest time.
async fn on_postgres_in_a_transaction(client: &mut Client, statements: &[Statement; 4]) {
    let [take, reserve, keep, tell] = statements;
    let (id, nothing) = (Uuid::now_v7(), vec![0_u8; 100]);
    let (id, now) = (id.to_string(), std::time::SystemTime::UNIX_EPOCH);
    let tx = client.transaction().await.unwrap();
    tx.execute(reserve, &[&id]).await.unwrap();
    tx.execute(keep, &[&id, &nothing, &nothing, &now]).await.unwrap();
    tx.execute(tell, &[&id, &now, &nothing]).await.unwrap();
    tx.execute(take, &[]).await.unwrap();
    tx.commit().await.unwrap();
}

/// A connection with the naive form's statements, which are written for its driver: ids as text that becomes a `UUID`.
async fn connect(url: &str, schema: &str) -> (Client, [Statement; 4]) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
    let portable = |sql: &str| sql.replace("?1", "$1::text::uuid").replace('?', "$");
    let mut statements = Vec::new();
    for sql in [TAKE, RESERVE, KEEP, TELL] {
        statements.push(client.prepare(&portable(sql)).await.unwrap());
    }
    (client, statements.try_into().unwrap())
}

async fn on_a_server(place: &Place, url: &str) {
    let options = place.store("bench");
    let Database::Postgres(server) = &options.database else { unreachable!() };
    let schema = server.schema.clone().unwrap();
    let store = Store::open(&options, MIGRATIONS, &SystemClock).await.unwrap();
    let together = decided_together(&store);
    for in_flight in [1, 16, 64, 256] {
        // More connections than this only wait for the same row.
        let pool = tokio::sync::Mutex::new(Vec::new());
        let permits = Semaphore::new(in_flight.min(64));
        for _ in 0..in_flight.min(64) {
            pool.lock().await.push(connect(url, &schema).await);
        }
        measure("PostgreSQL, a transaction a request", in_flight, || async {
            let _permit = permits.acquire().await.unwrap();
            let (mut client, statements) = pool.lock().await.pop().unwrap();
            on_postgres_in_a_transaction(&mut client, &statements).await;
            pool.lock().await.push((client, statements));
        })
        .await;
        measure("PostgreSQL, units on the writer thread", in_flight, || on_the_writer(&store)).await;
        measure("PostgreSQL, decided together", in_flight, || async { together.ask(Uuid::now_v7()).await.unwrap() })
            .await;
    }
}

/// A unit about one thing: it reads, writes what it makes of it, keeps the answer, and tells.
async fn about(store: &Store, locking: bool) {
    let (id, now) = (Uuid::now_v7(), Moment::from_micros(0));
    let unit = async move |tx: &mut Tx| -> Result<(), Error> {
        let found: Option<(i64,)> = tx.fetch_optional("SELECT points FROM wallet WHERE id = ?1", params![id]).await?;
        let points = found.map_or(0, |(points,)| points) + 1;
        tx.execute("INSERT INTO wallet (id, points) VALUES (?1, ?2)", params![id, points]).await?;
        tx.execute(KEEP, params![id, [0_u8; 32], vec![0_u8; 100], now]).await?;
        bojagi_events::tell(tx, id, &Charged { filling: vec![0; 100] }, now).await?;
        Ok(())
    };
    let done = if locking { store.write_locking([LockKey::of(id)], unit).await } else { store.write(unit).await };
    done.unwrap();
}

#[derive(Clone, PartialEq, prost::Message)]
struct Charged {
    #[prost(bytes = "vec", tag = "1")]
    filling: Vec<u8>,
}

impl prost::Name for Charged {
    const NAME: &'static str = "Charged";
    const PACKAGE: &'static str = "bench.v1";
}

/// Many units about different things, at some distance from the server.
async fn far_from_a_server(place: &Place, url: &str, delay: Duration) {
    let near = PostgresOptions::at(url).unwrap();
    let (before, rest) = url.split_once("127.0.0.1:").unwrap();
    let (port, database) = rest.split_once('/').unwrap();
    let behind = wire::lay(format!("127.0.0.1:{port}").parse().unwrap(), delay).unwrap();
    let far = PostgresOptions::at(&format!("{before}{behind}/{database}")).unwrap();
    let Database::Postgres(prepared) = place.store("bench").database else { unreachable!() };
    let server = if delay.is_zero() { near } else { far };
    let server = server.in_schema(prepared.schema.as_deref().unwrap()).unwrap();
    let name = |what: &str| format!("{what}, {:.1} ms there and back", delay.as_secs_f64() * 2e3);
    for writers in [4, 16] {
        let mut server = server.clone();
        (server.writers, server.near) = (writers, Duration::ZERO);
        let options = Options::on(Database::Postgres(Box::new(server)));
        let store = Store::open(&options, MIGRATIONS, &SystemClock).await.unwrap();
        for in_flight in [1, 16, 64, 256] {
            if writers == 4 {
                measure(&name("units that lock the store"), in_flight, || about(&store, false)).await;
            }
            measure(&name(&format!("units that lock keys, {writers} writers")), in_flight, || about(&store, true))
                .await;
        }
    }
}

#[tokio::main]
async fn main() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("naive.sqlite");
    drop(Store::open(&Options::at(&path), MIGRATIONS, &SystemClock).await.unwrap());
    let naive = rusqlite::Connection::open(&path).unwrap();
    naive.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").unwrap();
    let naive = Arc::new(Mutex::new(naive));
    let options = Options::at(folder.path().join("writer.sqlite"));
    let store = Store::open(&options, MIGRATIONS, &SystemClock).await.unwrap();
    let together = decided_together(&store);

    println!("| how | in flight | units/s | p50 µs | p99 µs |\n|---|---|---|---|---|");
    for in_flight in [1, 16, 64, 256] {
        measure("a transaction a request", in_flight, || {
            let naive = Arc::clone(&naive);
            async move { tokio::task::spawn_blocking(move || in_a_transaction(&naive)).await.unwrap() }
        })
        .await;
        measure("units on the writer thread", in_flight, || on_the_writer(&store)).await;
        measure("decided together", in_flight, || async { together.ask(Uuid::now_v7()).await.unwrap() }).await;
    }
    if let (Some(place), Ok(url)) = (Place::on_postgres(), std::env::var(SERVER_VARIABLE)) {
        for delay in [0, 500] {
            far_from_a_server(&place, &url, Duration::from_micros(delay)).await;
        }
        on_a_server(&place, &url).await;
    }
}
