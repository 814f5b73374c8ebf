//! What is asked of the payment provider: under which key, and with which outcome.

use std::fmt;
use std::str::FromStr;

use bojagi_kernel::id::{MalformedId, OrderId};

bojagi_kernel::typed_id! {
    /// A refund, as order named it.
    RefundId,
    /// A charge of points.
    ChargeId,
}

/// The key of one effect at the provider. It is derived from what the effect is for, so that asking again, by whomever
/// and however often, is asking for the same effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKey {
    /// Holds the external leg of an order.
    Authorize(OrderId),
    /// Takes what was held.
    Capture(OrderId),
    /// Lets go what was held.
    Void(OrderId),
    /// Gives back some of what was taken. A refund that the provider refused may be attempted anew: attempts count from 1.
    Refund(RefundId, i64),
    /// Takes the price of points, at once.
    Charge(ChargeId),
}

impl fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorize(order_id) => write!(f, "authorize-{order_id}"),
            Self::Capture(order_id) => write!(f, "capture-{order_id}"),
            Self::Void(order_id) => write!(f, "void-{order_id}"),
            Self::Refund(refund_id, attempt) => write!(f, "refund-{refund_id}-{attempt}"),
            Self::Charge(charge_id) => write!(f, "charge-{charge_id}"),
        }
    }
}

/// A text that is no key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key that this shop gives to the provider")]
pub struct MalformedKey;

impl From<MalformedId> for MalformedKey {
    fn from(_: MalformedId) -> Self {
        Self
    }
}

impl FromStr for ProviderKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, subject) = text.split_once('-').ok_or(MalformedKey)?;
        let key = match kind {
            "authorize" => Self::Authorize(subject.parse()?),
            "capture" => Self::Capture(subject.parse()?),
            "void" => Self::Void(subject.parse()?),
            "charge" => Self::Charge(subject.parse()?),
            "refund" => {
                let (refund_id, attempt) = subject.rsplit_once('-').ok_or(MalformedKey)?;
                Self::Refund(refund_id.parse()?, attempt.parse().map_err(|_| MalformedKey)?)
            }
            _ => return Err(MalformedKey),
        };
        // A UUID can be written in several ways; a key in one.
        if key.to_string() == text { Ok(key) } else { Err(MalformedKey) }
    }
}

/// Why a payment, a refund or a charge was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclineReason {
    /// The wallet holds less than was asked for.
    PointsNotEnough,
    /// The customer has no such payment method.
    PaymentMethodNotFound,
    /// The account behind the method does not cover the amount.
    InsufficientFunds,
    /// The card was reported lost.
    LostCard,
    /// The provider gave no reason that is known here.
    Other,
}

/// What the provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Approved {
        /// The provider's own id of the payment.
        reference: String,
    },
    /// It is not done and will not be.
    Declined(DeclineReason),
    /// Nobody knows: the answer was lost, or has not been given.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_in_exactly_one_way() {
        let (order_id, refund_id) = (OrderId::generate(), RefundId::generate());
        for key in [
            ProviderKey::Authorize(order_id),
            ProviderKey::Capture(order_id),
            ProviderKey::Void(order_id),
            ProviderKey::Refund(refund_id, 12),
            ProviderKey::Charge(ChargeId::generate()),
        ] {
            assert_eq!(key.to_string().parse(), Ok(key));
            assert_eq!(key.to_string().to_uppercase().parse::<ProviderKey>(), Err(MalformedKey));
        }
        for malformed in [
            "".to_owned(),
            "capture".to_owned(),
            "capture-".to_owned(),
            format!("steal-{order_id}"),
            format!("refund-{refund_id}"),
            format!("refund-{refund_id}-01"),
            format!("capture-{}", order_id.as_uuid().simple()),
        ] {
            assert_eq!(malformed.parse::<ProviderKey>(), Err(MalformedKey), "{malformed}");
        }
    }
}
