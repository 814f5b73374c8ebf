//! Conditions that a search puts together.

use bojagi_store::Value;

/// A `WHERE` clause that grows, and its parameters. A condition that is not asked for is not in the statement, so that
/// the database can choose an index for those that are.
pub(super) struct Filter<'a> {
    sql: String,
    values: Vec<Value<'a>>,
}

impl<'a> Filter<'a> {
    /// Begins with a condition without parameters.
    pub(super) fn new(condition: &str) -> Self {
        Self { sql: condition.to_owned(), values: Vec::new() }
    }

    /// Adds a condition; each `?` in it stands for the next of `values`.
    pub(super) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value<'a>>) {
        self.sql.push_str(" AND ");
        let mut values = values.into_iter();
        for part in condition.split_inclusive('?') {
            self.sql.push_str(part);
            if part.ends_with('?') {
                self.values.extend(values.next());
                self.sql.push_str(&self.values.len().to_string());
            }
        }
    }

    /// The whole statement: `select`, the conditions, and at most `limit` rows in `order`.
    pub(super) fn into_statement(mut self, select: &str, order: &str, limit: i64) -> (String, Vec<Value<'a>>) {
        self.values.push(Value::Integer(limit));
        let sql = format!("{select} WHERE {} ORDER BY {order} LIMIT ?{}", self.sql, self.values.len());
        (sql, self.values)
    }
}

/// A pattern for `LIKE … ESCAPE '!'` that finds `keyword`, whatever characters it has, anywhere in a text without case.
pub(super) fn containing(keyword: &str) -> String {
    let mut pattern = String::from("%");
    for character in crate::domain::catalogue::without_case(keyword).chars() {
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
    fn parameters_are_numbered_in_order() {
        let mut filter = Filter::new("deleted_at IS NULL");
        filter.and("(a, b) > (?, ?)", [Value::Integer(1), Value::Integer(2)]);
        filter.and("c = ?", [Value::Integer(3)]);
        let (sql, values) = filter.into_statement("SELECT id FROM t", "a, b", 10);
        assert_eq!(
            sql,
            "SELECT id FROM t WHERE deleted_at IS NULL AND (a, b) > (?1, ?2) AND c = ?3 ORDER BY a, b LIMIT ?4"
        );
        assert_eq!(values.len(), 4);
    }

    #[test]
    fn wildcards_of_the_keyword_stand_for_themselves() {
        assert_eq!(containing("100%_Ü!"), "%100!%!_ü!!%");
    }
}
