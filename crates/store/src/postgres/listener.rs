//! Hearing that another process has told something in the same store.
//!
//! A notification is only a hint that saves waiting: it is sent after the commit and outside of it, because one inside
//! makes the server commit all transactions that notify one after the other, each with a flush of its own. Whoever
//! follows facts looks now and then all the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use crate::Error;
use crate::announcer::Announcer;

/// A notification that is longer is refused by the server.
const LONGEST: usize = 7_900;
const PAUSE: Duration = Duration::from_secs(1);
/// How often the server is asked whether the connection still stands.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Where a store notifies, and who this process is there.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    name: String,
    process: String,
}

impl Channel {
    pub(super) fn of(options: &PostgresOptions) -> Self {
        let schema = options.schema.as_deref().unwrap_or("default");
        // Longer names would be cut off by the server.
        let name: String = format!("told_{schema}").chars().take(63).collect();
        Self { name, process: uuid::Uuid::now_v7().simple().to_string() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Who tells, and the latest position of each kind of fact: `0190… OrderPlaced 7 OrderConfirmed 9`.
    pub(super) fn message<'a>(&self, told: impl Iterator<Item = (&'a str, i64)>) -> String {
        let latest: BTreeMap<_, _> = told.collect();
        let mut message = self.process.clone();
        for (kind, position) in latest {
            // Writing to a String cannot fail.
            let _ = write!(message, " {kind} {position}");
        }
        // Without positions it still wakes those who wait.
        if message.len() > LONGEST { self.process.clone() } else { message }
    }

    /// What another process told; nothing when it was this one.
    fn heard<'a>(&self, message: &'a str) -> Option<Vec<(&'a str, i64)>> {
        let mut words = message.split(' ');
        if words.next() == Some(self.process.as_str()) {
            return None;
        }
        let mut told = Vec::new();
        while let (Some(kind), Some(position)) = (words.next(), words.next()) {
            told.extend(position.parse().ok().map(|position| (kind, position)));
        }
        Some(told)
    }
}

/// Listens for ever, whatever happens to the connection.
pub(super) async fn listen(connector: Arc<Connector>, channel: Channel, announcer: Announcer) {
    loop {
        if let Err(error) = listen_once(&connector, &channel, &announcer).await {
            tracing::warn!(%error, "what other processes tell is found by looking until the database answers again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(connector: &Connector, channel: &Channel, announcer: &Announcer) -> Result<(), Error> {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let connection = connector.connect(Purpose::Listening, Some(sender)).await?;
    let broken = |error: tokio_postgres::Error| Error::Unreachable(super::errors::with_cause(&error));
    connection.client.batch_execute(&format!("LISTEN {}", channel.name())).await.map_err(broken)?;
    // Something may have been told while nobody listened.
    announcer.announce_positions([]);
    loop {
        match tokio::time::timeout(HEARTBEAT, heard.recv()).await {
            Ok(Some(notification)) => {
                if let Some(told) = channel.heard(notification.payload()) {
                    announcer.announce_positions(told);
                }
            }
            Ok(None) => return Err(Error::Unreachable("the listening connection ended".into())),
            Err(_) => connection.client.check_connection().await.map_err(broken)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_told_is_heard_and_ones_own_is_not() {
        let options = PostgresOptions::at("postgres://a@localhost/shop").unwrap();
        let (one, other) = (Channel::of(&options), Channel::of(&options));
        let message = one.message([("OrderPlaced", 7), ("OrderFailed", 8), ("OrderPlaced", 9)].into_iter());
        assert_eq!(one.heard(&message), None);
        assert_eq!(other.heard(&message), Some(vec![("OrderFailed", 8), ("OrderPlaced", 9)]));
        assert_eq!(other.heard(&one.message(std::iter::empty())), Some(Vec::new()));
    }
}
