//! What the simulated provider remembers, and how it decides.

use std::collections::HashMap;

use super::Behaviour;
use crate::provider::{DeclineReason, Instruction, Outcome, ProviderEvent, ProviderKey};

/// Keys, and payments, that each of the two generations holds: some megabytes in all.
const REMEMBERED: usize = 16_384;

/// What came of a key.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) outcome: Outcome,
    /// Nobody is told what came of it until it is looked up.
    pub(crate) silent: bool,
    /// How often it was asked for.
    pub(crate) asked: u32,
}

/// The money of one authorisation or charge, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statement {
    /// What is or was held.
    pub authorized: i64,
    /// What was taken.
    pub captured: i64,
    /// What was given back.
    pub refunded: i64,
    /// How often money was taken.
    pub captures: u32,
    /// How often money was given back.
    pub refunds: u32,
    /// Whether the hold was let go.
    pub voided: bool,
}

/// A payment with the keys that concern it, in order.
#[derive(Debug, Clone, Default)]
struct Account {
    statement: Statement,
    keys: Vec<ProviderKey>,
}

/// Two generations: when the young one is full it becomes the old one, and the old one is forgotten.
#[derive(Default)]
pub(crate) struct Book {
    operations: Generations<Recorded>,
    payments: Generations<Account>,
}

impl Book {
    /// Does what the instruction says, if its key is new; says what came of it, then or before.
    pub(crate) fn perform(&mut self, instruction: &Instruction) -> Recorded {
        if let Some(known) = self.operations.get_mut(&instruction.key) {
            known.asked += 1;
            return known.clone();
        }
        let behaviour = Behaviour::of(&instruction.token);
        let outcome = match behaviour {
            Some(behaviour) => self.decide(instruction, behaviour),
            None => Outcome::Declined(DeclineReason::Other),
        };
        let takes = matches!(instruction.key, ProviderKey::Capture(_) | ProviderKey::Charge(_));
        let silent = behaviour == Some(Behaviour::Unresolved) && takes;
        let recorded = Recorded { outcome, silent, asked: 1 };
        self.operations.insert(instruction.key, recorded.clone());
        recorded
    }

    pub(crate) fn recall(&self, key: &ProviderKey) -> Option<&Recorded> {
        self.operations.get(key)
    }

    /// What came of a key; from then on it is no secret.
    pub(crate) fn look_up(&mut self, key: &ProviderKey) -> Option<Outcome> {
        let recorded = self.operations.get_mut(key)?;
        recorded.silent = false;
        Some(recorded.outcome.clone())
    }

    pub(crate) fn statement(&self, payment: &ProviderKey) -> Option<Statement> {
        self.payments.get(payment).map(|account| account.statement)
    }

    /// All that happened to a payment, oldest first.
    pub(crate) fn history(&self, payment: &ProviderKey) -> Vec<ProviderEvent> {
        let keys = self.payments.get(payment).map(|account| account.keys.clone()).unwrap_or_default();
        keys.into_iter()
            .filter_map(|key| Some(ProviderEvent { key, outcome: self.recall(&key)?.outcome.clone() }))
            .collect()
    }

    fn decide(&mut self, instruction: &Instruction, behaviour: Behaviour) -> Outcome {
        let amount = instruction.amount.minor();
        let known = self.payments.get_mut(&instruction.payment).is_some();
        let account = self.payments.entry(instruction.payment);
        account.keys.push(instruction.key);
        let statement = &mut account.statement;

        let declined = match (instruction.key, behaviour) {
            (ProviderKey::Authorize(_) | ProviderKey::Charge(_), Behaviour::DeclineInsufficientFunds) => {
                Some(DeclineReason::InsufficientFunds)
            }
            (ProviderKey::Authorize(_) | ProviderKey::Charge(_), Behaviour::DeclineLostCard) => {
                Some(DeclineReason::LostCard)
            }
            (ProviderKey::Refund(..), Behaviour::RefundFails) => Some(DeclineReason::Other),
            // What was let go cannot be held or taken any more, even if the void overtook the authorisation.
            (ProviderKey::Authorize(_) | ProviderKey::Capture(_), _) if statement.voided => Some(DeclineReason::Other),
            (ProviderKey::Capture(_), _) if known && statement.authorized < amount => Some(DeclineReason::Other),
            (ProviderKey::Void(_), _) if statement.captures > 0 => Some(DeclineReason::Other),
            // Where it was taken elsewhere, or before a restart, how much that was is not known here.
            (ProviderKey::Refund(..), _)
                if statement.captures > 0 && statement.captured - statement.refunded < amount =>
            {
                Some(DeclineReason::Other)
            }
            _ => None,
        };
        if let Some(reason) = declined {
            return Outcome::Declined(reason);
        }

        match instruction.key {
            ProviderKey::Authorize(_) => statement.authorized = amount,
            ProviderKey::Void(_) => statement.voided = true,
            ProviderKey::Capture(_) | ProviderKey::Charge(_) => {
                statement.authorized = statement.authorized.max(amount);
                statement.captured += amount;
                statement.captures += 1;
            }
            ProviderKey::Refund(..) => {
                // A payment that was not taken here took at least what is given back of it so far.
                statement.captured = statement.captured.max(statement.refunded + amount);
                statement.refunded += amount;
                statement.refunds += 1;
            }
        }
        Outcome::Approved { reference: format!("simulated-{}", instruction.payment) }
    }
}

struct Generations<T> {
    young: HashMap<ProviderKey, T>,
    old: HashMap<ProviderKey, T>,
}

impl<T> Default for Generations<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> Generations<T> {
    fn get(&self, key: &ProviderKey) -> Option<&T> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn get_mut(&mut self, key: &ProviderKey) -> Option<&mut T> {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }

    fn insert(&mut self, key: ProviderKey, value: T) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// The value of a key, moved to the young generation so that what is in use is not forgotten.
    fn entry(&mut self, key: ProviderKey) -> &mut T
    where
        T: Default,
    {
        if !self.young.contains_key(&key) {
            let kept = self.old.remove(&key).unwrap_or_default();
            self.insert(key, kept);
        }
        self.young.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests;
