//! A PostgreSQL store as a SQLite file.

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::Client;

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::errors::explain;
use super::wire::Cell;
use crate::Error;

/// All tables of the schema, by name.
const TABLES: &str = "SELECT relname::text FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY relname";
/// What is indexed: a table, and columns of it. A part of a table, or what is calculated from it, is left out.
const INDEXES: &str = "SELECT t.relname::text, string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
    FROM pg_index i
    JOIN pg_class t ON t.oid = i.indrelid
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
    WHERE t.relnamespace = current_schema()::regnamespace AND i.indpred IS NULL AND i.indexprs IS NULL
    GROUP BY i.indexrelid, t.relname";
/// The snapshot that all tables are read from. Reading a large table takes as long as it takes.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0";

/// Copies what a store holds at one moment into a new SQLite file, with ids, flags and moments as a store on SQLite keeps
/// them, indexed in the same way but without constraints. For whoever wants to read stores side by side.
///
/// # Errors
/// When the database cannot be read, or the file cannot be written.
pub async fn copy_to_file(options: &PostgresOptions, path: &Path) -> Result<(), Error> {
    let (options, path) = (options.clone(), path.to_owned());
    // A connection to SQLite does not change threads while it is being written to.
    let copying = tokio::task::spawn_blocking(move || super::runtime()?.block_on(copy(&options, path)));
    copying.await.map_err(|error| Error::Defect(error.to_string()))?
}

async fn copy(options: &PostgresOptions, path: PathBuf) -> Result<(), Error> {
    let unwritable = |error: rusqlite::Error| Error::Database(format!("{}: {error}", path.display()));
    let client = Connector::new(options)?.connect(Purpose::Reading, None).await?.client;
    client.batch_execute(SNAPSHOT).await.map_err(|error| explain(&error, SNAPSHOT))?;
    let tables = client.query(TABLES, &[]).await.map_err(|error| explain(&error, TABLES))?;

    let file = rusqlite::Connection::open(&path).map_err(unwritable)?;
    // Nobody needs half a copy: what is left of one after a crash is made again.
    file.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN").map_err(unwritable)?;
    for table in tables {
        let name: String = table.try_get(0).map_err(|error| explain(&error, TABLES))?;
        copy_table(&client, &file, &name).await?;
    }
    for (number, index) in
        client.query(INDEXES, &[]).await.map_err(|error| explain(&error, INDEXES))?.iter().enumerate()
    {
        let wrong = |error: tokio_postgres::Error| explain(&error, INDEXES);
        let (table, columns): (&str, &str) = (index.try_get(0).map_err(wrong)?, index.try_get(1).map_err(wrong)?);
        let sql = format!("CREATE INDEX index_{number} ON {} ({columns})", quoted(table));
        file.execute_batch(&sql).map_err(unwritable)?;
    }
    file.execute_batch("COMMIT").map_err(unwritable)
}

async fn copy_table(client: &Client, file: &rusqlite::Connection, table: &str) -> Result<(), Error> {
    let select = format!("SELECT * FROM {}", quoted(table));
    let wrong = |error: tokio_postgres::Error| explain(&error, &select);
    let unwritable = |error: rusqlite::Error| Error::Database(format!("the copy of {table}: {error}"));
    let statement = client.prepare(&select).await.map_err(wrong)?;
    let columns: Vec<_> = statement.columns().iter().map(|column| quoted(column.name())).collect();
    let places = vec!["?"; columns.len()].join(", ");
    file.execute_batch(&format!("CREATE TABLE {} ({})", quoted(table), columns.join(", "))).map_err(unwritable)?;
    let insert = format!("INSERT INTO {} VALUES ({places})", quoted(table));
    let mut insert = file.prepare(&insert).map_err(unwritable)?;

    let rows = client.query_raw(&statement, std::iter::empty::<i64>()).await.map_err(wrong)?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(wrong)? {
        let cells: Result<Vec<Cell<'_>>, _> = (0..columns.len()).map(|column| row.try_get(column)).collect();
        insert.execute(rusqlite::params_from_iter(cells.map_err(wrong)?)).map_err(unwritable)?;
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl rusqlite::ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Other(found) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(format!("a column of type {found}").into()));
            }
        }))
    }
}
