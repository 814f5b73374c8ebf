//! A connection and where it stands: in a transaction, in a unit, in a part of a unit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::{FutureExt, TryStreamExt};
use tokio_postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::connection::{Connection, Connector, LOCK_FAMILY, Purpose};
use super::errors::{ends_connection, explain, with_cause};
use super::statements::{declared, of_migration, with_dollars};
use super::transaction::{Ended, Transaction};
use crate::many::Asking;
use crate::{Error, Value};

/// How long the database is asked what became of a commit whose answer was lost.
const ASKED_FOR_OUTCOME: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);
const LOST: &str = "the connection broke, or the transaction could not begin";
const WENT_ON: &str = "it went on after a statement had failed; a part that may fail belongs into Tx::nested";

pub(crate) struct Session {
    connector: Arc<Connector>,
    purpose: Purpose,
    connection: Option<Connection>,
    transaction: Transaction,
    /// The number of the transaction, by which it can be asked for after the connection broke.
    number: Option<u64>,
    beginning: String,
    waiting: Arc<AtomicBool>,
}

impl Session {
    pub(super) fn new(connector: Arc<Connector>, purpose: Purpose) -> Self {
        Self {
            connector,
            purpose,
            connection: None,
            transaction: Transaction::default(),
            number: None,
            beginning: format!(
                "BEGIN;SELECT pg_advisory_xact_lock({LOCK_FAMILY}, hashtext(current_schema()));
                 SELECT pg_current_xact_id();"
            ),
            waiting: Arc::default(),
        }
    }

    /// True while a statement is waiting for the server: nothing else is a reason for a unit to wait.
    pub(super) fn waiting(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.waiting)
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let statement = self.prepare(sql, params).await?;
        let pending = self.transaction.take_pending();
        let client = self.client()?;
        let executed = client.execute_raw(&statement, params.iter().copied());
        let (told, executed) = futures::join!(tell(client, &pending), executed);
        self.settle(told, executed, sql)
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let statement = self.prepare(sql, params).await?;
        let pending = self.transaction.take_pending();
        let client = self.client()?;
        let rows = async { client.query_raw(&statement, params.iter().copied()).await?.try_collect().await };
        let (told, rows) = futures::join!(tell(client, &pending), rows);
        self.settle(told, rows, sql)
    }

    /// Executes several statements, which travel together and are done in their order.
    pub(crate) async fn execute_each(&mut self, statements: &[Asking<'_>]) -> Result<u64, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let prepared = self.prepare_each(statements).await?;
        let pending = self.transaction.take_pending();
        let client = self.client()?;
        let each = prepared.iter().zip(statements);
        let each = each.map(|(statement, asking)| client.execute_raw(statement, asking.params.iter().copied()));
        let (told, executed) = futures::join!(tell(client, &pending), join_all(each));
        // Behind the first that failed all others fail because of it.
        self.settle(told, executed.into_iter().sum(), first_of(statements))
    }

    /// The same for queries.
    pub(crate) async fn query_each(&mut self, statements: &[Asking<'_>]) -> Result<Vec<Row>, Error> {
        let _waiting = Waiting::begin(&self.waiting);
        let prepared = self.prepare_each(statements).await?;
        let pending = self.transaction.take_pending();
        let client = self.client()?;
        let each = prepared.iter().zip(statements).map(async |(statement, asking)| {
            client.query_raw(statement, asking.params.iter().copied()).await?.try_collect::<Vec<Row>>().await
        });
        let (told, rows) = futures::join!(tell(client, &pending), join_all(each));
        let rows: Result<Vec<Vec<Row>>, _> = rows.into_iter().collect();
        self.settle(told, rows.map(|rows| rows.into_iter().flatten().collect()), first_of(statements))
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
        let pending = self.transaction.take_pending();
        let client = self.client()?;
        let (told, executed) = futures::join!(tell(client, &pending), client.batch_execute(&sql));
        self.settle(told, executed, &sql)
    }

    pub(crate) fn begin_snapshot(&mut self) {
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

    /// Undoes the transaction without waiting: what is asked next comes after it.
    pub(crate) fn rollback(&mut self) {
        self.number = None;
        if self.transaction.end().is_some()
            && let Some(connection) = &self.connection
        {
            send(&connection.client, "ROLLBACK");
        }
    }

    /// Commits; when it answers, the transaction is on disk.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        let number = self.number.take();
        if self.transaction.is_lost() {
            self.rollback();
            return Err(Error::NotCommitted(LOST.into()));
        }
        let Some(pending) = self.transaction.end() else { return Ok(()) };
        let Some(connection) = &self.connection else { return Err(Error::NotCommitted(LOST.into())) };
        let Err(error) = connection.client.batch_execute(&format!("{pending}COMMIT")).await else { return Ok(()) };
        match error.as_db_error() {
            Some(said) if !ends_connection(said) => {
                send(&connection.client, "ROLLBACK");
                Err(Error::NotCommitted(said.to_string()))
            }
            _ => {
                self.connection = None;
                let problem = with_cause(&error);
                tracing::warn!(%problem, "the connection broke during a commit; the database is asked what became of it");
                match number {
                    Some(number) => self.ask_outcome(number, problem).await,
                    None => Err(Error::OutcomeUnknown(problem)),
                }
            }
        }
    }

    /// Tells other processes, without waiting.
    pub(super) fn notify(&self, channel: &str, text: &str) {
        if let Some(connection) = &self.connection {
            send(&connection.client, &format!("NOTIFY {channel}, '{text}'"));
        }
    }

    /// A commit whose answer was lost has either happened or not: the database knows the transaction by its number.
    async fn ask_outcome(&mut self, number: u64, problem: String) -> Result<(), Error> {
        let until = Instant::now() + ASKED_FOR_OUTCOME;
        while Instant::now() < until {
            match self.outcome(number).await {
                Ok(Some(true)) => return Ok(()),
                Ok(Some(false)) => return Err(Error::NotCommitted(problem)),
                // Still under way, or the server is not back yet.
                Ok(None) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(Error::OutcomeUnknown(problem))
    }

    async fn outcome(&mut self, number: u64) -> Result<Option<bool>, Error> {
        let connection = self.connected().await?;
        let sql = format!("SELECT pg_xact_status('{number}'::xid8)");
        let said = connection.client.simple_query(&sql).await.map_err(|error| explain(&error, &sql))?;
        Ok(said.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => match row.get(0) {
                Some("committed") => Some(true),
                Some("aborted") => Some(false),
                _ => None,
            },
            _ => None,
        }))
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
        if self.transaction.is_sent() && self.connection.as_ref().is_none_or(|open| open.client.is_closed()) {
            self.transaction.lose();
            return Err(Error::NotCommitted(LOST.into()));
        }
        let connected = self.connected().await.map(drop);
        if connected.is_err() {
            self.transaction.lose();
        }
        connected
    }

    async fn connected(&mut self) -> Result<&mut Connection, Error> {
        self.connection.take_if(|connection| connection.client.is_closed());
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect(self.purpose, None).await?,
        };
        Ok(self.connection.insert(connection))
    }

    fn client(&self) -> Result<&Client, Error> {
        self.connection.as_ref().map(|connection| &connection.client).ok_or_else(|| Error::NotCommitted(LOST.into()))
    }

    async fn prepare(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Statement, Error> {
        self.ready().await?;
        if let Some(known) = self.connection.as_ref().and_then(|connection| connection.statements.get(sql, params)) {
            return Ok(known);
        }
        if self.transaction.is_sent() {
            // What cannot be prepared fails like a statement: the savepoint has to be there before it.
            let pending = self.transaction.take_pending();
            let told = tell(self.client()?, &pending).await;
            self.settle(told, Ok(()), &pending)?;
        }
        let prepared = self.client()?.prepare_typed(&with_dollars(sql), &declared(params)).await;
        let statement = self.settle(Ok(None), prepared, sql)?;
        if let Some(connection) = &mut self.connection {
            connection.statements.keep(sql, statement.clone());
        }
        Ok(statement)
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
        if error.is_closed() || error.as_db_error().is_some_and(ends_connection) {
            self.transaction.lose();
            self.connection = None;
        }
        explain(error, sql)
    }
}

fn first_of<'a>(statements: &'a [Asking<'_>]) -> &'a str {
    statements.first().map_or("", |asking| asking.sql.as_str())
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
fn send(client: &Client, sql: &str) {
    if let Some(Err(error)) = client.batch_execute(sql).now_or_never() {
        tracing::debug!(%error, "the connection has gone");
    }
}

/// Says that a statement is waiting, for as long as it lives.
struct Waiting(Arc<AtomicBool>);

impl Waiting {
    fn begin(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(Arc::clone(flag))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
