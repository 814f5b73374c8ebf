//! Where a transaction stands, and what has to be told to the server before the next statement.
//!
//! Beginnings and savepoints are not sent by themselves: they travel in front of the statement that needs them, so that
//! they cost no journey of their own.

/// Begins a snapshot.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";
const SAVE_UNIT: &str = "SAVEPOINT unit;";
const KEEP_UNIT: &str = "RELEASE SAVEPOINT unit;";
const UNDO_UNIT: &str = "ROLLBACK TO SAVEPOINT unit;RELEASE SAVEPOINT unit;";
const SAVE_PART: &str = "SAVEPOINT part;";
const KEEP_PART: &str = "RELEASE SAVEPOINT part;";
const UNDO_PART: &str = "ROLLBACK TO SAVEPOINT part;RELEASE SAVEPOINT part;";

/// The savepoint of the unit that is under way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Unit {
    #[default]
    None,
    /// Not sent yet; it begins at this place of what is pending.
    Pending(usize),
    Open,
    /// The unit is all of the transaction, and has no savepoint.
    Whole,
}

/// How the end of a unit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    AsAsked,
    /// It was to be kept, but went on after a statement had failed: PostgreSQL keeps nothing of that.
    UndoneInstead,
}

#[derive(Debug, Default)]
pub(super) struct Transaction {
    pending: String,
    begun: bool,
    sent: bool,
    /// Only one unit is to come.
    single: bool,
    /// Its unit is undone, and so all of it.
    undone: bool,
    unit: Unit,
    failed: bool,
    lost: bool,
}

impl Transaction {
    /// Begins the transaction with `beginning`, if it has not begun.
    pub(super) fn begin(&mut self, beginning: &str) {
        if !self.begun {
            self.pending.push_str(beginning);
            self.begun = true;
        }
    }

    /// Begins a unit, and the transaction with `beginning` if this is its first.
    pub(super) fn begin_unit(&mut self, beginning: &str) {
        self.begin(beginning);
        if self.unit == Unit::None && self.single {
            self.unit = Unit::Whole;
        } else if self.unit == Unit::None {
            self.unit = Unit::Pending(self.pending.len());
            self.pending.push_str(SAVE_UNIT);
        }
    }

    /// Only one unit is to come, which needs no savepoint.
    pub(super) const fn expect_one_unit(&mut self) {
        self.single = true;
    }

    pub(super) fn begin_snapshot(&mut self) {
        self.pending.push_str(SNAPSHOT);
        self.begun = true;
    }

    /// What to send before the next statement.
    pub(super) fn take_pending(&mut self) -> String {
        if self.begun {
            self.sent = true;
        }
        if matches!(self.unit, Unit::Pending(_)) {
            self.unit = Unit::Open;
        }
        std::mem::take(&mut self.pending)
    }

    /// Whether the server knows of the transaction.
    pub(super) const fn is_sent(&self) -> bool {
        self.sent
    }

    /// Whether there is anything to commit or to undo.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// A statement failed: until something is undone, the server takes no other.
    pub(super) const fn fail(&mut self) {
        self.failed = true;
    }

    /// The whole transaction is gone.
    pub(super) const fn lose(&mut self) {
        self.lost = true;
    }

    pub(super) const fn is_lost(&self) -> bool {
        self.lost
    }

    pub(super) fn end_unit(&mut self, keep: bool) -> Ended {
        let failed = std::mem::take(&mut self.failed);
        match std::mem::take(&mut self.unit) {
            Unit::None => Ended::AsAsked,
            // Nothing was asked of the server.
            Unit::Pending(place) => {
                self.pending.truncate(place);
                Ended::AsAsked
            }
            Unit::Whole if keep && !failed => Ended::AsAsked,
            Unit::Whole => {
                self.undone = true;
                if keep { Ended::UndoneInstead } else { Ended::AsAsked }
            }
            Unit::Open if keep && !failed => {
                self.pending.push_str(KEEP_UNIT);
                Ended::AsAsked
            }
            Unit::Open => {
                self.pending.clear();
                self.pending.push_str(UNDO_UNIT);
                if keep { Ended::UndoneInstead } else { Ended::AsAsked }
            }
        }
    }

    pub(super) fn begin_part(&mut self) {
        self.pending.push_str(SAVE_PART);
    }

    pub(super) fn end_part(&mut self, keep: bool) -> Ended {
        if self.pending.ends_with(SAVE_PART) {
            self.pending.truncate(self.pending.len() - SAVE_PART.len());
            return Ended::AsAsked;
        }
        let failed = std::mem::take(&mut self.failed);
        if keep && !failed {
            self.pending.push_str(KEEP_PART);
            return Ended::AsAsked;
        }
        self.pending.push_str(UNDO_PART);
        if keep { Ended::UndoneInstead } else { Ended::AsAsked }
    }

    /// Ends the transaction here; answers the words that end it, unless the server knows nothing of it.
    pub(super) fn end(&mut self) -> Option<String> {
        let ended = std::mem::take(self);
        let words = if ended.undone { "ROLLBACK".to_owned() } else { ended.pending + "COMMIT" };
        ended.sent.then_some(words)
    }

    /// The same when something is still to be sent in it; answers what has to be sent before that.
    pub(super) fn end_with_more(&mut self) -> String {
        std::mem::take(self).pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_asks_nothing_costs_nothing() {
        let mut transaction = Transaction::default();
        transaction.begin_unit("BEGIN;");
        assert_eq!(transaction.end_unit(true), Ended::AsAsked);
        assert_eq!(transaction.end(), None);
    }

    #[test]
    fn savepoints_travel_with_the_next_statement() {
        let mut transaction = Transaction::default();
        transaction.begin_unit("BEGIN;");
        assert_eq!(transaction.take_pending(), "BEGIN;SAVEPOINT unit;");
        transaction.begin_unit("BEGIN;");
        assert_eq!(transaction.take_pending(), "");
        transaction.end_unit(true);
        transaction.begin_unit("BEGIN;");
        assert_eq!(transaction.take_pending(), "RELEASE SAVEPOINT unit;SAVEPOINT unit;");
        transaction.end_unit(false);
        assert_eq!(transaction.end(), Some(format!("{UNDO_UNIT}COMMIT")));
    }

    #[test]
    fn a_single_unit_needs_no_savepoint() {
        let mut transaction = Transaction::default();
        transaction.expect_one_unit();
        transaction.begin_unit("BEGIN;");
        assert_eq!(transaction.take_pending(), "BEGIN;");
        assert_eq!(transaction.end_unit(true), Ended::AsAsked);
        assert_eq!(transaction.end().as_deref(), Some("COMMIT"));

        for (keep, fails, ended) in [(false, false, Ended::AsAsked), (true, true, Ended::UndoneInstead)] {
            transaction.expect_one_unit();
            transaction.begin_unit("BEGIN;");
            transaction.take_pending();
            transaction.begin_part();
            if fails {
                transaction.fail();
            }
            assert_eq!(transaction.end_unit(keep), ended);
            assert_eq!(transaction.end().as_deref(), Some("ROLLBACK"));
        }
    }

    #[test]
    fn what_failed_is_never_kept() {
        let mut transaction = Transaction::default();
        transaction.begin_unit("BEGIN;");
        transaction.take_pending();
        transaction.fail();
        assert_eq!(transaction.end_unit(true), Ended::UndoneInstead);
        assert_eq!(transaction.take_pending(), UNDO_UNIT);
    }

    #[test]
    fn a_part_that_is_undone_mends_the_unit() {
        let mut transaction = Transaction::default();
        transaction.begin_unit("BEGIN;");
        transaction.begin_part();
        assert_eq!(transaction.take_pending(), "BEGIN;SAVEPOINT unit;SAVEPOINT part;");
        transaction.fail();
        assert_eq!(transaction.end_part(false), Ended::AsAsked);
        assert_eq!(transaction.end_unit(true), Ended::AsAsked);
        assert_eq!(transaction.end(), Some(format!("{UNDO_PART}{KEEP_UNIT}COMMIT")));
    }

    #[test]
    fn undoing_a_unit_undoes_its_parts() {
        let mut transaction = Transaction::default();
        transaction.begin_unit("BEGIN;");
        transaction.take_pending();
        transaction.begin_part();
        assert_eq!(transaction.end_unit(false), Ended::AsAsked);
        assert_eq!(transaction.end(), Some(format!("{UNDO_UNIT}COMMIT")));
    }
}
