//! Conditions of a list, only those that were asked for, so that the database can choose an index by them.

use bojagi_store::{Bind, Value};

/// Grows a `WHERE` with its parameters.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    conditions: String,
    values: Vec<Value<'a>>,
}

impl<'a> Filter<'a> {
    /// No condition yet.
    pub(crate) const fn new() -> Self {
        Self { conditions: String::new(), values: Vec::new() }
    }

    /// `condition`, whose `?` is `value`, if there is one.
    pub(crate) fn and<T: Bind>(&mut self, condition: &str, value: Option<&'a T>) {
        if let Some(value) = value {
            self.and_all(condition, [value.bind()]);
        }
    }

    /// `condition`, whose `?`s are `values` in order.
    pub(crate) fn and_all<const COUNT: usize>(&mut self, condition: &str, values: [Value<'a>; COUNT]) {
        self.conditions.push_str(if self.conditions.is_empty() { "WHERE " } else { " AND " });
        let mut values = values.into_iter();
        for part in condition.split_inclusive('?') {
            self.conditions.push_str(part);
            if part.ends_with('?')
                && let Some(value) = values.next()
            {
                self.values.push(value);
                self.conditions.push_str(&self.values.len().to_string());
            }
        }
    }

    /// The statement and its parameters: `head`, the conditions, `tail`, and a limit.
    pub(crate) fn statement(mut self, head: &str, tail: &str, limit: i64) -> (String, Vec<Value<'a>>) {
        self.values.push(Value::Integer(limit));
        (format!("{head} {} {tail} LIMIT ?{}", self.conditions, self.values.len()), self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_a_condition() {
        let mut filter = Filter::new();
        filter.and("a = ?", Some(&1_i64));
        filter.and::<i64>("b = ?", None);
        filter.and_all("(c, d) < (?, ?)", [Value::Integer(2), Value::Integer(3)]);
        let (sql, values) = filter.statement("SELECT x FROM t", "ORDER BY c", 20);
        assert_eq!(sql, "SELECT x FROM t WHERE a = ?1 AND (c, d) < (?2, ?3) ORDER BY c LIMIT ?4");
        assert_eq!(values, [1, 2, 3, 20].map(Value::Integer));
    }
}
