//! A draft: an order whose lines its customer still edits. Nothing is asked of anybody for it.
//!
//! Its version stands for everything that was shown of it, so that whoever confirms it says what they saw. The order that it becomes
//! has an id of its own: ids sort by age, and an order is as old as its confirmation.

use bojagi_kernel::id::{AccountId, OptionId, OrderId, OrderLineId};
use bojagi_kernel::{Currency, Moment, Money};

use super::{Line, MAX_LINES, OrderRefusal, same_currency};

/// What a customer may order once they confirm it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) id: OrderId,
    pub(crate) customer_id: AccountId,
    /// Counts its changes, from 1.
    pub(crate) version: i64,
    /// In the order in which they were added; all in one currency.
    pub(crate) lines: Vec<DraftLine>,
    pub(crate) begun_at: Moment,
}

/// One line of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftLine {
    /// Of the line of the order, too.
    pub(crate) id: OrderLineId,
    pub(crate) option_id: OptionId,
    pub(crate) quantity: i64,
    /// The price of one piece, as its customer saw it.
    pub(crate) unit_price: Money,
}

/// What its customer does to one line of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineEdit {
    /// It comes behind the others.
    Add(DraftLine),
    /// The line of the same id becomes this one, and stays where it was.
    Replace(DraftLine),
    Remove(OrderLineId),
}

impl Draft {
    /// Begins a draft.
    ///
    /// # Errors
    /// `CURRENCY_MISMATCH`.
    pub(crate) fn begin(customer_id: AccountId, lines: Vec<DraftLine>, now: Moment) -> Result<Self, OrderRefusal> {
        lines.iter().try_for_each(|line| same_currency_as(lines.iter(), line))?;
        Ok(Self { id: OrderId::generate(), customer_id, version: 1, lines, begun_at: now })
    }

    /// The currency of its lines; none while it has no line.
    pub(crate) fn currency(&self) -> Option<Currency> {
        self.lines.first().map(|line| line.unit_price.currency())
    }

    /// Edits one line.
    ///
    /// # Errors
    /// `ORDER_LINE_NOT_FOUND`, `DRAFT_FULL`, `CURRENCY_MISMATCH`.
    pub(crate) fn edit(&mut self, edit: &LineEdit) -> Result<(), OrderRefusal> {
        match edit {
            LineEdit::Add(line) => self.add(line.clone())?,
            LineEdit::Replace(line) => self.replace(line.clone())?,
            LineEdit::Remove(line_id) => self.remove(*line_id)?,
        }
        self.version += 1;
        Ok(())
    }

    fn add(&mut self, line: DraftLine) -> Result<(), OrderRefusal> {
        if self.lines.len() == MAX_LINES {
            return Err(OrderRefusal::DraftFull { limit: MAX_LINES });
        }
        same_currency_as(self.lines.iter(), &line)?;
        self.lines.push(line);
        Ok(())
    }

    fn replace(&mut self, line: DraftLine) -> Result<(), OrderRefusal> {
        let index = self.index_of(line.id)?;
        let others = self.lines.iter().filter(|other| other.id != line.id);
        same_currency_as(others, &line)?;
        self.lines[index] = line;
        Ok(())
    }

    fn remove(&mut self, line_id: OrderLineId) -> Result<(), OrderRefusal> {
        let index = self.index_of(line_id)?;
        self.lines.remove(index);
        Ok(())
    }

    /// Sees that it can be ordered by somebody who saw this version of it.
    ///
    /// # Errors
    /// `DRAFT_CHANGED`, `DRAFT_EMPTY`.
    pub(crate) const fn may_be_confirmed(&self, seen_version: i64) -> Result<(), OrderRefusal> {
        if seen_version != self.version {
            return Err(OrderRefusal::DraftChanged { version: self.version });
        }
        if self.lines.is_empty() {
            return Err(OrderRefusal::DraftEmpty);
        }
        Ok(())
    }

    fn index_of(&self, order_line_id: OrderLineId) -> Result<usize, OrderRefusal> {
        let index = self.lines.iter().position(|line| line.id == order_line_id);
        index.ok_or(OrderRefusal::OrderLineNotFound { order_line_id })
    }
}

/// Sees that a line is in the currency of the others.
fn same_currency_as<'a>(mut others: impl Iterator<Item = &'a DraftLine>, line: &DraftLine) -> Result<(), OrderRefusal> {
    others.next().map_or(Ok(()), |other| same_currency(other.unit_price.currency(), [line.unit_price]))
}

impl DraftLine {
    /// The line as it is ordered.
    pub(crate) const fn ordered(&self) -> Line {
        Line {
            id: self.id,
            option_id: self.option_id,
            quantity: self.quantity,
            unit_price: self.unit_price.minor(),
            coupons: Vec::new(),
            sold: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::NOW;
    use super::LineEdit::{Add, Remove, Replace};
    use super::*;

    fn line(currency: Currency) -> DraftLine {
        let (id, option_id) = (OrderLineId::generate(), OptionId::generate());
        DraftLine { id, option_id, quantity: 2, unit_price: Money::new(currency, 1_000) }
    }

    fn draft(lines: Vec<DraftLine>) -> Draft {
        Draft::begin(AccountId::generate(), lines, NOW).unwrap()
    }

    #[test]
    fn each_edit_is_a_version() {
        let [first, second] = [line(Currency::KRW), line(Currency::KRW)];
        let mut draft = draft(vec![first.clone()]);
        assert_eq!(draft.version, 1);
        draft.edit(&Add(second.clone())).unwrap();
        let more = DraftLine { quantity: 3, option_id: OptionId::generate(), ..first.clone() };
        draft.edit(&Replace(more.clone())).unwrap();
        assert_eq!((draft.version, &draft.lines), (3, &vec![more, second.clone()]), "a line stays where it was");
        draft.edit(&Remove(first.id)).unwrap();
        assert_eq!((draft.version, &draft.lines), (4, &vec![second.clone()]));
        let gone = Err(OrderRefusal::OrderLineNotFound { order_line_id: first.id });
        assert_eq!((draft.edit(&Remove(first.id)), draft.edit(&Replace(first))), (gone.clone(), gone));
        assert_eq!(draft.may_be_confirmed(3), Err(OrderRefusal::DraftChanged { version: 4 }));
        assert_eq!(draft.may_be_confirmed(4), Ok(()));
        draft.edit(&Remove(second.id)).unwrap();
        assert_eq!(draft.may_be_confirmed(5), Err(OrderRefusal::DraftEmpty));
    }

    #[test]
    fn it_is_in_one_currency_and_without_lines_in_none() {
        let usd = Currency::parse("USD").unwrap();
        let mixed = Err(OrderRefusal::CurrencyMismatch { expected: Currency::KRW, actual: usd });
        let begun = Draft::begin(AccountId::generate(), vec![line(Currency::KRW), line(usd)], NOW);
        assert_eq!(begun.map(|_| ()), mixed);
        let only = line(Currency::KRW);
        let mut draft = draft(vec![only.clone()]);
        assert_eq!(draft.clone().edit(&Add(line(usd))), mixed);
        let mut two = draft.clone();
        two.edit(&Add(line(Currency::KRW))).unwrap();
        assert_eq!(two.edit(&Replace(DraftLine { unit_price: Money::new(usd, 5), ..only.clone() })), mixed);
        // The only line may change its currency, and so may those that come after it.
        draft.edit(&Replace(DraftLine { unit_price: Money::new(usd, 5), ..only.clone() })).unwrap();
        draft.edit(&Remove(only.id)).unwrap();
        assert_eq!(draft.currency(), None);
        draft.edit(&Add(line(Currency::KRW))).unwrap();
        assert_eq!(draft.currency(), Some(Currency::KRW));
    }

    #[test]
    fn it_has_as_many_lines_as_an_order() {
        let mut draft = draft(vec![line(Currency::KRW); MAX_LINES]);
        assert_eq!(draft.edit(&Add(line(Currency::KRW))), Err(OrderRefusal::DraftFull { limit: MAX_LINES }));
        assert_eq!((draft.lines.len(), draft.version), (MAX_LINES, 1));
    }
}
