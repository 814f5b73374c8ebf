//! The end of a transaction: what is put into the log, the commit, and what became of one whose answer was lost.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use futures::future::join_all;
use tokio_postgres::{Row, SimpleQueryMessage, Statement};

use super::connection::{History, LOG_LOCK};
use super::errors::{ends_connection, explain, with_cause};
use super::session::{LOST, Session, send};
use crate::log_entry::{self, Place, in_order_of};
use crate::many::Asking;
use crate::row::Row as AnyRow;
use crate::{Error, FromRow, LogEntry};

/// How long the database is asked what became of a commit whose answer was lost.
const ASKED_FOR_OUTCOME: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

type Entries = [Box<dyn LogEntry>];

/// Kinds and positions of facts.
type Told = Vec<(&'static str, i64)>;

impl Session {
    /// Commits, with `entries` put into the log; when it answers, the transaction is on disk. Answers where they are.
    pub(super) async fn commit(&mut self, entries: &Entries) -> Result<Told, Error> {
        if self.transaction.is_lost() {
            self.rollback();
            return Err(Error::NotCommitted(LOST.into()));
        }
        if !entries.is_empty() {
            return self.append_and_commit(entries).await;
        }
        let number = self.number.take();
        let Some(words) = self.transaction.end() else { return Ok(Told::new()) };
        match self.client()?.batch_execute(&words).await {
            Ok(()) => Ok(Told::new()),
            Err(error) => self.explain_commit(error, number).await.map(|()| Told::new()),
        }
    }

    /// The lock of the log is held from before the first entry until the commit can be seen, so that positions become visible in
    /// their order although transactions run side by side. All of it is one journey.
    async fn append_and_commit(&mut self, entries: &Entries) -> Result<Told, Error> {
        let statements = log_entry::statements(entries)?;
        let prepared = match self.prepare_entries(&statements).await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.rollback();
                return Err(Error::NotCommitted(error.to_string()));
            }
        };
        let pending = self.transaction.end_with_more();
        let number = self.number.take();
        let client = self.client()?;
        let lock = format!("{pending}SELECT pg_advisory_xact_lock({LOG_LOCK}, hashtext(current_schema()));");
        let each = prepared.iter().zip(&statements).map(async |(statement, (asking, _))| {
            client.query_raw(statement, asking.params.iter().copied()).await?.try_collect::<Vec<Row>>().await
        });
        // They are done in their order. When one of them fails, what is meant as a commit undoes the transaction.
        let (locked, placed, committed) =
            futures::join!(client.batch_execute(&lock), join_all(each), client.batch_execute("COMMIT"));
        let placed: Result<Vec<_>, _> = placed.into_iter().collect();
        match locked.and(placed).and_then(|placed| committed.map(|()| placed)) {
            Ok(placed) => {
                Ok(statements.iter().zip(placed).flat_map(|((_, part), rows)| positions(part, &rows)).collect())
            }
            // When it has happened although the answer was lost, so were the positions: who follows the log looks for them.
            Err(error) => self.explain_commit(error, number).await.map(|()| Told::new()),
        }
    }

    async fn prepare_entries(&mut self, statements: &[(Asking<'_>, &Entries)]) -> Result<Vec<Statement>, Error> {
        let beginning = self.beginning.as_str();
        self.transaction.begin(beginning);
        self.connect_for_transaction().await?;
        // Units that only told have sent nothing yet. Without its number nobody can ask what became of the transaction.
        if !self.transaction.is_sent() {
            self.send_pending().await?;
        }
        let mut prepared = Vec::with_capacity(statements.len());
        for (asking, _) in statements {
            prepared.push(self.prepare_in_transaction(&asking.sql, &asking.params).await?);
        }
        Ok(prepared)
    }

    /// What a commit came to that was answered with an error, or not at all.
    async fn explain_commit(&mut self, error: tokio_postgres::Error, number: Option<u64>) -> Result<(), Error> {
        match error.as_db_error() {
            Some(said) if !ends_connection(said) => {
                if let Some(connection) = &self.connection {
                    send(&connection.client, "ROLLBACK");
                }
                Err(Error::NotCommitted(said.to_string()))
            }
            _ => {
                let history = self.connection.take().map(|connection| connection.history).unwrap_or_default();
                let problem = with_cause(&error);
                tracing::warn!(%problem, "the connection broke during a commit; the database is asked what became of it");
                match number {
                    Some(number) => self.ask_outcome(number, &history, problem).await,
                    None => Err(Error::OutcomeUnknown(problem)),
                }
            }
        }
    }

    /// A commit whose answer was lost has either happened or not: the database knows the transaction by its number, as long as it
    /// is the same database.
    async fn ask_outcome(&mut self, number: u64, history: &History, problem: String) -> Result<(), Error> {
        let until = Instant::now() + ASKED_FOR_OUTCOME;
        while Instant::now() < until {
            match self.outcome(number, history).await {
                Ok(Outcome::Committed) => return Ok(()),
                Ok(Outcome::Aborted) => return Err(Error::NotCommitted(problem)),
                Ok(Outcome::NobodyKnows) => break,
                // The server is not back yet.
                Ok(Outcome::UnderWay) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(Error::OutcomeUnknown(problem))
    }

    async fn outcome(&mut self, number: u64, history: &History) -> Result<Outcome, Error> {
        let connection = self.connected().await?;
        if connection.history != *history {
            tracing::error!(?history, now = ?connection.history, "another server took over during a commit");
            return Ok(Outcome::NobodyKnows);
        }
        let sql = format!("SELECT pg_xact_status('{number}'::xid8)");
        let said = connection.client.simple_query(&sql).await.map_err(|error| explain(&error, &sql))?;
        let status = said.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(match status {
            Some("committed") => Outcome::Committed,
            Some("aborted") => Outcome::Aborted,
            _ => Outcome::UnderWay,
        })
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Committed,
    Aborted,
    UnderWay,
    /// The server that took over may never have heard of it, and may have given its number to another.
    NobodyKnows,
}

/// Where entries are, by what their statement answered. They are committed, so nothing can fail because of it any more.
fn positions(entries: &Entries, rows: &[Row]) -> Told {
    let found = rows.iter().map(|row| Place::from_row(&AnyRow::of_postgres(row))).collect::<Result<Vec<_>, _>>();
    let places = found.and_then(|found| in_order_of(entries, &found)).unwrap_or_else(|error| {
        tracing::error!(%error, "where facts are in the log is not known");
        Vec::new()
    });
    entries.iter().zip(places).map(|(entry, place)| (entry.kind(), place.position)).collect()
}
