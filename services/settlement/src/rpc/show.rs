//! What the domain holds, as it is on the wire.

use bojagi_api::settlement as wire_of;
use bojagi_chassis::wire;
use bojagi_kernel::{Currency, Moment, Money};

use crate::domain::{
    AccountKind, CommissionRate, EntryKind, Payout, PayoutAccount, PayoutState, SellerBalance, Settlement, Statement,
    StatementState, TransactionKind,
};
use crate::store::{KeptEntry, LedgerLine};

fn amount(currency: Currency, minor: i64) -> Option<bojagi_api::common::Money> {
    Some(wire::money(Money::new(currency, minor)))
}

fn at(moment: Moment) -> Option<prost_types::Timestamp> {
    Some(wire::timestamp(moment))
}

pub(super) fn statement(statement: &Statement) -> wire_of::Statement {
    let currency = statement.net.currency();
    let amounts = statement.amounts;
    wire_of::Statement {
        id: statement.id.to_string(),
        seller_id: statement.seller_id.to_string(),
        business_date: statement.business_date.clone(),
        cut_off: at(statement.cut_off),
        state: statement_state(statement.state).into(),
        gross: amount(currency, amounts.gross),
        refunds: amount(currency, statement.refunds),
        commission: amount(currency, amounts.commission),
        seller_discount: amount(currency, amounts.seller_discount),
        platform_subsidy: amount(currency, amounts.platform_subsidy),
        net: amount(currency, amounts.net),
        capture_count: statement.capture_count,
        refund_count: statement.refund_count,
        payout_id: statement.payout_id.map(|id| id.to_string()).unwrap_or_default(),
        carried_over: statement.state == StatementState::Settled && statement.payout_id.is_none(),
        created_at: at(statement.created_at),
        settled_at: statement.settled_at.map(wire::timestamp),
    }
}

pub(super) fn entry(kept: &KeptEntry) -> wire_of::StatementEntry {
    let (entry, currency) = (&kept.entry, kept.entry.currency);
    let (kind, refund_id) = match entry.kind {
        EntryKind::Capture => (wire_of::StatementEntryKind::Capture, String::new()),
        EntryKind::Refund => (wire_of::StatementEntryKind::Refund, kept.source_id.to_string()),
    };
    wire_of::StatementEntry {
        id: kept.id.to_string(),
        kind: kind.into(),
        order_id: kept.order_id.to_string(),
        order_line_id: entry.order_line_id.to_string(),
        store_id: entry.store_id.to_string(),
        option_id: entry.option_id.to_string(),
        quantity: entry.quantity,
        refund_id,
        gross: amount(currency, entry.amounts.gross),
        seller_discount: amount(currency, entry.amounts.seller_discount),
        platform_subsidy: amount(currency, entry.amounts.platform_subsidy),
        commission: amount(currency, entry.amounts.commission),
        net: amount(currency, entry.amounts.net),
        commission_rate_bps: entry.rate.points(),
        booked_at: at(kept.booked_at),
    }
}

pub(super) fn settlement(settlement: &Settlement) -> wire_of::Settlement {
    wire_of::Settlement {
        id: settlement.id.to_string(),
        seller_id: settlement.seller_id.to_string(),
        statement_ids: settlement.statement_ids.iter().map(ToString::to_string).collect(),
        statements_net: Some(wire::money(settlement.statements_net)),
        brought_forward: Some(wire::money(settlement.brought_forward)),
        carried_forward: Some(wire::money(settlement.carried_forward)),
        payout: settlement.payout.as_ref().map(payout),
    }
}

pub(super) fn payout(payout: &Payout) -> wire_of::Payout {
    wire_of::Payout {
        id: payout.id.to_string(),
        seller_id: payout.seller_id.to_string(),
        state: payout_state(payout.state).into(),
        amount: Some(wire::money(payout.amount)),
        account: Some(account(&payout.account)),
        statement_ids: payout.statement_ids.iter().map(ToString::to_string).collect(),
        failure_reason: payout.failure_reason.clone(),
        created_at: at(payout.created_at),
        sent_at: payout.sent_at.map(wire::timestamp),
        paid_at: payout.paid_at.map(wire::timestamp),
        ended_at: payout.ended_at.map(wire::timestamp),
    }
}

pub(super) fn account(account: &PayoutAccount) -> wire_of::PayoutAccountSummary {
    wire_of::PayoutAccountSummary { bank_name: account.bank_name.clone(), last_four: account.last_four.clone() }
}

pub(super) fn balance(balance: &SellerBalance) -> wire_of::SellerBalance {
    wire_of::SellerBalance {
        unsettled: Some(wire::money(balance.unsettled)),
        open_statements: Some(wire::money(balance.open_statements)),
        carried: Some(wire::money(balance.carried)),
        in_transit: Some(wire::money(balance.in_transit)),
        paid_out: Some(wire::money(balance.paid_out)),
    }
}

pub(super) fn rate(rate: &CommissionRate) -> wire_of::CommissionRate {
    wire_of::CommissionRate {
        id: rate.id.to_string(),
        seller_id: rate.seller_id.map(|id| id.to_string()).unwrap_or_default(),
        rate_bps: rate.rate.points(),
        effective_from: at(rate.effective_from),
        created_at: at(rate.created_at),
        created_by: rate.created_by.to_string(),
    }
}

pub(super) fn ledger_entry(line: &LedgerLine) -> wire_of::LedgerEntry {
    let side = if line.amount.is_negative() { wire_of::LedgerSide::Credit } else { wire_of::LedgerSide::Debit };
    let unsigned = line.amount.minor().saturating_abs();
    wire_of::LedgerEntry {
        id: line.id().to_string(),
        transaction_id: line.transaction_id.to_string(),
        transaction_kind: transaction_kind(line.transaction_kind).into(),
        source_id: line.source_id.to_string(),
        order_id: line.order_id.map(|id| id.to_string()).unwrap_or_default(),
        account_kind: account_kind(line.account_kind).into(),
        seller_id: line.seller_id.map(|id| id.to_string()).unwrap_or_default(),
        side: side.into(),
        amount: amount(line.amount.currency(), unsigned),
        booked_at: at(line.booked_at),
        trace_id: line.trace_id.clone(),
    }
}

/// Reads and shows an enum that the wire and the domain have alike.
macro_rules! alike {
    ($show:ident, $read:ident, $wire:ident, $domain:ident { $($variant:ident),+ $(,)? }) => {
        pub(super) const fn $show(value: $domain) -> wire_of::$wire {
            match value {
                $($domain::$variant => wire_of::$wire::$variant),+
            }
        }

        pub(super) const fn $read(value: wire_of::$wire) -> Option<$domain> {
            match value {
                wire_of::$wire::Unspecified => None,
                $(wire_of::$wire::$variant => Some($domain::$variant)),+
            }
        }
    };
}

alike!(
    account_kind,
    read_account_kind,
    LedgerAccountKind,
    AccountKind {
        PaymentClearing,
        PointsClearing,
        CustomerPoints,
        SellerPayable,
        CommissionIncome,
        CouponSubsidy,
        Fees,
        PayoutClearing,
        Bank,
    }
);

alike!(
    transaction_kind,
    read_transaction_kind,
    LedgerTransactionKind,
    TransactionKind {
        PointsCharge,
        Capture,
        Refund,
        Commission,
        Subsidy,
        Fee,
        Payout,
        PayoutPaid,
        PayoutFailed,
        PayoutReturned,
    }
);

alike!(statement_state, read_statement_state, StatementState, StatementState { Open, Settled });

alike!(payout_state, read_payout_state, PayoutState, PayoutState { Pending, InTransit, Paid, Failed, Returned });
