//! The books: every won has come from somewhere and gone somewhere.

use std::collections::BTreeMap;

use bojagi_api::common::Money;
use bojagi_api::settlement::{
    GetTrialBalanceRequest, LedgerAccountKind, LedgerEntry, LedgerSide, ListLedgerEntriesRequest,
    ProveConservationRequest, ProveConservationResponse, TrialBalanceLine,
};
use prost_types::Timestamp;

use super::shopping::Bought;
use super::sign_up::Cast;
use crate::tour::TourError;
use crate::tour::arithmetic::Sums;
use crate::tour::expect;
use crate::tour::patience::until_as_expected;
use crate::tour::timeline::{Timeline, Told, krw};

pub(in crate::tour) async fn play(
    cast: &Cast,
    bought: &Bought<'_>,
    closed_at: Timestamp,
    timeline: &mut Timeline,
) -> Result<(), TourError> {
    timeline.scene("The books")?;
    timeline.step("the admin looks the first order up in the ledger", ledger_of_order(cast, bought)).await?;
    timeline.step("the trial balance", trial_balance(cast)).await?;
    timeline.step("the proof that nothing was lost, as of the close", conservation(cast, closed_at)).await
}

/// What the order has moved in each account, debits above 0; and all of it belongs to the trace in which it was placed.
async fn ledger_of_order(cast: &Cast, bought: &Bought<'_>) -> Result<Told<()>, TourError> {
    let request = ListLedgerEntriesRequest {
        order_id: bought.order_id.clone(),
        page_size: 100,
        ..ListLedgerEntriesRequest::default()
    };
    let entries = cast.admin.gateway.ledger().list_ledger_entries(request).await?.into_inner().entries;
    let mut moved = BTreeMap::new();
    for entry in &entries {
        *moved.entry(account_word(entry.account_kind())).or_insert(0) += signed(entry);
        expect::equal("the trace of a ledger entry", &bought.trace_id, &entry.trace_id)?;
    }

    let purchase = &bought.purchase;
    let sales: Vec<_> = [0, 1].into_iter().flat_map(|seller| purchase.sales_of(seller)).collect();
    let commission: i64 = sales.iter().map(|(_, earnings)| earnings.commission).sum();
    let payable: i64 = sales.iter().map(|(_, earnings)| earnings.net).sum();
    let subsidy: i64 = purchase.sums().iter().map(|line: &Sums| line.platform_pays).sum();
    let expected = BTreeMap::from([
        ("PAYMENT_CLEARING", purchase.net()),
        ("COUPON_SUBSIDY", subsidy),
        ("SELLER_PAYABLE", -payable),
        ("COMMISSION_INCOME", -commission),
        ("CUSTOMER_POINTS", purchase.points),
        ("POINTS_CLEARING", -purchase.points),
    ]);
    expect::equal("what the order has moved in each account", expected, moved.clone())?;
    let story = moved.iter().map(|(account, amount)| format!("{account:<17} {:>8}", krw(*amount)));
    let told = Told::new((), format!("{} entries, all in trace {}", entries.len(), bought.trace_id));
    Ok(told.and_all(story))
}

fn signed(entry: &LedgerEntry) -> i64 {
    let amount = entry.amount.as_ref().map_or(0, |money| money.minor_units);
    if entry.side() == LedgerSide::Debit { amount } else { -amount }
}

fn account_word(kind: LedgerAccountKind) -> &'static str {
    kind.as_str_name().trim_start_matches("LEDGER_ACCOUNT_KIND_")
}

async fn trial_balance(cast: &Cast) -> Result<Told<()>, TourError> {
    let balance =
        cast.admin.gateway.ledger().get_trial_balance(GetTrialBalanceRequest { as_of: None }).await?.into_inner();
    expect::equal("debits and credits are equal", true, balance.balanced)?;
    expect::equal("there is something in the ledger", false, balance.lines.is_empty())?;
    for total in &balance.totals {
        expect::equal("the sum of credits", total.debits.as_ref(), total.credits.as_ref())?;
        let debits = expect::there("the sum of debits", total.debits.as_ref())?;
        let of_lines = |side: fn(&TrialBalanceLine) -> Option<&Money>| {
            let amounts = balance.lines.iter().filter_map(side);
            let own = amounts.filter(|money| money.currency_code == debits.currency_code);
            own.map(|money| money.minor_units).sum::<i64>()
        };
        expect::equal("the debits of all accounts", debits.minor_units, of_lines(|line| line.debits.as_ref()))?;
        expect::equal("the credits of all accounts", debits.minor_units, of_lines(|line| line.credits.as_ref()))?;
    }
    let sums = balance.totals.iter().filter_map(|total| total.debits.as_ref());
    let shown = sums.map(|sum| format!("{0} {1} debit, {0} {1} credit", krw(sum.minor_units), sum.currency_code));
    let story: Vec<_> = shown.collect();
    Ok(Told::new((), story.join("; ")))
}

/// What was told before the close is heard within moments, also of orders that are not this tour's.
async fn conservation(cast: &Cast, closed_at: Timestamp) -> Result<Told<()>, TourError> {
    let proof = until_as_expected(|| async {
        let request = ProveConservationRequest { as_of: Some(closed_at) };
        let proof = cast.admin.gateway.ledger().prove_conservation(request).await?.into_inner();
        let differences: Vec<_> = proof.currencies.iter().flat_map(|currency| &currency.differences).collect();
        expect::equal("the books that differ", Vec::new(), differences)?;
        expect::equal("payment, orders and ledger agree", true, proof.agrees)?;
        Ok(proof)
    });
    let ProveConservationResponse { currencies, .. } = proof.await?;
    expect::equal("there is something to prove", false, currencies.is_empty())?;
    let mut story = Vec::new();
    for currency in &currencies {
        let (payment, ledger) = (currency.payment.as_ref(), currency.ledger.as_ref());
        expect::equal("what the ledger says", payment, ledger)?;
        expect::equal("what the orders say", payment, currency.orders.as_ref())?;
        let net = payment.and_then(|figure| figure.net.as_ref()).map_or(0, |money| money.minor_units);
        story.push(format!("{} {}", krw(net), currency.currency_code));
    }
    Ok(Told::new((), format!("payment, orders and ledger all say: {} captured and not given back", story.join(", "))))
}
