//! What the provider tells by itself.

use super::protocol::{EventBody, OutcomeBody};
use super::{Outcome, ProviderKey, Secret};

/// What came of a key, as the provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The key.
    pub key: ProviderKey,
    /// What came of it: never unknown.
    pub outcome: Outcome,
}

/// An event as it travels: a body and the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    /// JSON, byte for byte as it was signed.
    pub body: Vec<u8>,
    /// The signature header.
    pub signature: String,
}

impl ProviderEvent {
    /// Signs the event; `None` when its outcome is unknown, which nobody tells.
    #[must_use]
    pub fn signed(&self, secret: &Secret) -> Option<SignedEvent> {
        let body = EventBody { key: self.key.to_string(), outcome: OutcomeBody::of(&self.outcome)? };
        let body = serde_json::to_vec(&body).ok()?;
        Some(SignedEvent { signature: secret.sign(&body), body })
    }

    /// Reads a body whose signature was verified.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body: EventBody = serde_json::from_slice(body).ok()?;
        let outcome = Some(body.outcome).filter(OutcomeBody::is_well_formed)?;
        Some(Self { key: body.key.parse().ok()?, outcome: outcome.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChargeId, DeclineReason};

    #[test]
    fn an_event_survives_the_wire() {
        let key = ProviderKey::Charge(ChargeId::generate());
        let secret = Secret::from("secret");
        for outcome in
            [Outcome::Approved { reference: "p-1".into() }, Outcome::Declined(DeclineReason::InsufficientFunds)]
        {
            let event = ProviderEvent { key, outcome };
            let signed = event.signed(&secret).unwrap();
            assert!(secret.signed(&signed.body, &signed.signature));
            assert_eq!(ProviderEvent::read(&signed.body), Some(event));
        }
        assert_eq!(ProviderEvent { key, outcome: Outcome::Unknown }.signed(&secret), None);
        for malformed in ["", "null", "[]", r#"{"key":"x","outcome":"approved","reference":"p-1"}"#, r#"{"key":1}"#] {
            assert_eq!(ProviderEvent::read(malformed.as_bytes()), None, "{malformed}");
        }
        for reference in ["", "p\0", &"p".repeat(256)] {
            let event = ProviderEvent { key, outcome: Outcome::Approved { reference: reference.to_owned() } };
            assert_eq!(ProviderEvent::read(&event.signed(&secret).unwrap().body), None, "{reference:?}");
        }
    }
}
