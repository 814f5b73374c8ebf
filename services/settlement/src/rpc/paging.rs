//! Pages of lists that are ordered by a moment and an id.

use std::fmt::Display;
use std::str::FromStr;

use bojagi_chassis::{Fields, Pager};
use bojagi_kernel::Moment;

/// A page that was asked for.
pub(super) struct Page<Id> {
    query: String,
    size: i64,
    /// The last thing on the page before.
    pub(super) after: Option<(Moment, Id)>,
}

impl<Id: FromStr + Display> Page<Id> {
    /// Reads the page of the list that `query` names with its filters.
    pub(super) fn read(fields: &mut Fields, pager: &Pager, query: String, size: i32, token: &str) -> Option<Self> {
        let size = fields.page_size(size);
        let after: Option<Option<(i64, String)>> = fields.page_token(pager, &query, token);
        let (size, after) = (size?, after?);
        // A signed token that does not hold an id was given out by another list under the same name: there is none.
        let after = after.and_then(|(micros, id)| Some((Moment::from_micros(micros), id.parse().ok()?)));
        Some(Self { query, size, after })
    }

    /// How many to read: one more than the page holds, to know whether it is the last.
    pub(super) const fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Cuts what was read to the page, and makes the token of the next one; empty at the end.
    pub(super) fn cut<T>(&self, pager: &Pager, listed: &mut Vec<T>, place: impl Fn(&T) -> (Moment, Id)) -> String {
        let size = usize::try_from(self.size).unwrap_or_default();
        if listed.len() <= size {
            return String::new();
        }
        listed.truncate(size);
        let last = listed.last().map(place);
        last.map(|(moment, id)| pager.token(&self.query, &(moment.micros(), id.to_string()))).unwrap_or_default()
    }
}
