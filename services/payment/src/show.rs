//! Reads that only show.

use bojagi_kernel::id::{AccountId, OrderId, PaymentId};
use bojagi_kernel::{Currency, Failure, Moment, Money};
use bojagi_store::{Error, Tx};

use crate::desk::Desk;
use crate::domain::{Balance, Payment, PaymentRefusal, Refund, WalletEntry, WalletEntryId, WalletEntryKind};
use crate::store::payments::PaymentFilter;
use crate::store::{payments, refunds, wallets};

/// What a payment is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PaymentKey {
    Id(PaymentId),
    Order(OrderId),
}

/// What was captured and refunded in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CapturedTotal {
    pub(crate) captured: Money,
    pub(crate) refunded: Money,
}

impl Desk {
    /// A payment with its refunds, oldest first. To whom it does not belong (`owner`), it does not exist.
    pub(crate) async fn payment(
        &self,
        key: PaymentKey,
        owner: Option<AccountId>,
    ) -> Result<(Payment, Vec<Refund>), Failure> {
        self.store
            .read(async move |tx: &mut Tx| {
                let found = match key {
                    PaymentKey::Id(payment_id) => payments::by_id(tx, payment_id).await?,
                    PaymentKey::Order(order_id) => payments::of_order(tx, order_id).await?,
                };
                let visible = |payment: &Payment| match (payment.customer_id, owner) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some(customer_id), Some(owner)) => customer_id == owner,
                };
                let Some(payment) = found.filter(visible) else { return Err(not_found(key).into()) };
                let refunds = refunds::of_order(tx, payment.order_id).await?;
                Ok((payment, refunds))
            })
            .await
    }

    /// Payments, newest first.
    pub(crate) async fn payments(
        &self,
        wanted: PaymentFilter,
        after: Option<PaymentId>,
        limit: i64,
    ) -> Result<Vec<Payment>, Failure> {
        let listed: Result<_, Error> =
            self.store.read(async move |tx: &mut Tx| payments::list(tx, &wanted, after, limit).await).await;
        Ok(listed?)
    }

    /// What was captured and refunded before a moment, by currency.
    pub(crate) async fn captured_totals(&self, as_of: Moment) -> Result<Vec<CapturedTotal>, Failure> {
        let sums: Result<_, Error> = self
            .store
            .read(async move |tx: &mut Tx| {
                Ok((payments::captured_before(tx, as_of).await?, refunds::refunded_before(tx, as_of).await?))
            })
            .await;
        let (captured, refunded) = sums?;
        captured
            .into_iter()
            .map(|(code, captured)| {
                let currency = Currency::parse(&code).map_err(|error| Failure::broken(format!("{code:?}: {error}")))?;
                let refunded = refunded.iter().find(|(other, _)| *other == code).map_or(0, |(_, refunded)| *refunded);
                Ok(CapturedTotal { captured: Money::new(currency, captured), refunded: Money::new(currency, refunded) })
            })
            .collect()
    }

    /// What an account has in points.
    pub(crate) async fn balance(&self, account_id: AccountId) -> Result<Balance, Failure> {
        let balance: Result<_, Error> =
            self.store.read(async move |tx: &mut Tx| wallets::balance(tx, account_id).await).await;
        Ok(balance?)
    }

    /// What moved an account's points, newest first.
    pub(crate) async fn entries(
        &self,
        account_id: AccountId,
        kind: Option<WalletEntryKind>,
        after: Option<WalletEntryId>,
        limit: i64,
    ) -> Result<Vec<WalletEntry>, Failure> {
        let listed: Result<_, Error> =
            self.store.read(async move |tx: &mut Tx| wallets::entries(tx, account_id, kind, after, limit).await).await;
        Ok(listed?)
    }
}

const fn not_found(key: PaymentKey) -> PaymentRefusal {
    match key {
        PaymentKey::Id(payment_id) => PaymentRefusal::PaymentNotFound { payment_id },
        PaymentKey::Order(order_id) => PaymentRefusal::OrderWithoutPayment { order_id },
    }
}
