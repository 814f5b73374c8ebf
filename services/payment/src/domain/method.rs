//! Payment methods: tokens of the provider, never cards.

use std::fmt;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, PaymentMethodId};

/// Digits in a row that make a text look like a card number: a payment card has 13 to 19 (ISO/IEC 7812-1 allows 19; the
/// shortest in use have 13), and a longer row may hold one.
const CARD_DIGITS: usize = 13;
/// Characters of a token at most.
const TOKEN_LENGTH: usize = 255;

/// What a payment method is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodType {
    /// A credit card.
    CreditCard,
    /// A debit card.
    DebitCard,
}

/// What may be shown of a payment method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodSummary {
    /// What it is.
    pub kind: MethodType,
    /// Who issued it.
    pub issuer: String,
    /// The last four digits of the card.
    pub last_four: String,
}

/// The provider's token of a payment method. It does not print itself, so that no log can hold it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderToken(String);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedToken {
    /// Not of the form of tokens.
    #[error("must be tok_ and at most 251 small letters, digits and underscores")]
    Form,
    /// It may hold a card number, which has no place here.
    #[error("must not hold a card number")]
    CardNumber,
}

impl ProviderToken {
    /// Reads a token: `tok_` and small letters, digits and underscores, at most 255 characters in all.
    ///
    /// # Errors
    /// A `MalformedToken` that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if looks_like_card_number(text) {
            return Err(MalformedToken::CardNumber);
        }
        let name = text.strip_prefix("tok_").ok_or(MalformedToken::Form)?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || text.len() > TOKEN_LENGTH || !name.bytes().all(allowed) {
            return Err(MalformedToken::Form);
        }
        Ok(Self(text.to_owned()))
    }

    /// The token as the provider knows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderToken(redacted)")
    }
}

/// What an external leg is paid with: a copy of the method, because a payment outlives the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaidWith {
    pub(crate) token: ProviderToken,
    pub(crate) summary: MethodSummary,
}

/// A payment method of an account.
#[derive(Debug, Clone)]
pub(crate) struct PaymentMethod {
    pub(crate) id: PaymentMethodId,
    pub(crate) account_id: AccountId,
    pub(crate) paid_with: PaidWith,
    pub(crate) is_default: bool,
    pub(crate) created_at: Moment,
}

/// Whether a text holds a row of digits as long as a card number, with or without separators in it: whatever is no letter may be
/// one.
pub(crate) fn looks_like_card_number(text: &str) -> bool {
    let mut digits = 0;
    for letter in text.chars() {
        if letter.is_numeric() {
            digits += 1;
        } else if letter.is_alphabetic() {
            digits = 0;
        }
        if digits >= CARD_DIGITS {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_seen_through_its_separators() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "tok_4111_1111_1111_1111",
            "x 3782-822463-10005",
            "4111\u{a0}1111\u{2011}1111\u{200b}1111",
            "(4111), 1111; 1111+1111",
            "４１１１１１１１１１１１１１１１",
        ] {
            assert!(looks_like_card_number(card), "{card}");
            assert!(ProviderToken::parse(card).is_err());
        }
        for harmless in ["", "1234", "tok_approve", "bank 2024 branch 12345678", "1, 2, 3 and 4567890123"] {
            assert!(!looks_like_card_number(harmless), "{harmless}");
        }
    }

    #[test]
    fn a_token_has_one_form() {
        assert_eq!(ProviderToken::parse("tok_decline_lost_card").unwrap().expose(), "tok_decline_lost_card");
        let too_long = format!("tok_{}", "a".repeat(252));
        for malformed in ["", "tok_", "approve", "tok_Approve", "tok_a b", "tok_é", "tok_a\n", too_long.as_str()] {
            assert_eq!(ProviderToken::parse(malformed), Err(MalformedToken::Form), "{malformed}");
        }
    }

    #[test]
    fn a_token_does_not_print_itself() {
        let token = ProviderToken::parse("tok_approve").unwrap();
        assert!(!format!("{token:?}").contains("approve"));
    }
}
