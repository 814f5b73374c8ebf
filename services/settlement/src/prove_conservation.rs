//! The proof that no money was lost or made: payment, the orders and the ledger are asked for the same sums, and compared.

use std::collections::BTreeMap;

use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_api::{common, order, payment};
use bojagi_chassis::{Channel, answer, wire};
use bojagi_kernel::{Currency, Failure, Kind, Moment, Money, MoneyError};
use bojagi_store::{Error, Store, Tx};

use crate::domain::SettlementRefusal;
use crate::store;

/// Who keeps count of captured money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Book {
    /// The payments.
    Payment,
    /// The orders.
    Orders,
    /// The ledger.
    Ledger,
}

/// What one book says in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figure {
    /// What was captured.
    pub(crate) captured: Money,
    /// What went back.
    pub(crate) refunded: Money,
}

impl Figure {
    const fn nothing(currency: Currency) -> Self {
        Self { captured: Money::zero(currency), refunded: Money::zero(currency) }
    }

    /// What remains.
    ///
    /// # Errors
    /// When it does not fit.
    pub(crate) fn net(&self) -> Result<Money, MoneyError> {
        self.captured.minus(self.refunded)
    }

    fn less(&self, other: &Self) -> Result<Self, MoneyError> {
        Ok(Self { captured: self.captured.minus(other.captured)?, refunded: self.refunded.minus(other.refunded)? })
    }

    const fn is_nothing(&self) -> bool {
        self.captured.is_zero() && self.refunded.is_zero()
    }
}

/// Two books that don't agree, and the first less the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) book: Book,
    pub(crate) other: Book,
    pub(crate) by: Figure,
}

/// The comparison in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) currency: Currency,
    pub(crate) payment: Figure,
    pub(crate) orders: Figure,
    pub(crate) ledger: Figure,
    pub(crate) differences: Vec<Difference>,
}

/// Asks the three books side by side and compares them.
///
/// # Errors
/// `PEER_UNAVAILABLE`; broken when a peer answers amounts that cannot be read.
pub(crate) async fn prove(store: &Store, channel: &Channel, as_of: Moment) -> Result<Vec<Comparison>, Failure> {
    let ledger = store.read(async move |tx: &mut Tx| store::clearing_totals(tx, as_of).await);
    let (payment, orders, ledger) = tokio::join!(ask_payment(channel, as_of), ask_orders(channel, as_of), ledger);
    let ledger = ledger.map_err(|error: Error| Failure::from(error))?;
    let books = [by_currency(payment?)?, by_currency(orders?)?, by_currency(ledger)?];
    compare(books).map_err(|error| Failure::broken(format!("the books cannot be compared: {error}")))
}

type Totals = Vec<(Money, Money)>;

async fn ask_payment(channel: &Channel, as_of: Moment) -> Result<Totals, Failure> {
    let request = payment::GetCapturedTotalsRequest { as_of: Some(wire::timestamp(as_of)) };
    let answered = PaymentServiceClient::new(channel.clone()).get_captured_totals(request).await;
    let totals = answered.map_err(|status| silent("payment", answer::failure(status)))?.into_inner().totals;
    totals.iter().map(|total| pair("payment", total.captured.as_ref(), total.refunded.as_ref())).collect()
}

async fn ask_orders(channel: &Channel, as_of: Moment) -> Result<Totals, Failure> {
    let request = order::GetOrderTotalsRequest { as_of: Some(wire::timestamp(as_of)) };
    let answered = OrderServiceClient::new(channel.clone()).get_order_totals(request).await;
    let totals = answered.map_err(|status| silent("order", answer::failure(status)))?.into_inner().totals;
    totals.iter().map(|total| pair("order", total.paid.as_ref(), total.given_back.as_ref())).collect()
}

/// A peer that is not there, or has no time for this, is named; everything else it says is a defect between the two of us.
fn silent(peer: &'static str, failure: Failure) -> Failure {
    match failure {
        Failure::Unavailable(cause) => {
            tracing::warn!(peer, %cause, "a peer does not answer");
            SettlementRefusal::PeerUnavailable { peer }.into()
        }
        Failure::Refused(refusal) if asks_again(refusal.kind) => {
            tracing::warn!(peer, %refusal, "a peer does not answer");
            SettlementRefusal::PeerUnavailable { peer }.into()
        }
        Failure::Refused(refusal) => Failure::broken(format!("{peer} refuses: {refusal}")),
        broken @ Failure::Broken(_) => broken,
    }
}

/// Whether a refusal of this kind says nothing but that trying again makes sense.
const fn asks_again(kind: Kind) -> bool {
    match kind {
        Kind::Exhausted | Kind::LostRace | Kind::Unavailable | Kind::TooLate => true,
        Kind::Invalid
        | Kind::NotFound
        | Kind::AlreadyExists
        | Kind::WrongState
        | Kind::Unauthenticated
        | Kind::Forbidden => false,
    }
}

fn pair(
    peer: &'static str,
    captured: Option<&common::Money>,
    refunded: Option<&common::Money>,
) -> Result<(Money, Money), Failure> {
    let read = |money: Option<&common::Money>| money.and_then(wire::read_money);
    let unreadable = || Failure::broken(format!("{peer} answers an amount that cannot be read"));
    let captured = read(captured).ok_or_else(unreadable)?;
    let refunded = refunded.map_or(Some(Money::zero(captured.currency())), wire::read_money).ok_or_else(unreadable)?;
    if captured.currency() != refunded.currency() {
        return Err(unreadable());
    }
    Ok((captured, refunded))
}

fn by_currency(totals: Totals) -> Result<BTreeMap<Currency, Figure>, Failure> {
    let mut figures = BTreeMap::new();
    for (captured, refunded) in totals {
        let currency = captured.currency();
        if figures.insert(currency, Figure { captured, refunded }).is_some() {
            return Err(Failure::broken(format!("a book answers {currency} twice")));
        }
    }
    Ok(figures)
}

fn compare(books: [BTreeMap<Currency, Figure>; 3]) -> Result<Vec<Comparison>, MoneyError> {
    let mut currencies: Vec<Currency> = books.iter().flat_map(BTreeMap::keys).copied().collect();
    currencies.sort_unstable();
    currencies.dedup();
    currencies
        .into_iter()
        .map(|currency| {
            let [payment, orders, ledger] =
                books.each_ref().map(|book| book.get(&currency).copied().unwrap_or(Figure::nothing(currency)));
            let mut differences = Vec::new();
            for (book, other, by) in [
                (Book::Payment, Book::Orders, payment.less(&orders)?),
                (Book::Payment, Book::Ledger, payment.less(&ledger)?),
                (Book::Orders, Book::Ledger, orders.less(&ledger)?),
            ] {
                if !by.is_nothing() {
                    differences.push(Difference { book, other, by });
                }
            }
            Ok(Comparison { currency, payment, orders, ledger, differences })
        })
        .collect()
}
