//! Rows that come out of statements.

use bojagi_kernel::Moment;
use rusqlite::types::ValueRef;
use uuid::Uuid;

use crate::Error;
use crate::postgres::Cell;

/// One row of an answer. Columns are counted from 0.
pub struct Row<'a>(Origin<'a>);

enum Origin<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) const fn new(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Origin::Sqlite(row))
    }

    pub(crate) const fn of_postgres(row: &'a tokio_postgres::Row) -> Self {
        Self(Origin::Postgres(row))
    }

    /// The column as the type that is asked for.
    ///
    /// # Errors
    /// `Error::Column` when it holds something else.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, Error> {
        T::read(self, index)
    }

    /// Whether the column is null.
    ///
    /// # Errors
    /// `Error::Column` when there is no such column.
    pub fn is_null(&self, index: usize) -> Result<bool, Error> {
        Ok(matches!(self.value(index)?, ValueRef::Null))
    }

    /// A `BIGINT`.
    ///
    /// # Errors
    /// `Error::Column` when it is something else.
    pub fn integer(&self, index: usize) -> Result<i64, Error> {
        match self.value(index)? {
            ValueRef::Integer(integer) => Ok(integer),
            other => Err(unexpected(index, "an integer", other)),
        }
    }

    /// A `TEXT`.
    ///
    /// # Errors
    /// `Error::Column` when it is something else.
    pub fn text(&self, index: usize) -> Result<&str, Error> {
        match self.value(index)? {
            ValueRef::Text(text) => {
                std::str::from_utf8(text).map_err(|error| Error::Column { index, problem: error.to_string() })
            }
            other => Err(unexpected(index, "text", other)),
        }
    }

    /// A `BYTEA`.
    ///
    /// # Errors
    /// `Error::Column` when it is something else.
    pub fn bytes(&self, index: usize) -> Result<&[u8], Error> {
        match self.value(index)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            other => Err(unexpected(index, "bytes", other)),
        }
    }

    /// A `UUID`.
    ///
    /// # Errors
    /// `Error::Column` when it is something else.
    pub fn uuid(&self, index: usize) -> Result<Uuid, Error> {
        Uuid::from_slice(self.bytes(index)?).map_err(|error| Error::Column { index, problem: error.to_string() })
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, Error> {
        match self.0 {
            Origin::Sqlite(row) => {
                row.get_ref(index).map_err(|error| Error::Column { index, problem: error.to_string() })
            }
            Origin::Postgres(row) => match row.try_get(index) {
                Ok(Cell::Null) => Ok(ValueRef::Null),
                Ok(Cell::Integer(integer)) => Ok(ValueRef::Integer(integer)),
                Ok(Cell::Text(text)) => Ok(ValueRef::Text(text.as_bytes())),
                Ok(Cell::Bytes(bytes)) => Ok(ValueRef::Blob(bytes)),
                Ok(Cell::Other(found)) => Err(Error::Column { index, problem: format!("of type {found}") }),
                Err(error) => Err(Error::Column { index, problem: error.to_string() }),
            },
        }
    }
}

fn unexpected(index: usize, wanted: &str, found: ValueRef<'_>) -> Error {
    Error::Column { index, problem: format!("expected {wanted}, found {:?}", found.data_type()) }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// Reads the column.
    ///
    /// # Errors
    /// `Error::Column` when it holds something else.
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error>;
}

macro_rules! column {
    ($($type:ty => |$row:ident, $index:ident| $read:expr),+ $(,)?) => {$(
        impl Column for $type {
            fn read($row: &Row<'_>, $index: usize) -> Result<Self, Error> {
                $read
            }
        }
    )+};
}

column! {
    i64 => |row, index| row.integer(index),
    i32 => |row, index| i32::try_from(row.integer(index)?)
        .map_err(|error| Error::Column { index, problem: error.to_string() }),
    bool => |row, index| Ok(row.integer(index)? != 0),
    String => |row, index| row.text(index).map(str::to_owned),
    Vec<u8> => |row, index| row.bytes(index).map(<[u8]>::to_vec),
    Uuid => |row, index| row.uuid(index),
    Moment => |row, index| row.integer(index).map(Moment::from_micros),
}

impl<T: Column> Column for Option<T> {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        if row.is_null(index)? { Ok(None) } else { T::read(row, index).map(Some) }
    }
}

/// A type that a whole row can be read as; tuples are, and structs by [`from_row!`](crate::from_row).
pub trait FromRow: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// `Error::Column` when a column holds something else.
    fn from_row(row: &Row<'_>) -> Result<Self, Error>;
}

macro_rules! tuple_rows {
    ($(($($name:ident : $index:tt),+))+) => {$(
        impl<$($name: Column),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, Error> {
                Ok(($(row.get::<$name>($index)?,)+))
            }
        }
    )+};
}

tuple_rows! {
    (A: 0)
    (A: 0, B: 1)
    (A: 0, B: 1, C: 2)
    (A: 0, B: 1, C: 2, D: 3)
    (A: 0, B: 1, C: 2, D: 3, E: 4)
    (A: 0, B: 1, C: 2, D: 3, E: 4, F: 5)
    (A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6)
    (A: 0, B: 1, C: 2, D: 3, E: 4, F: 5, G: 6, H: 7)
}

/// Reads a struct from a row whose columns are in the order of the fields named here:
/// `from_row!(StockRow { option_id, available, reserved });`.
#[macro_export]
macro_rules! from_row {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::FromRow for $type {
            fn from_row(row: &$crate::Row<'_>) -> Result<Self, $crate::Error> {
                let mut columns = 0..;
                let mut next = || columns.next().unwrap_or_default();
                Ok(Self { $($field: row.get(next())?),+ })
            }
        }
    };
}
