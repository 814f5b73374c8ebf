//! How a database goes about a statement.

use bojagi_store::{Error, FromRow, Row, Store, Tx, Value};

/// Asks the database of a store how it would go about statements.
#[derive(Debug, Clone, Copy)]
pub struct Explain {
    on_a_server: bool,
}

/// A line of a plan, as either database tells it.
struct Line(String);

impl FromRow for Line {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get(3).or_else(|_| row.get(0)).map(Self)
    }
}

impl Explain {
    /// For statements on this store.
    #[must_use]
    pub fn on(store: &Store) -> Self {
        Self { on_a_server: store.is_shared() }
    }

    /// The plan of a statement in the words of the database, a line a step. Indexes are called by their names.
    ///
    /// # Errors
    /// What the database says.
    pub async fn plan(self, tx: &mut Tx, sql: &str, params: &[Value<'_>]) -> Result<String, Error> {
        if self.on_a_server {
            // A table without rows is read whole, whatever leads into it.
            tx.execute("SET LOCAL enable_seqscan = off", &[]).await?;
        }
        let explain = if self.on_a_server { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
        let lines: Vec<Line> = tx.fetch_all(&format!("{explain} {sql}"), params).await?;
        Ok(lines.into_iter().map(|Line(line)| line).collect::<Vec<_>>().join("\n"))
    }
}
