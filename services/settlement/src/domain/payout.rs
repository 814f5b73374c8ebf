//! How a payout moves, whatever order the bank's words come in.

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Moment, Money};

use super::{PayoutId, SettlementId, StatementId};

/// Where a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayoutState {
    /// Stored; the bank has not taken it.
    Pending,
    /// The bank has taken it.
    InTransit,
    /// It arrived.
    Paid,
    /// The bank refused it, or took it and could not pay it.
    Failed,
    /// The bank sent it back after it was paid.
    Returned,
}

/// What the bank says about a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It has taken it.
    Taken,
    /// It arrived.
    Paid,
    /// It was not taken and never will be: what it answers when it is asked.
    Refused,
    /// It was taken, and does not arrive.
    Failed,
    /// It came back.
    Returned,
}

/// One step of a payout. Each is booked once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The bank takes it.
    Take,
    /// It arrives.
    Pay,
    /// It will not arrive, and the money is the seller's balance again.
    Fail,
    /// It comes back, and the money is the seller's balance again.
    Return,
}

impl Step {
    /// Where the payout stands after it.
    pub(crate) const fn state(self) -> PayoutState {
        match self {
            Self::Take => PayoutState::InTransit,
            Self::Pay => PayoutState::Paid,
            Self::Fail => PayoutState::Failed,
            Self::Return => PayoutState::Returned,
        }
    }
}

/// What a word of the bank means to a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The steps to take; a word that overtook others brings theirs along.
    News(&'static [Step]),
    /// Nothing new.
    Known,
    /// The opposite of what the bank said before.
    Contradiction,
}

impl PayoutState {
    /// What a word means in this state. Words come in any order and any number of times.
    pub(crate) const fn hear(self, word: Word) -> Heard {
        match (self, word) {
            (Self::Pending, Word::Taken) => Heard::News(&[Step::Take]),
            (Self::Pending, Word::Paid) => Heard::News(&[Step::Take, Step::Pay]),
            (Self::Pending, Word::Failed) => Heard::News(&[Step::Take, Step::Fail]),
            (Self::Pending, Word::Returned) => Heard::News(&[Step::Take, Step::Pay, Step::Return]),
            (Self::InTransit, Word::Paid) => Heard::News(&[Step::Pay]),
            (Self::InTransit, Word::Returned) => Heard::News(&[Step::Pay, Step::Return]),
            (Self::Pending, Word::Refused) | (Self::InTransit, Word::Refused | Word::Failed) => {
                Heard::News(&[Step::Fail])
            }
            (Self::Paid, Word::Returned) => Heard::News(&[Step::Return]),
            (Self::Paid | Self::Returned, Word::Refused | Word::Failed)
            | (Self::Failed, Word::Paid | Word::Returned) => Heard::Contradiction,
            (Self::InTransit | Self::Paid | Self::Failed | Self::Returned, Word::Taken)
            | (Self::Paid | Self::Returned, Word::Paid)
            | (Self::Failed, Word::Refused | Word::Failed)
            | (Self::Returned, Word::Returned) => Heard::Known,
        }
    }
}

/// What may be shown of the account that a payout goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PayoutAccount {
    /// The name of the bank.
    pub(crate) bank_name: String,
    /// The last four digits.
    pub(crate) last_four: String,
}

/// Money on its way to a seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payout {
    /// Which.
    pub(crate) id: PayoutId,
    /// To whom.
    pub(crate) seller_id: AccountId,
    /// The settlement that it pays.
    pub(crate) settlement_id: SettlementId,
    /// Where it stands.
    pub(crate) state: PayoutState,
    /// How much; above 0.
    pub(crate) amount: Money,
    /// Where it goes.
    pub(crate) account: PayoutAccount,
    /// The statements that it pays, oldest first.
    pub(crate) statement_ids: Vec<StatementId>,
    /// What the bank said when it failed or came back; otherwise empty.
    pub(crate) failure_reason: String,
    /// When it was stored.
    pub(crate) created_at: Moment,
    /// When the bank took it.
    pub(crate) sent_at: Option<Moment>,
    /// When it arrived.
    pub(crate) paid_at: Option<Moment>,
    /// When it failed or came back.
    pub(crate) ended_at: Option<Moment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [Word; 3] = [Word::Taken, Word::Paid, Word::Returned];

    /// Where a payout ends, and every step that it took on the way.
    fn hear_all(words: &[Word]) -> (PayoutState, Vec<Step>) {
        let mut state = PayoutState::Pending;
        let mut taken = Vec::new();
        for word in words {
            if let Heard::News(steps) = state.hear(*word) {
                taken.extend_from_slice(steps);
                state = steps.last().unwrap().state();
            }
        }
        (state, taken)
    }

    #[test]
    fn words_in_any_order_and_number_come_to_the_same() {
        for first in WORDS {
            for second in WORDS {
                for third in WORDS {
                    let words = [first, second, third, first, second, third];
                    let (state, steps) = hear_all(&words);
                    let expected = match () {
                        () if words.contains(&Word::Returned) => PayoutState::Returned,
                        () if words.contains(&Word::Paid) => PayoutState::Paid,
                        () => PayoutState::InTransit,
                    };
                    assert_eq!(state, expected, "{words:?}");
                    let all = [Step::Take, Step::Pay, Step::Return];
                    assert_eq!(steps, all[..steps.len()], "{words:?}");
                }
            }
        }
    }

    #[test]
    fn a_payout_that_fails_was_taken_before_however_that_is_heard() {
        for words in [[Word::Taken, Word::Failed], [Word::Failed, Word::Taken], [Word::Failed, Word::Refused]] {
            assert_eq!(hear_all(&words), (PayoutState::Failed, vec![Step::Take, Step::Fail]), "{words:?}");
        }
    }

    #[test]
    fn a_refused_payout_was_not_taken_and_stays_refused() {
        assert_eq!(hear_all(&[Word::Refused, Word::Refused]), (PayoutState::Failed, vec![Step::Fail]));
        assert_eq!(PayoutState::InTransit.hear(Word::Refused), Heard::News(&[Step::Fail]));
        for word in [Word::Refused, Word::Failed, Word::Taken] {
            assert_eq!(PayoutState::Failed.hear(word), Heard::Known);
        }
        assert_eq!(PayoutState::Failed.hear(Word::Paid), Heard::Contradiction);
        assert_eq!(PayoutState::Paid.hear(Word::Failed), Heard::Contradiction);
        assert_eq!(PayoutState::Paid.hear(Word::Refused), Heard::Contradiction);
    }
}
