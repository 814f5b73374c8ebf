//! Bringing a schema up to date.

use bojagi_kernel::Moment;

use crate::{Error, Tx, params};

/// One step of a schema. A step that was released is never edited: add another.
///
/// While a shop is brought to a new version, programs of the version before still run, and start again, on a store that has the new
/// steps already. So a schema changes in two: first it is expanded by what the new version needs, so that both can work with it, and
/// only a later version takes away what nobody reads any more.
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

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    name TEXT PRIMARY KEY,
    sql TEXT NOT NULL,
    contracts BOOLEAN NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
)";

/// Applies what is missing, all in one unit.
pub(crate) async fn apply(tx: &mut Tx, migrations: &[Migration], now: Moment) -> Result<(), Error> {
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

    tx.session.take_as_long_as_it_takes().await?;
    for migration in migrations {
        let problem = |problem: String| Error::Migration { name: migration.name.to_owned(), problem };
        if let Some((_, sql, _)) = applied.iter().find(|(name, ..)| name == migration.name) {
            if sql != migration.sql {
                return Err(problem("was changed after it was applied to this database".into()));
            }
            continue;
        }
        tx.session.execute_batch(migration.sql).await.map_err(|error| problem(error.to_string()))?;
        tx.execute(
            "INSERT INTO migration (name, sql, contracts, applied_at) VALUES (?1, ?2, ?3, ?4)",
            params![migration.name, migration.sql, migration.contracts, now],
        )
        .await?;
    }
    Ok(())
}
