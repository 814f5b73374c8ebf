//! `LedgerService`.

use std::collections::BTreeMap;

use bojagi_api::settlement as wire_of;
use bojagi_api::settlement::ledger_service_server::LedgerService;
use bojagi_api::settlement::{
    GetTrialBalanceRequest, GetTrialBalanceResponse, ListLedgerEntriesRequest, ListLedgerEntriesResponse,
    ProveConservationRequest, ProveConservationResponse, TrialBalanceLine, TrialBalanceTotal,
};
use bojagi_chassis::{Fields, answer, wire};
use bojagi_kernel::{Currency, Failure, Moment, Money, MoneyError};
use bojagi_store::{Error, Tx};
use tonic::{Request, Response, Status};

use super::{Desk, filter, show};
use crate::domain::{SettlementRefusal, TransactionId};
use crate::prove_conservation::{Book, Comparison, Figure, prove};
use crate::store::{self, BookSum, EntryFilter};

/// Answers the calls of `LedgerService`.
#[derive(Clone)]
pub(crate) struct LedgerRpc(pub(crate) Desk);

#[tonic::async_trait]
impl LedgerService for LedgerRpc {
    async fn list_ledger_entries(
        &self,
        request: Request<ListLedgerEntriesRequest>,
    ) -> Result<Response<ListLedgerEntriesResponse>, Status> {
        answer::to(crate::NAME, list(&self.0, request.get_ref())).await
    }

    async fn get_trial_balance(
        &self,
        request: Request<GetTrialBalanceRequest>,
    ) -> Result<Response<GetTrialBalanceResponse>, Status> {
        answer::to(crate::NAME, trial_balance(&self.0, request.get_ref())).await
    }

    async fn prove_conservation(
        &self,
        request: Request<ProveConservationRequest>,
    ) -> Result<Response<ProveConservationResponse>, Status> {
        answer::to(crate::NAME, conservation(&self.0, request.get_ref())).await
    }
}

async fn list(desk: &Desk, request: &ListLedgerEntriesRequest) -> Result<ListLedgerEntriesResponse, Failure> {
    let mut fields = Fields::new(crate::NAME);
    let account_kind = filter(&mut fields, "account_kind", request.account_kind, show::read_account_kind);
    let seller_id = fields.optional_id("seller_id", &request.seller_id);
    let order_id = fields.optional_id("order_id", &request.order_id);
    let transaction_kind =
        filter(&mut fields, "transaction_kind", request.transaction_kind, show::read_transaction_kind);
    let booked = fields.time_range("booked", request.booked.as_ref());
    let query = format!(
        "ListLedgerEntries in {} of {:?} and {:?} for {} booked {:?}",
        request.account_kind, request.seller_id, request.order_id, request.transaction_kind, request.booked,
    );
    let place = |(booked_at, transaction, position): (i64, String, i64)| {
        let transaction: TransactionId = transaction.parse().ok()?;
        Some((Moment::from_micros(booked_at), transaction, position))
    };
    let page = fields.page(&desk.context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(account_kind), Some(seller_id), Some(order_id)) = (account_kind, seller_id, order_id) else {
        return Err(fields.refuse());
    };
    let (Some(transaction_kind), Some((from, until)), Some(page)) = (transaction_kind, booked, page) else {
        return Err(fields.refuse());
    };

    let limit = page.limit();
    let wanted = EntryFilter { account_kind, seller_id, order_id, transaction_kind, from, until, after: page.after };
    let mut listed = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::list_entries(tx, &wanted, limit).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let next_page_token =
        page.cut(&mut listed, |last| (last.booked_at.micros(), last.transaction_id.to_string(), last.position));
    Ok(ListLedgerEntriesResponse { entries: listed.iter().map(show::ledger_entry).collect(), next_page_token })
}

/// The moment that was asked for, which has come; now, when none was.
fn as_of(desk: &Desk, asked_for: Option<&prost_types::Timestamp>) -> Result<Moment, Failure> {
    let now = desk.context.clock.now();
    let mut fields = Fields::new(crate::NAME);
    let Some(as_of) = fields.optional_moment("as_of", asked_for) else { return Err(fields.refuse()) };
    match as_of {
        Some(as_of) if as_of > now => Err(SettlementRefusal::AsOfInFuture { as_of, now }.into()),
        asked_for => Ok(asked_for.unwrap_or(now)),
    }
}

async fn trial_balance(desk: &Desk, request: &GetTrialBalanceRequest) -> Result<GetTrialBalanceResponse, Failure> {
    let as_of = as_of(desk, request.as_of.as_ref())?;
    let sums = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::sum_accounts(tx, as_of).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let totals = totals(&sums).map_err(does_not_fit)?;
    Ok(GetTrialBalanceResponse {
        as_of: Some(wire::timestamp(as_of)),
        balanced: totals.values().all(|(debits, credits)| debits == credits),
        totals: totals.values().map(|(debits, credits)| total(*debits, *credits)).collect(),
        lines: sums.iter().map(line).collect(),
    })
}

fn does_not_fit(error: MoneyError) -> Failure {
    Failure::broken(format!("a sum of the ledger: {error}"))
}

/// Debits and credits of each currency.
fn totals(sums: &[BookSum]) -> Result<BTreeMap<Currency, (Money, Money)>, MoneyError> {
    let mut totals = BTreeMap::new();
    for sum in sums {
        let currency = sum.debits.currency();
        let (debits, credits) = totals.entry(currency).or_insert((Money::zero(currency), Money::zero(currency)));
        *debits = debits.plus(sum.debits)?;
        *credits = credits.plus(sum.credits)?;
    }
    Ok(totals)
}

fn total(debits: Money, credits: Money) -> TrialBalanceTotal {
    TrialBalanceTotal { debits: Some(wire::money(debits)), credits: Some(wire::money(credits)) }
}

fn line(sum: &BookSum) -> TrialBalanceLine {
    TrialBalanceLine {
        account_kind: show::account_kind(sum.kind).into(),
        debits: Some(wire::money(sum.debits)),
        credits: Some(wire::money(sum.credits)),
        account_count: sum.account_count,
    }
}

async fn conservation(desk: &Desk, request: &ProveConservationRequest) -> Result<ProveConservationResponse, Failure> {
    let as_of = as_of(desk, request.as_of.as_ref())?;
    let compared = prove(&desk.context.store, &desk.channel, as_of).await?;
    let agrees = compared.iter().all(|comparison| comparison.differences.is_empty());
    if !agrees {
        tracing::error!(%as_of, ?compared, "payment, orders and ledger do not agree");
    }
    let currencies = compared.iter().map(comparison).collect::<Result<_, _>>().map_err(does_not_fit)?;
    Ok(ProveConservationResponse { as_of: Some(wire::timestamp(as_of)), currencies, agrees })
}

fn comparison(compared: &Comparison) -> Result<wire_of::CurrencyConservation, MoneyError> {
    let differences = compared.differences.iter().map(|difference| wire_of::BookDifference {
        book: book(difference.book).into(),
        other_book: book(difference.other).into(),
        captured: Some(wire::money(difference.by.captured)),
        refunded: Some(wire::money(difference.by.refunded)),
    });
    Ok(wire_of::CurrencyConservation {
        currency_code: compared.currency.code().to_owned(),
        payment: Some(figure(&compared.payment)?),
        orders: Some(figure(&compared.orders)?),
        ledger: Some(figure(&compared.ledger)?),
        agrees: compared.differences.is_empty(),
        differences: differences.collect(),
    })
}

fn figure(figure: &Figure) -> Result<wire_of::MoneyFigure, MoneyError> {
    Ok(wire_of::MoneyFigure {
        captured: Some(wire::money(figure.captured)),
        refunded: Some(wire::money(figure.refunded)),
        net: Some(wire::money(figure.net()?)),
    })
}

const fn book(book: Book) -> wire_of::MoneyBook {
    match book {
        Book::Payment => wire_of::MoneyBook::Payment,
        Book::Orders => wire_of::MoneyBook::Orders,
        Book::Ledger => wire_of::MoneyBook::Ledger,
    }
}
