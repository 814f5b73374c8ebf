//! The six stores, read side by side.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::invariants::{Part, Question};

/// Each store under a name of its own; `order` is a word of SQL, hence `ordering`.
const STORES: [(&str, &str); 6] = [
    ("user", "users"),
    ("item", "item"),
    ("coupon", "coupon"),
    ("order", "ordering"),
    ("payment", "payment"),
    ("settlement", "settlement"),
];
/// Tables that stores of earlier versions do not have, each with its store and the columns that are asked for. Questions know them
/// by the name of the view, which is empty where there is no such table.
const LATER: [(&str, &str, &str, &str); 5] = [
    ("order_refund", "ordering", "refund", "refund_id, order_id, state, money, amount, restock, requested_at"),
    (
        "order_refund_line",
        "ordering",
        "refund_line",
        "refund_id, order_line_id, quantity, gross, net, platform_discount, seller_discount",
    ),
    ("order_refund_count", "ordering", "refund_count", "order_line_id, bought, asked, approved"),
    ("item_refund", "item", "refund", "refund_id, order_id, restocked"),
    ("item_refunded_line", "item", "refunded_line", "order_id, order_line_id, option_id, refunded, restocked"),
];
/// Violations of one question that are kept; the rest is counted.
const KEPT: usize = 20;

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A store is not there.
    #[error("there is no store {0}")]
    Missing(PathBuf),
    /// A store cannot be read.
    #[error("the stores cannot be read: {0}")]
    Unreadable(#[from] rusqlite::Error),
    /// A question cannot be asked of these stores.
    #[error("{invariant}: {source} in {sql}")]
    Question {
        /// The invariant.
        invariant: &'static str,
        /// The question.
        sql: &'static str,
        /// What the database says.
        source: rusqlite::Error,
    },
}

pub(crate) struct Books(Connection);

impl Books {
    pub(crate) fn open(data: &Path) -> Result<Self, VerifyError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let books = Connection::open_with_flags(":memory:", flags | OpenFlags::SQLITE_OPEN_CREATE)?;
        for (file, name) in STORES {
            let path = data.join(format!("{file}.sqlite"));
            if !path.is_file() {
                return Err(VerifyError::Missing(path));
            }
            books.execute(&format!("ATTACH DATABASE ?1 AS {name}"), [path.to_string_lossy()])?;
        }
        for later in LATER {
            show(&books, later)?;
        }
        // Opened for writing only because the log of a process that was killed has to be read back; nothing is written.
        books.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        Ok(Self(books))
    }

    /// Whether the store that a part is about has it.
    pub(crate) fn have(&self, part: &Part) -> Result<bool, VerifyError> {
        let sql = format!("SELECT 1 FROM {}.migration WHERE name = ?1", part.store);
        Ok(self.0.prepare(&sql)?.exists([part.migration])?)
    }

    /// The violations: a subject and what is wrong with it.
    pub(crate) fn ask(&self, question: &Question) -> Result<Vec<String>, VerifyError> {
        let wrong = |source| VerifyError::Question { invariant: question.invariant, sql: question.sql, source };
        let mut statement = self.0.prepare(question.sql).map_err(wrong)?;
        let columns = statement.column_count();
        let mut rows = statement.query([]).map_err(wrong)?;
        let mut violations = Vec::new();
        let mut more = 0_u64;
        while let Some(row) = rows.next().map_err(wrong)? {
            if violations.len() == KEPT {
                more += 1;
                continue;
            }
            let values: Result<Vec<_>, _> = (0..columns).map(|column| row.get_ref(column).map(shown)).collect();
            violations.push(values.map_err(wrong)?.join("  "));
        }
        if more > 0 {
            violations.push(format!("… and {more} more"));
        }
        Ok(violations)
    }
}

/// A table of a store, or nothing where the store is older than the table.
fn show(books: &Connection, (view, store, table, columns): (&str, &str, &str, &str)) -> Result<(), rusqlite::Error> {
    let sql = format!("SELECT count(*) FROM {store}.sqlite_schema WHERE type = 'table' AND name = ?1");
    let is_there = books.query_row(&sql, [table], |row| row.get::<_, i64>(0))? > 0;
    let rows = if is_there {
        format!("SELECT {columns} FROM {store}.{table}")
    } else {
        let nothing: Vec<_> = columns.split(", ").map(|column| format!("NULL AS {column}")).collect();
        format!("SELECT {} WHERE FALSE", nothing.join(", "))
    };
    books.execute(&format!("CREATE TEMP VIEW {view} AS {rows}"), []).map(drop)
}

/// Ids as they are written, all else as it is.
fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => real.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            match bytes.len() {
                16 => format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]),
                _ => hex,
            }
        }
    }
}
