//! A log of facts as a context would have it.

use std::sync::Arc;

use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Announced, Bind, Error, LogEntry, Migration, Tx, Value};

pub(crate) const FACTS: Migration = Migration::expand(
    "facts-1",
    "CREATE TABLE facts (position INTEGER PRIMARY KEY AUTOINCREMENT, about UUID NOT NULL, kind TEXT NOT NULL);",
);

struct Fact {
    about: Uuid,
    kind: &'static str,
    slow: bool,
}

/// Tells a fact about something.
pub(crate) async fn tell(tx: &mut Tx, about: Uuid, kind: &'static str) -> Result<(), Error> {
    tx.append(vec![Box::new(Fact { about, kind, slow: false })]).await
}

/// Tells a fact on PostgreSQL whose transaction ends some time after it was given its position.
pub(crate) async fn tell_slowly(tx: &mut Tx, about: Uuid, kind: &'static str) -> Result<(), Error> {
    tx.append(vec![Box::new(Fact { about, kind, slow: true })]).await
}

impl LogEntry for Fact {
    fn statement(&self) -> &'static str {
        if self.slow {
            "INSERT INTO facts (about, kind) VALUES {(?1, ?2)}
             RETURNING about, position, position + length(CAST(pg_sleep(0.005) AS TEXT))"
        } else {
            "INSERT INTO facts (about, kind) VALUES {(?1, ?2)} RETURNING about, position, position"
        }
    }

    fn aggregate_id(&self) -> Uuid {
        self.about
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![self.about.bind(), self.kind.bind()]
    }

    fn placed(self: Box<Self>, position: i64, _: i64) -> Announced {
        Announced { position, kind: self.kind, fact: Arc::new(()) }
    }
}
