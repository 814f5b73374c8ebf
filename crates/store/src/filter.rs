//! Statements of lists, put together from what was asked for.

use crate::{Bind, Value};

/// A `WHERE` that grows, with its parameters. A condition that was not asked for is not in the statement, so that the database
/// can choose an index by those that were.
///
/// ```
/// use bojagi_store::{Bind, Filter, Value};
///
/// let (asked, newest_first) = (Some(7_i64), "placed_at DESC, id DESC");
/// let mut filter = Filter::new();
/// filter.and("deleted_at IS NULL", []);
/// filter.and_if("customer = ?", asked.as_ref());
/// filter.and_if("seller = ?", None::<&i64>);
/// filter.and("(placed_at, id) < (?, ?)", [100_i64.bind(), 3_i64.bind()]);
/// let (sql, params) = filter.statement("SELECT id FROM sale", newest_first, 20);
/// assert_eq!(
///     sql,
///     "SELECT id FROM sale WHERE deleted_at IS NULL AND customer = ?1 AND (placed_at, id) < (?2, ?3) \
///      ORDER BY placed_at DESC, id DESC LIMIT ?4"
/// );
/// assert_eq!(params, [7, 100, 3, 20].map(Value::Integer));
/// ```
#[derive(Debug, Default)]
pub struct Filter<'a> {
    conditions: String,
    params: Vec<Value<'a>>,
}

impl<'a> Filter<'a> {
    /// No condition yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { conditions: String::new(), params: Vec::new() }
    }

    /// Adds a condition; each `?` in it stands for one of `values`, in their order.
    pub fn and<const COUNT: usize>(&mut self, condition: &str, values: [Value<'a>; COUNT]) {
        debug_assert_eq!(condition.matches('?').count(), COUNT, "{condition}");
        self.conditions.push_str(if self.conditions.is_empty() { " WHERE " } else { " AND " });
        let mut values = values.into_iter();
        for part in condition.split_inclusive('?') {
            self.conditions.push_str(part);
            if part.ends_with('?') {
                self.params.extend(values.next());
                self.conditions.push_str(&self.params.len().to_string());
            }
        }
    }

    /// Adds a condition whose one `?` stands for `value`, if there is one.
    pub fn and_if<T: Bind>(&mut self, condition: &str, value: Option<&'a T>) {
        if let Some(value) = value {
            self.and(condition, [value.bind()]);
        }
    }

    /// The statement and its parameters: `select`, the conditions, and at most `limit` rows in this order.
    #[must_use]
    pub fn statement(mut self, select: &str, order: &str, limit: i64) -> (String, Vec<Value<'a>>) {
        self.params.push(Value::Integer(limit));
        let sql = format!("{select}{} ORDER BY {order} LIMIT ?{}", self.conditions, self.params.len());
        (sql, self.params)
    }
}

/// A pattern for `LIKE ? ESCAPE '!'` that finds a text anywhere, whatever characters it has.
#[must_use]
pub fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_conditions_there_is_no_where() {
        let (sql, params) = Filter::new().statement("SELECT a FROM t", "a", 5);
        assert_eq!((sql.as_str(), params), ("SELECT a FROM t ORDER BY a LIMIT ?1", vec![Value::Integer(5)]));
    }

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(containing("100%_ü!"), "%100!%!_ü!!%");
    }
}
