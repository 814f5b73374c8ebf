//! Rows that are put into an order that is the same for everybody.

use std::collections::HashSet;

use uuid::Uuid;

use crate::many::{Asking, parts, repeated};
use crate::{Announced, Error, FromRow, Row, Tx, Value, from_row};

/// A fact on its way into the log of a store, where each gets a position. Whoever reads the log by positions, up to the last
/// one there is, misses none: what is committed later has a later one.
///
/// On SQLite, where units are one after the other, an entry is written at once. On PostgreSQL it is written right before the
/// commit, when no other transaction can come in between, and nothing is waited for: so a unit does not see what it has told.
pub trait LogEntry: Send {
    /// Inserts the rows that are in braces (as [`Tx::execute_many`]) and answers aggregate, position and number of each.
    fn statement(&self) -> &'static str;

    /// What the fact is about. Two facts about the same are never in one statement.
    fn aggregate_id(&self) -> Uuid;

    /// What followers choose by.
    fn kind(&self) -> &'static str;

    /// The parameters of its row.
    fn values(&self) -> Vec<Value<'_>>;

    /// The fact as followers are shown it, at its position and with its number among the facts about the same.
    fn placed(self: Box<Self>, position: i64, sequence: i64) -> Announced;
}

impl Tx {
    /// Puts facts into the log, in this order as far as they are about the same. They are announced once this unit is committed.
    ///
    /// # Errors
    /// What the database says, if it writes them at once.
    pub async fn append(&mut self, entries: Vec<Box<dyn LogEntry>>) -> Result<(), Error> {
        self.announced = true;
        if self.session.appends_before_commit() {
            self.to_append.extend(entries);
            return Ok(());
        }
        let mut places = Vec::with_capacity(entries.len());
        for (asking, part) in statements(&entries)? {
            let mut found = Vec::with_capacity(part.len());
            let take = |row: &Row<'_>| {
                found.push(Place::from_row(row)?);
                Ok(())
            };
            self.session.fetch_each(&[asking], take).await?;
            places.extend(in_order_of(part, &found)?);
        }
        let mut told: Vec<_> = entries
            .into_iter()
            .zip(places)
            .map(|(entry, place)| entry.placed(place.position, place.sequence))
            .collect();
        // Who follows is shown facts by their positions.
        told.sort_unstable_by_key(|announced| announced.position);
        self.told.extend(told);
        Ok(())
    }
}

/// Where an entry was put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    aggregate_id: Uuid,
    pub(crate) position: i64,
    sequence: i64,
}

from_row!(Place { aggregate_id, position, sequence });

type Entries = [Box<dyn LogEntry>];

/// The statements that write entries, each with those that it writes: as many as can be, but no two about the same.
pub(crate) fn statements(entries: &Entries) -> Result<Vec<(Asking<'_>, &Entries)>, Error> {
    let parts = runs(entries).flat_map(parts).map(|part| {
        let sql = repeated(part[0].statement(), part.len())?;
        Ok((Asking { sql, params: part.iter().flat_map(|entry| entry.values()).collect() }, part))
    });
    parts.collect()
}

/// Cuts entries into runs in which no two are about the same.
fn runs(entries: &Entries) -> impl Iterator<Item = &Entries> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        if rest.len() == 1 {
            return Some(std::mem::take(&mut rest));
        }
        let mut seen = HashSet::new();
        let mut fits =
            |entry: &dyn LogEntry| entry.statement() == first.statement() && seen.insert(entry.aggregate_id());
        let (run, others) = rest.split_at(rest.iter().take_while(|entry| fits(entry.as_ref())).count());
        rest = others;
        Some(run)
    })
}

/// A database may answer the rows of one statement in another order.
pub(crate) fn in_order_of(entries: &Entries, found: &[Place]) -> Result<Vec<Place>, Error> {
    let place = |entry: &dyn LogEntry| {
        found.iter().find(|place| place.aggregate_id == entry.aggregate_id()).copied().ok_or(Error::NoRow)
    };
    entries.iter().map(|entry| place(entry.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Bind;

    struct About(Uuid);

    impl LogEntry for About {
        fn statement(&self) -> &'static str {
            "INSERT INTO log (id) VALUES {(?1)} RETURNING id, position, 1"
        }

        fn aggregate_id(&self) -> Uuid {
            self.0
        }

        fn kind(&self) -> &'static str {
            "About"
        }

        fn values(&self) -> Vec<Value<'_>> {
            vec![self.0.bind()]
        }

        fn placed(self: Box<Self>, position: i64, _: i64) -> Announced {
            Announced { position, kind: "About", fact: Arc::new(()) }
        }
    }

    #[test]
    fn no_statement_writes_two_facts_about_the_same() {
        let of = |ids: &[u128]| -> Vec<Box<dyn LogEntry>> {
            ids.iter().map(|id| Box::new(About(Uuid::from_u128(*id))) as Box<dyn LogEntry>).collect()
        };
        let sizes = |entries: Vec<Box<dyn LogEntry>>| {
            statements(&entries)
                .unwrap()
                .iter()
                .map(|(asking, part)| (asking.params.len(), part.len()))
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(of(&[])), []);
        assert_eq!(sizes(of(&[1, 2])), [(2, 2)]);
        // One statement for 1, 2, 3 would be three rows; lists are cut into powers of two.
        assert_eq!(sizes(of(&[1, 2, 3, 1, 1])), [(2, 2), (1, 1), (1, 1), (1, 1)]);
    }
}
