//! Capturing: the external leg is taken first; its success and the use of the points are one unit of work.

use std::sync::Arc;

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Currency, Failure, Moment, Refusal, Violation};
use bojagi_store::{LockKey, Tx};

use crate::NAME;
use crate::desk::{Desk, uninterrupted};
use crate::domain::{Allocations, Payment, PaymentRefusal, UnderWay};
use crate::settle::follow;
use crate::store::payments;

/// What order asks to be taken.
pub(crate) struct Capture {
    pub(crate) order_id: OrderId,
    pub(crate) allocations: Allocations,
    /// The lines' currency, and what their net amounts add up to.
    pub(crate) currency: Currency,
    pub(crate) allocated: i64,
}

impl Desk {
    /// Takes what was held for an order, and answers where its payment stands.
    pub(crate) async fn capture(self: &Arc<Self>, ask: Capture) -> Result<Payment, Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let now = desk.now();
            let payment = desk.begin_capture(Arc::new(ask), now).await?;
            desk.see_through(payment, UnderWay::Capture).await
        })
        .await
    }

    /// Nearly always the order is all that is concerned. What points alone pay for is taken at once, from a wallet that has to
    /// be locked too, and whose it is the payment says.
    async fn begin_capture(&self, ask: Arc<Capture>, now: Moment) -> Result<Payment, Failure> {
        let (order, again) = (LockKey::of(ask.order_id), Arc::clone(&ask));
        let unit = async move |tx: &mut Tx| begin(tx, &ask, None, now).await;
        match self.store.write_locking([order], unit).await? {
            Begun::Payment(payment) => Ok(*payment),
            Begun::Wallet(customer_id) => {
                let unit = async move |tx: &mut Tx| begin(tx, &again, Some(customer_id), now).await;
                match self.store.write_locking([order, LockKey::of(customer_id)], unit).await? {
                    Begun::Payment(payment) => Ok(*payment),
                    Begun::Wallet(_) => Err(Failure::broken("a payment has changed its customer")),
                }
            }
        }
    }
}

/// How far the beginning of a capture has come.
enum Begun {
    /// The payment as it stands now.
    Payment(Box<Payment>),
    /// Nowhere: the wallet of this customer has to be locked first.
    Wallet(AccountId),
}

async fn begin(tx: &mut Tx, ask: &Capture, wallet: Option<AccountId>, now: Moment) -> Result<Begun, Failure> {
    let (order_id, mut missing) = (ask.order_id, None);
    let changed = payments::change(tx, order_id, None, |payment| {
        missing = payment.customer_id.filter(|_| payment.external == 0 && payment.points > 0 && wallet.is_none());
        if missing.is_some() {
            return Ok(None);
        }
        if payment.customer_id.is_some() && payment.currency != ask.currency {
            return Err(in_another_currency("allocations", payment));
        }
        Ok(payment.capture(&ask.allocations, ask.allocated, now)?)
    });
    let Some((payment, turn)) = changed.await? else {
        return Err(PaymentRefusal::OrderWithoutPayment { order_id }.into());
    };
    if let Some(customer_id) = missing {
        return Ok(Begun::Wallet(customer_id));
    }
    if let Some(turn) = turn {
        follow(tx, &payment, turn, now).await?;
    }
    Ok(Begun::Payment(Box::new(payment)))
}

/// The refusal of amounts in another currency than the payment's.
pub(crate) fn in_another_currency(field: &str, payment: &Payment) -> Failure {
    let description = format!("the payment is in {}", payment.currency);
    Refusal::invalid(NAME, vec![Violation::new(field, description)]).into()
}
