//! How the types of the domain are kept.

use bojagi_kernel::{Currency, Money};
use bojagi_store::{Bind, Column, Error, Kind, Row, Value, stored_enum, stored_ids};

use crate::domain::{
    AccountKind, BankEventId, CloseId, CommissionRateId, EntryKind, LedgerAccountId, LedgerEntryId, PayoutId,
    PayoutState, SettlementId, StatementEntryId, StatementId, StatementState, TransactionId, TransactionKind, Word,
};

stored_ids!(
    BankEventId,
    CloseId,
    CommissionRateId,
    LedgerAccountId,
    LedgerEntryId,
    PayoutId,
    SettlementId,
    StatementEntryId,
    StatementId,
    TransactionId,
);

stored_enum!(EntryKind { Capture => "CAPTURE", Refund => "REFUND" });
stored_enum!(StatementState { Open => "OPEN", Settled => "SETTLED" });
stored_enum!(Word {
    Taken => "TAKEN",
    Paid => "PAID",
    Refused => "REFUSED",
    Failed => "FAILED",
    Returned => "RETURNED",
});
stored_enum!(PayoutState {
    Pending => "PENDING",
    InTransit => "IN_TRANSIT",
    Paid => "PAID",
    Failed => "FAILED",
    Returned => "RETURNED",
});
stored_enum!(TransactionKind {
    PointsCharge => "POINTS_CHARGE",
    Capture => "CAPTURE",
    Refund => "REFUND",
    Commission => "COMMISSION",
    Subsidy => "SUBSIDY",
    Fee => "FEE",
    Payout => "PAYOUT",
    PayoutPaid => "PAYOUT_PAID",
    PayoutFailed => "PAYOUT_FAILED",
    PayoutReturned => "PAYOUT_RETURNED",
});

impl Bind for AccountKind {
    const KIND: Kind = Kind::Text;

    fn bind(&self) -> Value<'_> {
        Value::Text(self.name())
    }
}

impl Column for AccountKind {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        let name = row.text(index)?;
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| Error::Column { index, problem: format!("{name:?} is no kind of account") })
    }
}

/// The currency in a column.
pub(crate) fn currency(row: &Row<'_>, index: usize) -> Result<Currency, Error> {
    Currency::parse(row.text(index)?).map_err(|error| Error::Column { index, problem: error.to_string() })
}

/// The amount whose currency is in the column at `currency_index` and whose minor units are in that at `index`.
pub(crate) fn money(row: &Row<'_>, currency_index: usize, index: usize) -> Result<Money, Error> {
    Ok(Money::new(currency(row, currency_index)?, row.get(index)?))
}
