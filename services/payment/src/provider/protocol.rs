//! What goes over the wire between the shop and its provider, as JSON.

use bojagi_kernel::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::{DeclineReason, Instruction, Outcome, ProviderToken};

/// The path under which instructions are given and looked up.
pub(crate) const OPERATIONS: &str = "/operations";
/// The path under which a token is checked.
pub(crate) const TOKENS: &str = "/tokens";
/// The header that carries the signature of an event.
pub(crate) const SIGNATURE: &str = "provider-signature";
/// Bytes of a body at most.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// Characters of a reference at most.
const REFERENCE_LENGTH: usize = 255;

/// An instruction.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstructionBody {
    key: String,
    payment: String,
    token: String,
    currency: String,
    amount: i64,
}

impl From<&Instruction> for InstructionBody {
    fn from(instruction: &Instruction) -> Self {
        Self {
            key: instruction.key.to_string(),
            payment: instruction.payment.to_string(),
            token: instruction.token.expose().to_owned(),
            currency: instruction.amount.currency().to_string(),
            amount: instruction.amount.minor(),
        }
    }
}

impl InstructionBody {
    /// The instruction, when it is one.
    pub(crate) fn read(&self) -> Option<Instruction> {
        Some(Instruction {
            key: self.key.parse().ok()?,
            payment: self.payment.parse().ok()?,
            token: ProviderToken::parse(&self.token).ok()?,
            amount: Money::new(Currency::parse(&self.currency).ok()?, self.amount),
        })
    }
}

/// A token to check, and whether the provider knows it.
#[derive(Serialize, Deserialize)]
pub(crate) struct TokenBody {
    pub(crate) token: String,
}

/// Whether the provider knows a token.
#[derive(Serialize, Deserialize)]
pub(crate) struct TokenKnownBody {
    pub(crate) known: bool,
}

/// A definite outcome: an unknown one has no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum OutcomeBody {
    Approved { reference: String },
    Declined { reason: String },
}

impl OutcomeBody {
    /// The body of a definite outcome.
    pub(crate) fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Approved { reference } => Some(Self::Approved { reference: reference.clone() }),
            Outcome::Declined(reason) => Some(Self::Declined { reason: reason_name(*reason).to_owned() }),
            Outcome::Unknown => None,
        }
    }

    /// Whether it can be kept as it is: a reference has 1 to 255 characters, none of them a control character.
    pub(crate) fn is_well_formed(&self) -> bool {
        match self {
            Self::Approved { reference } => !reference.is_empty() && *reference == cleaned(reference),
            Self::Declined { .. } => true,
        }
    }
}

impl From<OutcomeBody> for Outcome {
    /// An approval stands whatever its reference is: what could not be kept of that is left out.
    fn from(body: OutcomeBody) -> Self {
        match body {
            OutcomeBody::Approved { reference } => Self::Approved { reference: cleaned(&reference) },
            OutcomeBody::Declined { reason } => Self::Declined(reason_named(&reason)),
        }
    }
}

fn cleaned(reference: &str) -> String {
    reference.chars().filter(|letter| !letter.is_control()).take(REFERENCE_LENGTH).collect()
}

/// An event that the provider tells.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventBody {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) outcome: OutcomeBody,
}

const fn reason_name(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::InsufficientFunds => "insufficient_funds",
        DeclineReason::LostCard => "lost_card",
        // The others are never a provider's.
        DeclineReason::PointsNotEnough | DeclineReason::PaymentMethodNotFound | DeclineReason::Other => "other",
    }
}

fn reason_named(name: &str) -> DeclineReason {
    match name {
        "insufficient_funds" => DeclineReason::InsufficientFunds,
        "lost_card" => DeclineReason::LostCard,
        _ => DeclineReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_stands_whatever_its_reference_is() {
        let long = "é".repeat(300);
        for (told, kept, is_well_formed) in [
            ("p-1", "p-1", true),
            (&long[..2 * 255], &long[..2 * 255], true),
            (long.as_str(), &long[..2 * 255], false),
            ("p\u{0}-\n1\u{85}", "p-1", false),
            ("", "", false),
        ] {
            let body = OutcomeBody::Approved { reference: told.to_owned() };
            assert_eq!(body.is_well_formed(), is_well_formed, "{told:?}");
            assert_eq!(Outcome::from(body), Outcome::Approved { reference: kept.to_owned() });
        }
    }
}
