//! Statements as PostgreSQL wants them, and those that are kept prepared.

use std::collections::HashMap;

use tokio_postgres::Statement;
use tokio_postgres::types::Type;

use super::wire;
use crate::Value;

/// Statements kept prepared on a connection; more than any context has.
const KEPT: usize = 512;

/// The statements that are prepared on one connection, by their text and the types of their parameters.
#[derive(Default)]
pub(super) struct Statements(HashMap<String, Vec<Statement>>);

impl Statements {
    pub(super) fn get(&self, sql: &str, params: &[Value<'_>]) -> Option<Statement> {
        let same = |statement: &&Statement| statement.params().iter().eq(declared(params).iter());
        self.0.get(sql)?.iter().find(same).cloned()
    }

    pub(super) fn keep(&mut self, sql: &str, statement: Statement) {
        // Texts are made in a few places and of a few shapes; beyond the bound something else is going on, and beginning
        // again costs little.
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.entry(sql.to_owned()).or_default().push(statement);
    }
}

pub(super) fn declared(params: &[Value<'_>]) -> Vec<Type> {
    params.iter().map(|value| wire::declared(value.kind())).collect()
}

/// `?1` becomes `$1`, outside of quotes.
pub(super) fn with_dollars(sql: &str) -> String {
    let mut quoted = None;
    sql.chars()
        .map(|character| match (quoted, character) {
            (None, '?') => '$',
            (None, '\'' | '"') => {
                quoted = Some(character);
                character
            }
            (Some(quote), _) if quote == character => {
                quoted = None;
                character
            }
            _ => character,
        })
        .collect()
}

/// A migration as PostgreSQL knows it: the numbering of rows is written differently, and how SQLite lays a table out means
/// nothing there.
pub(super) fn of_migration(sql: &str) -> String {
    sql.replace(" AUTOINCREMENT", "")
        .replace("INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        .replace(" WITHOUT ROWID", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_renamed_outside_of_quotes() {
        let sql = "SELECT '?1', \"a?\" FROM t WHERE a = ?1 AND b LIKE ?12 ESCAPE '!'";
        assert_eq!(with_dollars(sql), "SELECT '?1', \"a?\" FROM t WHERE a = $1 AND b LIKE $12 ESCAPE '!'");
    }

    #[test]
    fn rows_are_numbered_by_an_identity() {
        let sql = "CREATE TABLE t (position INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT) WITHOUT ROWID";
        let identity = "CREATE TABLE t (position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a TEXT)";
        assert_eq!(of_migration(sql), identity);
    }
}
