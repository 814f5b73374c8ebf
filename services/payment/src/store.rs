//! The tables of payment and the statements on them: the only place that knows the database.

pub(crate) mod charges;
mod columns;
pub(crate) mod methods;
pub(crate) mod payments;
pub(crate) mod refunds;
pub(crate) mod schema;
pub(crate) mod wallets;

use bojagi_kernel::Failure;
use bojagi_store::Error;

use crate::domain::PaymentRefusal;

/// What a violated constraint means to the caller; all else that the database says stays what it is.
pub(crate) fn refused(error: Error) -> Failure {
    match error.constraint() {
        Some("payment_method_token_key") => PaymentRefusal::PaymentMethodExists.into(),
        // Two methods were added or made the default at the same moment.
        Some("payment_method_default_key") => PaymentRefusal::ConcurrentChange.into(),
        _ => error.into(),
    }
}
