//! Many rows in few statements.

use std::fmt::Write as _;

use bojagi_store::{Error, Tx, Value};

/// Rows in one statement at most: as many statements are kept prepared for each table.
const ROWS: usize = 16;

/// Inserts `rows`: `into` is the statement up to `VALUES`, `conflict` what follows the rows. Says how many were inserted.
///
/// # Errors
/// What the database says.
pub(crate) async fn insert_rows<const COLUMNS: usize>(
    tx: &mut Tx,
    into: &str,
    conflict: &str,
    rows: &[[Value<'_>; COLUMNS]],
) -> Result<u64, Error> {
    let mut inserted = 0;
    for chunk in rows.chunks(ROWS) {
        inserted += tx.execute(&statement(into, conflict, chunk.len(), COLUMNS), chunk.as_flattened()).await?;
    }
    Ok(inserted)
}

fn statement(into: &str, conflict: &str, rows: usize, columns: usize) -> String {
    let mut sql = String::with_capacity(into.len() + conflict.len() + rows * columns * 5 + 10);
    sql.push_str(into);
    sql.push_str(" VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let separator = if column == 0 { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(sql, "{separator}?{}", row * columns + column + 1);
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(conflict);
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_through() {
        assert_eq!(
            statement("INSERT INTO t (a, b)", "ON CONFLICT DO NOTHING", 2, 2),
            "INSERT INTO t (a, b) VALUES (?1, ?2), (?3, ?4) ON CONFLICT DO NOTHING",
        );
    }
}
