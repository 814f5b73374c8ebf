//! What the bank tells, as JSON.

use bojagi_kernel::Moment;
use serde::{Deserialize, Serialize};

use crate::domain::{BankEventId, PayoutId, SettlementRefusal, Word};

/// Characters of a reason that are kept.
const REASON_LENGTH: usize = 100;

/// Something that the bank tells about a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BankEvent {
    /// The same when it is told again.
    pub(crate) id: BankEventId,
    /// About which payout.
    pub(crate) payout_id: PayoutId,
    /// What it says.
    pub(crate) word: Word,
    /// Why it failed or came back; otherwise empty.
    pub(crate) reason: String,
    /// When it happened at the bank.
    pub(crate) occurred_at: Moment,
}

#[derive(Serialize, Deserialize)]
struct Body {
    event_id: String,
    payout_id: String,
    #[serde(rename = "type")]
    kind: String,
    occurred_at: String,
    #[serde(default)]
    reason: String,
}

impl BankEvent {
    /// Reads a body whose signature was checked.
    ///
    /// # Errors
    /// `BANK_EVENT_MALFORMED`.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, SettlementRefusal> {
        Self::read(body).ok_or(SettlementRefusal::BankEventMalformed)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let body: Body = serde_json::from_slice(body).ok()?;
        let occurred_at: jiff::Timestamp = body.occurred_at.parse().ok()?;
        Some(Self {
            id: body.event_id.parse().ok()?,
            payout_id: body.payout_id.parse().ok()?,
            word: match body.kind.as_str() {
                "payout.paid" => Word::Paid,
                "payout.failed" => Word::Failed,
                "payout.returned" => Word::Returned,
                _ => return None,
            },
            reason: body.reason.chars().filter(|char| !char.is_control()).take(REASON_LENGTH).collect(),
            occurred_at: Moment::from_micros(occurred_at.as_microsecond()),
        })
    }

    /// The body that says it; nothing for what the bank says only in its answer.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        let kind = match self.word {
            Word::Taken | Word::Refused => return None,
            Word::Paid => "payout.paid",
            Word::Failed => "payout.failed",
            Word::Returned => "payout.returned",
        };
        let body = Body {
            event_id: self.id.to_string(),
            payout_id: self.payout_id.to_string(),
            kind: kind.to_owned(),
            occurred_at: self.occurred_at.to_string(),
            reason: self.reason.clone(),
        };
        serde_json::to_vec(&body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_body() {
        let event = BankEvent {
            id: BankEventId::generate(),
            payout_id: PayoutId::generate(),
            word: Word::Returned,
            reason: "ACCOUNT_CLOSED".into(),
            occurred_at: Moment::from_micros(1_772_420_400_000_123),
        };
        assert_eq!(BankEvent::parse(&event.body().unwrap()), Ok(event));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let id = PayoutId::generate();
        for malformed in [
            String::new(),
            "{}".into(),
            "[]".into(),
            format!(
                r#"{{"event_id":"x","payout_id":"{id}","type":"payout.paid","occurred_at":"2026-03-02T00:00:00Z"}}"#
            ),
            format!(
                r#"{{"event_id":"{id}","payout_id":"{id}","type":"payout.lost","occurred_at":"2026-03-02T00:00:00Z"}}"#
            ),
            format!(r#"{{"event_id":"{id}","payout_id":"{id}","type":"payout.paid","occurred_at":"yesterday"}}"#),
        ] {
            assert_eq!(
                BankEvent::parse(malformed.as_bytes()),
                Err(SettlementRefusal::BankEventMalformed),
                "{malformed}"
            );
        }
    }
}
