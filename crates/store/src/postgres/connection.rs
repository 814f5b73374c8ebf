//! Connecting, and what every connection is told first.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bojagi_tls::ClientFiles;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Notification, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::PostgresOptions;
use super::errors::{ends_connection, with_cause};
use super::statements::Statements;
use crate::{Error, counted};

/// How long nothing is tried after connecting failed, so that what waits fails at once instead of one after the other.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);
/// How long a replica is left alone after it could not be reached.
const REST_OF_A_REPLICA: Duration = Duration::from_secs(5);
/// Journeys that are measured on connecting, the shortest of which counts; and one that leaves no doubt.
const JOURNEYS: usize = 20;
const FAR: Duration = Duration::from_millis(10);
/// The first half of the number of the advisory lock of a store: the second is by schema.
pub(super) const STORE_LOCK: i32 = 0x626f_6a61;
/// The same of the lock of its log.
pub(super) const LOG_LOCK: i32 = 0x626f_6a62;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Writing,
    Reading,
    Listening,
}

/// A connection and the statements that are prepared on it.
pub(super) struct Connection {
    pub(super) client: Arc<Client>,
    pub(super) statements: Statements,
    pub(super) history: History,
}

/// Which history of the database a connection is about, if the server says it: a copy that takes over begins a new one, in which
/// the numbers of transactions that it has never seen are given out again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History(Option<String>);

/// Makes connections to one store.
pub(super) struct Connector {
    options: PostgresOptions,
    tls: Option<MakeRustlsConnect>,
    failed: Mutex<Option<(Instant, String)>>,
    /// The shortest journey to the server and back that was seen on connecting.
    journey: Mutex<Option<Duration>>,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, Error> {
        let tls = options.verified.then(|| verifying(options.ca_file.as_deref())).transpose()?;
        Ok(Self { options: options.clone(), tls, failed: Mutex::default(), journey: Mutex::default() })
    }

    /// How long a journey to the server and back takes at least, as far as it is known.
    pub(super) fn journey(&self) -> Option<Duration> {
        *self.journey.lock()
    }

    /// Whether units are better done one after the other; while it is not known how far the server is, they are.
    pub(super) fn is_near(&self) -> bool {
        !self.options.near.is_zero() && self.journey().is_none_or(|journey| journey < self.options.near)
    }

    /// Whether connecting failed not long ago.
    pub(super) fn failed_lately(&self) -> bool {
        self.failed.lock().as_ref().is_some_and(|(since, _)| since.elapsed() < REST_OF_A_REPLICA)
    }

    /// Connects; notifications go to `heard`.
    pub(super) async fn connect(
        &self,
        purpose: Purpose,
        heard: Option<mpsc::UnboundedSender<Notification>>,
    ) -> Result<Connection, Error> {
        if let Some((since, problem)) = &*self.failed.lock()
            && since.elapsed() < PAUSE_AFTER_FAILURE
        {
            return Err(Error::Unreachable(problem.clone()));
        }
        let connected = tokio::time::timeout(self.options.connect_timeout, self.try_connect(purpose, heard)).await;
        let problem = match connected {
            Ok(Ok((client, history))) => {
                *self.failed.lock() = None;
                return Ok(Connection { client: Arc::new(client), statements: Statements::default(), history });
            }
            Ok(Err(error)) => explain(&error),
            Err(_) => Error::Unreachable(format!("no answer within {:?}", self.options.connect_timeout)),
        };
        *self.failed.lock() = Some((Instant::now(), problem.to_string()));
        Err(problem)
    }

    async fn try_connect(
        &self,
        purpose: Purpose,
        heard: Option<mpsc::UnboundedSender<Notification>>,
    ) -> Result<(Client, History), tokio_postgres::Error> {
        let mut server = self.options.server.clone();
        if purpose != Purpose::Reading {
            server.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if server.get_application_name().is_none() {
            server.application_name("bojagi");
        }
        let client = match &self.tls {
            Some(tls) => open(&server, tls.clone(), heard).await?,
            None => open(&server, NoTls, heard).await?,
        };
        client.batch_execute(&self.first_words()).await?;
        if purpose != Purpose::Writing {
            return Ok((client, History::default()));
        }
        self.measure_journey(&client).await?;
        let history = History::of(&client).await?;
        Ok((client, history))
    }

    async fn measure_journey(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        for _ in 0..JOURNEYS {
            let began = Instant::now();
            client.check_connection().await?;
            let took = began.elapsed();
            let mut journey = self.journey.lock();
            *journey = Some(journey.map_or(took, |shortest| shortest.min(took)));
            if took > FAR {
                break;
            }
        }
        if let Some(journey) = self.journey() {
            counted::journey(&self.options.name(), journey);
        }
        Ok(())
    }

    /// A server that is set to answer commits before they are on disk is told to wait for the disk: what is acknowledged
    /// has to stay.
    fn first_words(&self) -> String {
        let options = &self.options;
        let mut words = format!(
            "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {};
             SET client_min_messages = warning;
             SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';",
            options.statement_timeout.as_millis(),
            options.lock_timeout.as_millis(),
            options.silence_timeout.as_millis(),
        );
        if let Some(schema) = &options.schema {
            // Writing to a String cannot fail.
            let _ = write!(words, "SET search_path = {schema};");
        }
        words
    }
}

impl History {
    /// Reads it from the name of the file that the server writes its log to, which begins with the timeline.
    async fn of(client: &Client) -> Result<Self, tokio_postgres::Error> {
        match client.simple_query("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)").await {
            Ok(said) => Ok(Self(said.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            }))),
            // A server that is made otherwise.
            Err(error) if error.as_db_error().is_some_and(|said| !ends_connection(said)) => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

/// Makes the schema if it is not there.
pub(crate) async fn prepare_schema(options: &PostgresOptions) -> Result<(), Error> {
    let Some(schema) = &options.schema else { return Ok(()) };
    let connection = Connector::new(options)?.connect(Purpose::Writing, None).await?;
    // Of two that make the same schema at the same moment one would fail.
    let sql = format!(
        "BEGIN; SELECT pg_advisory_xact_lock({STORE_LOCK}, hashtext('{schema}'));
         CREATE SCHEMA IF NOT EXISTS {schema}; COMMIT"
    );
    connection.client.batch_execute(&sql).await.map_err(|error| explain(&error))
}

async fn open<T>(
    server: &Config,
    tls: T,
    heard: Option<mpsc::UnboundedSender<Notification>>,
) -> Result<Client, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = server.connect(tls).await?;
    tokio::spawn(poll_fn(move |context| {
        loop {
            match std::task::ready!(connection.poll_message(context)) {
                // A listener that has gone is followed by its connection.
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    heard.as_ref().map(|heard| heard.send(notification));
                }
                Some(Ok(_)) => {}
                // Whoever waits for an answer is told.
                Some(Err(error)) => {
                    tracing::debug!(%error, "a connection to the database broke");
                    return Poll::Ready(());
                }
                None => return Poll::Ready(()),
            }
        }
    }));
    Ok(client)
}

/// A connector that checks the server's certificate and name.
fn verifying(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, Error> {
    let unnamed = Path::new("");
    let files = ClientFiles { ca: ca_file.unwrap_or(unnamed), certificate: unnamed, key: unnamed };
    let client = bojagi_tls::Client::read(files);
    let client = client.map_err(|problem| Error::Database(format!("certificate authorities: {problem}")))?;
    Ok(MakeRustlsConnect::new(ClientConfig::clone(&client.speaking(&[]))))
}

/// A refusal to connect is told apart from an absent server: a wrong password does not mend itself.
fn explain(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(said) if !ends_connection(said) || said.code().code().starts_with("28") => {
            Error::Database(said.to_string())
        }
        _ => Error::Unreachable(with_cause(error)),
    }
}
