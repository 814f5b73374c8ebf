//! Bringing a schema up to date.

use std::time::Duration;

use bojagi_kernel::Moment;

use crate::{Error, Store, Tx, params};

/// One step of a schema, applied whole or not at all. A step that was released is never edited: add another.
///
/// While a shop is brought to a new version, programs of the version before still run, and start again, on a store that has the new
/// steps already. So a schema changes in two: first it is expanded by what the new version needs, so that both can work with it, and
/// only a later version takes away what nobody reads any more.
///
/// What alters a table keeps its readers out until the step ends. So whatever goes over the rows of a table in use, as an index or an
/// `UPDATE` does, is a step of its own.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Unique in its store; steps are applied in the order of the list.
    pub name: &'static str,
    /// Statements, separated by semicolons.
    pub sql: &'static str,
    /// Whether programs that do not know this step are kept out.
    pub contracts: bool,
}

impl Migration {
    /// A step that programs of the version before can work with: new tables, indexes that forbid nothing they do, and columns that
    /// have a default or may be null.
    #[must_use]
    pub const fn expand(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, contracts: false }
    }

    /// A step that takes away or forbids what programs before it may still use. They do not open the store any more.
    #[must_use]
    pub const fn contract(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, contracts: true }
    }
}

/// How often steps are tried once more, and the pause before each time: ten minutes in all.
const MORE_TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_secs(4);

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    name TEXT PRIMARY KEY,
    sql TEXT NOT NULL,
    contracts BOOLEAN NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
)";

/// What is to be done to a store.
pub(crate) enum Missing {
    /// Nothing, or nothing any more: the store was new, and has all steps now.
    Nothing,
    /// These steps, one after the other.
    Steps(Vec<&'static Migration>),
}

/// Compares the ledger with the steps that this program knows. A new store gets all of them at once.
pub(crate) async fn begin(tx: &mut Tx, migrations: &'static [Migration], now: Moment) -> Result<Missing, Error> {
    tx.execute(LEDGER, &[]).await?;
    let applied: Vec<(String, String, bool)> =
        tx.fetch_all("SELECT name, sql, contracts FROM migration ORDER BY name", &[]).await?;
    let newer = applied.iter().filter(|(name, ..)| migrations.iter().all(|migration| migration.name != name));
    for (name, _, contracts) in newer {
        if *contracts {
            let problem = "this database was changed by a newer version, which this one cannot work with".into();
            return Err(Error::Migration { name: name.clone(), problem });
        }
        tracing::info!(migration = name, "this database was expanded by a newer version");
    }
    let mut missing = Vec::new();
    for migration in migrations {
        match applied.iter().find(|(name, ..)| name == migration.name) {
            Some((_, sql, _)) if sql != migration.sql => {
                let problem = "was changed after it was applied to this database".into();
                return Err(Error::Migration { name: migration.name.to_owned(), problem });
            }
            Some(_) => {}
            None => missing.push(migration),
        }
    }
    if !applied.is_empty() {
        return Ok(if missing.is_empty() { Missing::Nothing } else { Missing::Steps(missing) });
    }
    for migration in missing {
        carry_out(tx, migration, now).await?;
    }
    Ok(Missing::Nothing)
}

/// Has steps applied, one after the other. One that meets somebody who reads for long, such as a backup, is tried again after a
/// pause in which everybody else goes on.
pub(crate) async fn apply(store: &Store, steps: Vec<&'static Migration>, now: Moment) -> Result<(), Error> {
    let mut attempts = 0;
    for migration in steps {
        while let Err(error) = store.write(async move |tx: &mut Tx| step(tx, migration, now).await).await {
            if attempts == MORE_TRIES || !matches!(error, Error::Contended(_)) {
                return Err(of_step(migration, error));
            }
            attempts += 1;
            tracing::warn!(migration = migration.name, attempts, %error, "somebody uses what is to be changed");
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Applies one step, unless another process was faster.
///
/// Each step of a store that is in use is a unit of its own: what it locks of a table, such as against reading while a column is
/// added, is let go before the next one begins, so that a long one (an index over a large table) keeps nobody from reading, and
/// none holds a table while it waits for another.
async fn step(tx: &mut Tx, migration: &'static Migration, now: Moment) -> Result<(), Error> {
    let applied: Option<(i64,)> =
        tx.fetch_optional("SELECT 1 FROM migration WHERE name = ?1", params![migration.name]).await?;
    if applied.is_some() { Ok(()) } else { carry_out(tx, migration, now).await }
}

async fn carry_out(tx: &mut Tx, migration: &Migration, now: Moment) -> Result<(), Error> {
    tx.session.migrate().await?;
    tx.session.execute_batch(migration.sql).await.map_err(|error| match error {
        Error::Contended(_) => error,
        _ => of_step(migration, error),
    })?;
    tx.execute(
        "INSERT INTO migration (name, sql, contracts, applied_at) VALUES (?1, ?2, ?3, ?4)",
        params![migration.name, migration.sql, migration.contracts, now],
    )
    .await?;
    Ok(())
}

/// What went wrong, with the step in which it did.
fn of_step(migration: &Migration, error: Error) -> Error {
    match error {
        Error::Migration { .. } => error,
        _ => Error::Migration { name: migration.name.to_owned(), problem: error.to_string() },
    }
}
