//! Where a PostgreSQL store is, and how long things may take there.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The longest name that PostgreSQL keeps whole.
const LONGEST_NAME: usize = 63;

/// A PostgreSQL database, and how to talk to it.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Where it is, without TLS, which is below. Its `Debug` hides the password.
    pub(super) server: Config,
    pub(super) verified: bool,
    pub(super) replica: Option<(Config, bool)>,
    /// The schema that the tables are in; it is made when it is not there. Without one the database's own default.
    pub schema: Option<String>,
    /// A file of certificates (PEM) of the authorities that the server's certificate may come from; without one those
    /// that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// How long connecting may take, and how long it is not tried again after it failed by that.
    pub connect_timeout: Duration,
    /// How long one statement may take before the server ends it.
    pub statement_timeout: Duration,
    /// How many units that lock different keys may go on at once; a connection each, opened when it is first needed.
    pub writers: usize,
    /// A server is near that answers faster than this: then units are done one after the other, whatever they lock, and so in
    /// fewer transactions. That takes less of the processors, and little longer.
    pub near: Duration,
    /// How long a unit may wait for units that lock the same.
    pub lock_timeout: Duration,
    /// How long the server keeps a transaction open whose process says nothing, so that one that stands still does not
    /// hold up all others.
    pub silence_timeout: Duration,
}

/// What is wrong with the URL of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("is no URL of a PostgreSQL database: {0}")]
    Unreadable(String),
    /// It asks for a kind of encryption that would not protect anything.
    #[error("sslmode is {0:?}; it can be verify-full (certificate and name are checked) or disable")]
    SslMode(String),
    /// The schema's name would need quoting.
    #[error("the schema {0:?} is not a word of small letters, digits and underscores")]
    Schema(String),
}

impl PostgresOptions {
    /// A database by its URL: `postgres://user:password@host:5432/database?sslmode=verify-full`. Several hosts are
    /// tried in turn until one takes writes. Without `sslmode` the server's certificate and name are checked unless the
    /// server is on this machine; there nothing is encrypted.
    ///
    /// # Errors
    /// When it is no such URL, or asks for encryption without a check of whom one talks to.
    pub fn at(url: &str) -> Result<Self, UrlError> {
        let (server, verified) = read_url(url)?;
        Ok(Self {
            server,
            verified,
            replica: None,
            schema: None,
            ca_file: None,
            writers: 4,
            near: Duration::from_micros(200),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(8),
            silence_timeout: Duration::from_secs(5),
        })
    }

    /// The same database, with its tables in this schema.
    ///
    /// # Errors
    /// When the name is not a word of small letters, digits and underscores.
    pub fn in_schema(mut self, schema: &str) -> Result<Self, UrlError> {
        let begins_well = schema.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
        let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
        if !begins_well || schema.len() > LONGEST_NAME || !schema.bytes().all(plain) {
            return Err(UrlError::Schema(schema.to_owned()));
        }
        self.schema = Some(schema.to_owned());
        Ok(self)
    }

    /// The same database, with a copy of it that the server keeps elsewhere, for reads that only show.
    ///
    /// # Errors
    /// As [`PostgresOptions::at`].
    pub fn with_replica(mut self, url: &str) -> Result<Self, UrlError> {
        self.replica = Some(read_url(url)?);
        Ok(self)
    }

    /// The copy, as a database of its own.
    pub(super) fn replica(&self) -> Option<Self> {
        let (server, verified) = self.replica.clone()?;
        Some(Self { server, verified, replica: None, ..self.clone() })
    }

    /// What the store is called in messages: the database, and the schema if there is one.
    #[must_use]
    pub fn name(&self) -> String {
        let database = self.server.get_dbname().or_else(|| self.server.get_user()).unwrap_or("postgres");
        match &self.schema {
            Some(schema) => format!("{database}.{schema}"),
            None => database.to_owned(),
        }
    }
}

/// The server of a URL, and whether it has to prove who it is.
fn read_url(url: &str) -> Result<(Config, bool), UrlError> {
    let (url, ssl_mode) = take_ssl_mode(url);
    let mut server: Config =
        url.parse().map_err(|error: tokio_postgres::Error| UrlError::Unreadable(super::errors::with_cause(&error)))?;
    let verified = match ssl_mode.as_deref() {
        Some("verify-full") => true,
        Some("disable") => false,
        Some(other) => return Err(UrlError::SslMode(other.to_owned())),
        None => !server.get_hosts().iter().all(on_this_machine),
    };
    server.ssl_mode(if verified { SslMode::Require } else { SslMode::Disable });
    server.keepalives_idle(Duration::from_secs(15)).tcp_user_timeout(Duration::from_secs(15));
    Ok((server, verified))
}

/// The driver does not know `verify-full`: the mode is taken out of the URL.
fn take_ssl_mode(url: &str) -> (String, Option<String>) {
    let Some((place, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (modes, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(|part| part.starts_with("sslmode="));
    let mode = modes.last().and_then(|part| part.split_once('=')).map(|(_, mode)| mode.to_owned());
    let separator = if others.is_empty() { "" } else { "?" };
    (format!("{place}{separator}{}", others.join("&")), mode)
}

fn on_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_verified_unless_told_otherwise() {
        let verified = |url: &str| PostgresOptions::at(url).map(|options| options.verified);
        assert_eq!(verified("postgres://a:b@127.0.0.1:5432/shop"), Ok(false));
        assert_eq!(verified("postgres://a@localhost/shop?application_name=x"), Ok(false));
        assert_eq!(verified("postgres://a@%2Frun%2Fpostgresql/shop"), Ok(false));
        assert_eq!(verified("postgres://a@db.example/shop"), Ok(true));
        assert_eq!(verified("postgres://a@localhost,db.example/shop"), Ok(true));
        assert_eq!(verified("postgres://a@db.example/shop?sslmode=disable"), Ok(false));
        assert_eq!(verified("postgres://a@127.0.0.1/shop?sslmode=verify-full&connect_timeout=3"), Ok(true));
        assert_eq!(verified("postgres://a@db.example/shop?sslmode=require"), Err(UrlError::SslMode("require".into())));
        assert!(matches!(verified("mysql://a@db.example/shop"), Err(UrlError::Unreadable(_))));
    }

    #[test]
    fn a_schema_is_a_plain_word() {
        let options = PostgresOptions::at("postgres://a@localhost/shop").unwrap();
        assert_eq!(options.clone().in_schema("order_2").unwrap().name(), "shop.order_2");
        for wrong in ["", "Order", "2nd", "a b", "a\"; DROP"] {
            assert_eq!(options.clone().in_schema(wrong).unwrap_err(), UrlError::Schema(wrong.into()));
        }
    }

    #[test]
    fn the_password_is_in_no_message() {
        let options = PostgresOptions::at("postgres://a:hunter2@localhost/shop").unwrap();
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
