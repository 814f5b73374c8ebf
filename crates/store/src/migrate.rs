//! Bringing a schema up to date.

use bojagi_kernel::Moment;

use crate::{Error, Tx, params};

/// One step of a schema. A step that was released is never edited: add another.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Unique in its store; steps are applied in the order of the list.
    pub name: &'static str,
    /// Statements, separated by semicolons.
    pub sql: &'static str,
}

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    name TEXT PRIMARY KEY,
    sql TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
)";

/// Applies what is missing, all in one unit.
pub(crate) async fn apply(tx: &mut Tx, migrations: &[Migration], now: Moment) -> Result<(), Error> {
    tx.execute(LEDGER, &[]).await?;
    let applied: Vec<(String, String)> = tx.fetch_all("SELECT name, sql FROM migration", &[]).await?;

    for migration in migrations {
        let problem = |problem: String| Error::Migration { name: migration.name.to_owned(), problem };
        if let Some((_, sql)) = applied.iter().find(|(name, _)| name == migration.name) {
            if sql != migration.sql {
                return Err(problem("was changed after it was applied to this database".into()));
            }
            continue;
        }
        tx.session.execute_batch(migration.sql).await.map_err(|error| problem(error.to_string()))?;
        tx.execute(
            "INSERT INTO migration (name, sql, applied_at) VALUES (?1, ?2, ?3)",
            params![migration.name, migration.sql, now],
        )
        .await?;
    }

    let unknown = applied.iter().find(|(name, _)| migrations.iter().all(|migration| migration.name != name));
    match unknown {
        Some((name, _)) => {
            Err(Error::Migration { name: name.clone(), problem: "this database was used by a newer version".into() })
        }
        None => Ok(()),
    }
}
