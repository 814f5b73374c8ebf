//! How the words of the domain are kept in columns.

use bojagi_kernel::Currency;
use bojagi_store::{Bind, Column, Error, Kind, Row, Value, stored_enum, stored_ids};

use crate::domain::{
    Allocations, ChargeId, ChargeState, DeclineReason, MethodType, PaymentState, ProviderToken, RefundId, RefundState,
    UnderWay, WalletEntryId, WalletEntryKind,
};

stored_ids!(RefundId, ChargeId, WalletEntryId);

stored_enum!(PaymentState {
    Pending => "PENDING",
    Authorized => "AUTHORIZED",
    Captured => "CAPTURED",
    PartiallyRefunded => "PARTIALLY_REFUNDED",
    Refunded => "REFUNDED",
    Voided => "VOIDED",
    Declined => "DECLINED",
    Unresolved => "UNRESOLVED",
});
stored_enum!(UnderWay { Authorize => "AUTHORIZE", Capture => "CAPTURE", Void => "VOID" });
stored_enum!(RefundState { Pending => "PENDING", Succeeded => "SUCCEEDED", Failed => "FAILED" });
stored_enum!(ChargeState {
    Pending => "PENDING",
    Completed => "COMPLETED",
    Declined => "DECLINED",
    Unresolved => "UNRESOLVED",
});
stored_enum!(DeclineReason {
    PointsNotEnough => "POINTS_NOT_ENOUGH",
    PaymentMethodNotFound => "PAYMENT_METHOD_NOT_FOUND",
    InsufficientFunds => "INSUFFICIENT_FUNDS",
    LostCard => "LOST_CARD",
    Other => "OTHER",
});
stored_enum!(MethodType { CreditCard => "CREDIT_CARD", DebitCard => "DEBIT_CARD" });
stored_enum!(WalletEntryKind { Charge => "CHARGE", Use => "USE", Refund => "REFUND" });

impl Bind for Allocations {
    const KIND: Kind = Kind::Bytes;

    fn bind(&self) -> Value<'_> {
        Value::Bytes(&self.0)
    }
}

impl Column for Allocations {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        row.get(index).map(Self)
    }
}

impl Bind for ProviderToken {
    const KIND: Kind = Kind::Text;

    fn bind(&self) -> Value<'_> {
        Value::Text(self.expose())
    }
}

impl Column for ProviderToken {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        Self::parse(row.text(index)?).map_err(|error| Error::Column { index, problem: error.to_string() })
    }
}

/// A currency as a column; it belongs to another crate, and so does the trait.
pub(super) struct StoredCurrency(pub(super) Currency);

impl Column for StoredCurrency {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        let parsed = Currency::parse(row.text(index)?);
        parsed.map(Self).map_err(|error| Error::Column { index, problem: error.to_string() })
    }
}
