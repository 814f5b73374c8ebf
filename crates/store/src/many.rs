//! One statement for many rows.
//!
//! What is in braces is written once for each row: `INSERT INTO hold (order_id, state) VALUES {(?1, 'RESERVED')}` becomes
//! `… VALUES (?1, 'RESERVED'), (?2, 'RESERVED')` for two. So does `… WHERE order_id IN ({?1})`, and on both databases a list of
//! values can be joined: `… FROM (VALUES {(?1, ?2)}) AS v WHERE stock.option_id = v.column1`.

use std::fmt::Write as _;

use crate::{Error, FromRow, Row, Tx, Value};

/// Rows of one statement at most. A list is cut into powers of two, so that few statements have to be kept prepared; on a server
/// the parts of a list make one journey.
const MOST: usize = 64;

/// A statement and its parameters.
pub(crate) struct Asking<'a> {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value<'a>>,
}

impl Tx {
    /// Runs a statement for all rows, in their order, and says how many rows it changed. Each row has the parameters of what is
    /// in braces.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn execute_many(&mut self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<u64, Error> {
        match asking(sql, rows)?.as_slice() {
            [] => Ok(0),
            [one] => self.session.execute(&one.sql, &one.params).await,
            several => self.session.execute_each(several).await,
        }
    }

    /// As [`Tx::send`] for all rows, in their order.
    ///
    /// # Errors
    /// As [`Tx::send`].
    pub async fn send_many(&mut self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<(), Error> {
        for one in asking(sql, rows)? {
            self.session.send(&one.sql, &one.params).await?;
        }
        Ok(())
    }

    /// All rows of the answers to a statement for all rows; in what order is not said.
    ///
    /// # Errors
    /// As [`Tx::fetch_all`].
    pub async fn fetch_many<T: FromRow>(&mut self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<Vec<T>, Error> {
        let mut found = Vec::with_capacity(rows.len());
        let statements = asking(sql, rows)?;
        let take = |row: &Row<'_>| {
            found.push(T::from_row(row)?);
            Ok(())
        };
        if !statements.is_empty() {
            self.session.fetch_each(&statements, take).await?;
        }
        Ok(found)
    }
}

fn asking<'a>(sql: &str, rows: &[Vec<Value<'a>>]) -> Result<Vec<Asking<'a>>, Error> {
    parts(rows).map(|part| Ok(Asking { sql: repeated(sql, part.len())?, params: part.concat() })).collect()
}

/// Cuts a list into parts of powers of two, the largest first.
pub(crate) fn parts<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1 << rows.len().min(MOST).checked_ilog2()?;
        let (part, rest) = rows.split_at(size);
        rows = rest;
        Some(part)
    })
}

/// The statement for so many rows.
pub(crate) fn repeated(sql: &str, rows: usize) -> Result<String, Error> {
    let no_group = || Error::Defect(format!("there is nothing in braces in {sql}"));
    let (before, rest) = sql.split_once('{').ok_or_else(no_group)?;
    let (row, after) = rest.split_once('}').ok_or_else(no_group)?;
    if rows == 1 {
        return Ok([before, row, after].concat());
    }
    let mut pieces = row.split('?');
    let first = pieces.next().unwrap_or_default();
    // Behind each question mark a number, and the text up to the next one.
    let places: Vec<(usize, &str)> = pieces
        .map(|piece| {
            let digits = piece.len() - piece.trim_start_matches(|character: char| character.is_ascii_digit()).len();
            piece[..digits].parse().map(|number| (number, &piece[digits..])).map_err(|_| no_group())
        })
        .collect::<Result<_, _>>()?;
    let width = places.iter().map(|(number, _)| *number).max().unwrap_or(0);

    let mut repeated = String::with_capacity(sql.len() + rows * (row.len() + 4 * places.len()));
    repeated.push_str(before);
    for index in 0..rows {
        repeated.push_str(if index == 0 { "" } else { ", " });
        repeated.push_str(first);
        for (number, text) in &places {
            // Writing to a String cannot fail.
            let _ = write!(repeated, "?{}{text}", index * width + number);
        }
    }
    repeated.push_str(after);
    Ok(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_braces_is_written_for_each_row() {
        let sql = "INSERT INTO t (a, b, c) VALUES {(?1, ?2, 'x', ?2)} ON CONFLICT (a) DO NOTHING";
        let three = "INSERT INTO t (a, b, c) VALUES (?1, ?2, 'x', ?2), (?3, ?4, 'x', ?4), (?5, ?6, 'x', ?6) \
                     ON CONFLICT (a) DO NOTHING";
        assert_eq!(repeated(sql, 3).unwrap(), three);
        assert_eq!(repeated("SELECT a FROM t WHERE a IN ({?1})", 2).unwrap(), "SELECT a FROM t WHERE a IN (?1, ?2)");
        assert!(matches!(repeated("SELECT 1", 2), Err(Error::Defect(_))));
    }

    #[test]
    fn a_list_is_cut_into_powers_of_two() {
        let sizes = |rows: usize| parts(&vec![(); rows]).map(<[()]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0_usize; 0]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(7), [4, 2, 1]);
        assert_eq!(sizes(64), [64]);
        assert_eq!(sizes(195), [64, 64, 64, 2, 1]);
    }
}
