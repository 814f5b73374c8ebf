//! A connection and where it stands: in a transaction, in a unit, in a part of a unit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use futures::{FutureExt, TryStreamExt};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::ahead::{Ahead, Kind};
use super::connection::{Connection, Connector, Purpose, STORE_LOCK};
use super::errors::{ends_connection, explain, is_read_only, with_cause};
use super::statements::{declared, of_migration, with_dollars};
use super::transaction::{Ended, Transaction};
use crate::lock::{LockKey, Locks};
use crate::many::Asking;
use crate::value::OwnedValue;
use crate::{Error, Value};

pub(super) const LOST: &str = "the connection broke, or the transaction could not begin";
const WENT_ON: &str = "it went on after a statement had failed; a part that may fail belongs into Tx::nested";

pub(crate) struct Session {
    connector: Arc<Connector>,
    purpose: Purpose,
    pub(super) connection: Option<Connection>,
    pub(super) transaction: Transaction,
    ahead: Ahead,
    /// The number of the transaction, by which it can be asked for after the connection broke.
    pub(super) number: Option<u64>,
    pub(super) beginning: String,
    locks_store: bool,
    waiting: Arc<AtomicBool>,
}

impl Session {
    pub(super) fn new(connector: Arc<Connector>, purpose: Purpose) -> Self {
        Self {
            connector,
            purpose,
            connection: None,
            transaction: Transaction::default(),
            ahead: Ahead::default(),
            number: None,
            beginning: beginning(&Locks::Store),
            locks_store: true,
            waiting: Arc::default(),
        }
    }

    /// Has the next transaction lock this. The locks are taken before anything else of it, and let go when its commit can be
    /// seen.
    pub(super) fn lock(&mut self, locks: &Locks) {
        self.beginning = beginning(locks);
        self.locks_store = *locks == Locks::Store;
    }

    /// Whether the transaction locks the whole store.
    pub(crate) const fn locks_store(&self) -> bool {
        self.locks_store
    }

    /// Has the next transaction be one of one unit.
    pub(super) const fn expect_one_unit(&mut self) {
        self.transaction.expect_one_unit();
    }

    /// True while a statement is waiting for the server: nothing else is a reason for a unit to wait.
    pub(super) fn waiting(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.waiting)
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let statement = self.prepare(sql, params).await?;
        self.ask(sql, async |client| client.execute_raw(&statement, params.iter().copied()).await).await
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let statement = self.prepare(sql, params).await?;
        self.ask(sql, async |client| rows_of(client, &statement, params).await).await
    }

    /// Executes several statements, which travel together and are done in their order.
    pub(crate) async fn execute_each(&mut self, statements: &[Asking<'_>]) -> Result<u64, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let prepared = self.prepare_each(statements).await?;
        let each = prepared.iter().zip(statements);
        let ask = async |client: &Client| {
            let each = each.map(|(statement, asking)| client.execute_raw(statement, asking.params.iter().copied()));
            join_all(each).await.into_iter().sum()
        };
        // Behind the first that failed all others fail because of it.
        self.ask(first_of(statements), ask).await
    }

    /// The same for queries.
    pub(crate) async fn query_each(&mut self, statements: &[Asking<'_>]) -> Result<Vec<Row>, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let prepared = self.prepare_each(statements).await?;
        let each = prepared.iter().zip(statements);
        let ask = async |client: &Client| {
            let each = each.map(|(statement, asking)| rows_of(client, statement, &asking.params));
            let rows: Result<Vec<Vec<Row>>, _> = join_all(each).await.into_iter().collect();
            rows.map(|rows| rows.into_iter().flatten().collect())
        };
        self.ask(first_of(statements), ask).await
    }

    /// Asks the server, behind what was sent ahead and what is to come before it; all of it is one journey.
    async fn ask<T>(
        &mut self,
        sql: &str,
        asked: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let (ahead, pending) = self.take_ahead();
        let client = self.client()?;
        let (ahead, told, answer) = futures::join!(ahead.answers(), tell(client, &pending), asked(client));
        self.judge(ahead)?;
        self.settle(told, answer, sql)
    }

    /// Sends a statement, and what comes before it, without waiting for the answer.
    pub(crate) async fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let statement = self.prepare(sql, params).await?;
        let pending = self.transaction.take_pending();
        let client = self.connection.as_ref().map(|connection| Arc::clone(&connection.client));
        let client = client.ok_or_else(|| Error::NotCommitted(LOST.into()))?;
        if !pending.is_empty() {
            let client = Arc::clone(&client);
            let told = async move { tell(&client, &pending).await };
            self.ahead.send(Kind::Words, told.boxed()).await;
        }
        let params: Vec<_> = params.iter().map(OwnedValue::from).collect();
        let executed = async move {
            let params = params.iter().map(OwnedValue::borrowed);
            client.execute_raw(&statement, params).await.map(|_| None)
        };
        self.ahead.send(Kind::Statement(sql.to_owned()), executed.boxed()).await;
        Ok(())
    }

    /// Waits for what was sent.
    pub(crate) async fn settle_ahead(&mut self) -> Result<(), Error> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        let _waiting = Waiting::begin(&self.waiting);
        let answers = std::mem::take(&mut self.ahead).answers().await;
        self.judge(answers)
    }

    /// What was sent, and what is to be sent before the next statement.
    fn take_ahead(&mut self) -> (Ahead, String) {
        (std::mem::take(&mut self.ahead), self.transaction.take_pending())
    }

    /// Draws from the answers where the transaction stands. All behind the first that failed have failed because of it.
    fn judge(&mut self, answers: Vec<(Kind, Result<Option<u64>, tokio_postgres::Error>)>) -> Result<(), Error> {
        for (kind, answer) in answers {
            match (kind, answer) {
                (Kind::Words, told) => self.settle(told, Ok(()), "the beginning of a unit")?,
                (Kind::Statement(sql), executed) => self.settle(Ok(None), executed, &sql).map(drop)?,
            }
        }
        Ok(())
    }

    async fn prepare_each(&mut self, statements: &[Asking<'_>]) -> Result<Vec<Statement>, Error> {
        let mut prepared = Vec::with_capacity(statements.len());
        for asking in statements {
            prepared.push(self.prepare(&asking.sql, &asking.params).await?);
        }
        Ok(prepared)
    }

    pub(crate) async fn execute_batch(&mut self, sql: &str) -> Result<(), Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let sql = of_migration(sql);
        self.ready().await?;
        self.ask(&sql, async |client| client.batch_execute(&sql).await).await
    }

    pub(crate) fn begin_snapshot(&mut self) {
        self.ahead = Ahead::default();
        self.transaction = Transaction::default();
        self.transaction.begin_snapshot();
    }

    pub(crate) fn end_unit(&mut self, keep: bool) -> Result<(), Error> {
        match self.transaction.end_unit(keep) {
            Ended::AsAsked => Ok(()),
            Ended::UndoneInstead => Err(Error::Defect(WENT_ON.into())),
        }
    }

    pub(crate) fn begin_nested(&mut self) {
        self.begin_unit();
        self.transaction.begin_part();
    }

    pub(crate) fn release_nested(&mut self) -> Result<(), Error> {
        match self.transaction.end_part(true) {
            Ended::AsAsked => Ok(()),
            Ended::UndoneInstead => Err(Error::Defect(WENT_ON.into())),
        }
    }

    pub(crate) fn undo_nested(&mut self) {
        self.transaction.end_part(false);
    }

    pub(crate) const fn lost_transaction(&self) -> bool {
        self.transaction.is_lost()
    }

    /// Whether the connection stands.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.client.is_closed())
    }

    /// Whether there is a transaction: units that ask nothing of the server need none.
    pub(super) const fn has_begun(&self) -> bool {
        self.transaction.has_begun()
    }

    /// Undoes the transaction without waiting: what is asked next comes after it.
    pub(crate) fn rollback(&mut self) {
        self.number = None;
        self.ahead = Ahead::default();
        if self.transaction.end().is_some()
            && let Some(connection) = &self.connection
        {
            send(&connection.client, "ROLLBACK");
        }
    }

    /// Tells other processes, without waiting.
    pub(super) fn notify(&self, channel: &str, text: &str) {
        if let Some(connection) = &self.connection {
            send(&connection.client, &format!("NOTIFY {channel}, '{text}'"));
        }
    }

    fn begin_unit(&mut self) {
        if self.purpose == Purpose::Writing {
            self.transaction.begin_unit(&self.beginning);
        }
    }

    /// Connected, and in a unit.
    async fn ready(&mut self) -> Result<(), Error> {
        if self.transaction.is_lost() {
            return Err(Error::NotCommitted(LOST.into()));
        }
        self.begin_unit();
        self.connect_for_transaction().await
    }

    pub(super) async fn connect_for_transaction(&mut self) -> Result<(), Error> {
        if self.transaction.is_sent() && !self.is_connected() {
            self.transaction.lose();
            return Err(Error::NotCommitted(LOST.into()));
        }
        let connected = self.connected().await.map(drop);
        if connected.is_err() {
            self.transaction.lose();
        }
        connected
    }

    pub(super) async fn connected(&mut self) -> Result<&mut Connection, Error> {
        self.connection.take_if(|connection| connection.client.is_closed());
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect(self.purpose, None).await?,
        };
        Ok(self.connection.insert(connection))
    }

    pub(super) fn client(&self) -> Result<&Client, Error> {
        self.connection
            .as_ref()
            .map(|connection| connection.client.as_ref())
            .ok_or_else(|| Error::NotCommitted(LOST.into()))
    }

    async fn prepare(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Statement, Error> {
        self.ready().await?;
        self.prepare_in_transaction(sql, params).await
    }

    pub(super) async fn prepare_in_transaction(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Statement, Error> {
        if let Some(known) = self.connection.as_ref().and_then(|connection| connection.statements.get(sql, params)) {
            return Ok(known);
        }
        if self.transaction.is_sent() {
            // What cannot be prepared fails like a statement: the savepoint has to be there before it, and what was sent has to
            // have succeeded.
            self.settle_ahead().await?;
            self.send_pending().await?;
        }
        let prepared = self.client()?.prepare_typed(&with_dollars(sql), &declared(params)).await;
        let statement = self.settle(Ok(None), prepared, sql)?;
        if let Some(connection) = &mut self.connection {
            connection.statements.keep(sql, statement.clone());
        }
        Ok(statement)
    }

    /// Sends what would travel in front of the next statement.
    pub(super) async fn send_pending(&mut self) -> Result<(), Error> {
        let pending = self.transaction.take_pending();
        let told = tell(self.client()?, &pending).await;
        self.settle(told, Ok(()), &pending)
    }

    /// Draws from what the server said to the pending words and to the statement where the transaction stands now.
    fn settle<T>(
        &mut self,
        told: Result<Option<u64>, tokio_postgres::Error>,
        outcome: Result<T, tokio_postgres::Error>,
        sql: &str,
    ) -> Result<T, Error> {
        match told {
            Ok(number) => self.number = number.or(self.number),
            Err(error) => {
                self.transaction.lose();
                return Err(self.explain(&error, sql));
            }
        }
        outcome.map_err(|error| {
            self.transaction.fail();
            self.explain(&error, sql)
        })
    }

    fn explain(&mut self, error: &tokio_postgres::Error, sql: &str) -> Error {
        let takes_no_writes = self.purpose == Purpose::Writing && is_read_only(error);
        if takes_no_writes || error.is_closed() || error.as_db_error().is_some_and(ends_connection) {
            self.transaction.lose();
            self.connection = None;
        }
        if takes_no_writes { Error::Unreachable(with_cause(error)) } else { explain(error, sql) }
    }
}

/// Begins a transaction, takes its locks, and asks for its number.
fn beginning(locks: &Locks) -> String {
    match locks {
        Locks::Store => format!(
            "BEGIN;SELECT pg_current_xact_id(), pg_advisory_xact_lock({STORE_LOCK}, hashtext(current_schema()));"
        ),
        // The keys come in order, so that no two transactions wait for each other.
        Locks::Keys(keys) => format!(
            "BEGIN;SELECT pg_current_xact_id(), pg_advisory_xact_lock_shared({STORE_LOCK}, hashtext(current_schema()));
             SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), key)) FROM unnest('{{{}}}'::bigint[]) AS key;",
            keys.iter().map(|key| LockKey::number(*key).to_string()).collect::<Vec<_>>().join(",")
        ),
    }
}

fn first_of<'a>(statements: &'a [Asking<'_>]) -> &'a str {
    statements.first().map_or("", |asking| asking.sql.as_str())
}

async fn rows_of(
    client: &Client,
    statement: &Statement,
    params: &[Value<'_>],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    client.query_raw(statement, params.iter().copied()).await?.try_collect().await
}

/// Sends what comes before a statement; answers the number of the transaction if one began.
async fn tell(client: &Client, pending: &str) -> Result<Option<u64>, tokio_postgres::Error> {
    if pending.is_empty() {
        return Ok(None);
    }
    let said = client.simple_query(pending).await?;
    Ok(said.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    }))
}

/// Sends without waiting for the answer: polling once hands it to the connection, which drops the answer.
pub(super) fn send(client: &Client, sql: &str) {
    if let Some(Err(error)) = client.batch_execute(sql).now_or_never() {
        tracing::debug!(%error, "the connection has gone");
    }
}

/// Says that a statement is waiting, for as long as it lives; one may be inside another.
struct Waiting {
    flag: Arc<AtomicBool>,
    before: bool,
}

impl Waiting {
    fn begin(flag: &Arc<AtomicBool>) -> Self {
        Self { before: flag.swap(true, Ordering::Relaxed), flag: Arc::clone(flag) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.flag.store(self.before, Ordering::Relaxed);
    }
}
