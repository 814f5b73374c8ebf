//! What settlement refuses.

use bojagi_kernel::Moment;

use super::{PayoutId, StatementId};

bojagi_kernel::refusals! {
    /// What settlement refuses.
    pub(crate) enum SettlementRefusal in "settlement" {
        /// A seller asks about another seller.
        NotYourOwn => Forbidden "NOT_YOUR_OWN" ("a seller sees only what is their own"),
        /// There is no such statement, or it belongs to somebody else.
        StatementNotFound { statement_id: StatementId } => NotFound "STATEMENT_NOT_FOUND" ("there is no such statement"),
        /// The period has no open statement, and no payout was put back.
        NothingToSettle => WrongState "NOTHING_TO_SETTLE" ("there is nothing to settle in this period"),
        /// There is something to pay out, and the seller has registered no account for it.
        PayoutAccountMissing => WrongState "PAYOUT_ACCOUNT_MISSING" ("register a payout account first"),
        /// Statements cannot be closed at a moment that has not come.
        CutOffInFuture { cut_off: Moment, now: Moment } => Invalid "CUT_OFF_IN_FUTURE" ("the cut-off {cut_off} is after {now}"),
        /// There is no such payout, or it belongs to somebody else.
        PayoutNotFound { payout_id: PayoutId } => NotFound "PAYOUT_NOT_FOUND" ("there is no such payout"),
        /// A rate cannot change what was captured already.
        RateInPast { effective_from: Moment, now: Moment } => Invalid "RATE_IN_PAST" ("{effective_from} is before {now}"),
        /// Another rate begins for the same sellers at the same moment.
        RateExists { effective_from: Moment } => WrongState "RATE_EXISTS" ("another rate begins at {effective_from}"),
        /// The bank does not know the token.
        BankTokenUnknown => Invalid "BANK_TOKEN_UNKNOWN" ("the bank does not know this token"),
        /// A bank event whose signature does not fit its body.
        BankSignatureInvalid => Unauthenticated "BANK_SIGNATURE_INVALID" ("the signature does not fit the body"),
        /// A bank event that is signed and cannot be read.
        BankEventMalformed => Invalid "BANK_EVENT_MALFORMED" ("the body is no bank event"),
        /// Nobody knows yet what will be booked.
        AsOfInFuture { as_of: Moment, now: Moment } => Invalid "AS_OF_IN_FUTURE" ("{as_of} is after {now}"),
        /// A context whose figures are needed does not answer.
        PeerUnavailable { peer: &'static str } => Unavailable "PEER_UNAVAILABLE" ("{peer} does not answer; try again"),
    }
}
