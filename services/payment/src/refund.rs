//! Refunding: captured money goes back, to the external leg in proportion and the rest to points.

use std::sync::Arc;

use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Clock, Failure, Moment, Money};
use bojagi_store::Tx;

use crate::capture::in_another_currency;
use crate::desk::{Desk, Stop, of_refund, uninterrupted};
use crate::domain::{Allocations, Legs, Payment, PaymentRefusal, Refund, RefundId, RefundState};
use crate::provider::Manner;
use crate::settle::given_back;
use crate::store::{payments, refunds};

/// What order asks to go back.
pub(crate) struct GiveBack {
    pub(crate) order_id: OrderId,
    pub(crate) refund_id: RefundId,
    pub(crate) amount: Money,
    pub(crate) allocations: Allocations,
    /// What the lines' net amounts add up to.
    pub(crate) allocated: i64,
    pub(crate) reason: String,
}

impl Desk {
    /// Gives money back, and answers where the refund and its payment stand.
    pub(crate) async fn refund(self: &Arc<Self>, ask: GiveBack) -> Result<(Refund, Payment), Failure> {
        let desk = Arc::clone(self);
        uninterrupted(async move {
            let (order_id, ask) = (ask.order_id, Arc::new(ask));
            let unit = async move |tx: &mut Tx, has_wallet, clock: &dyn Clock| begin(tx, &ask, has_wallet, clock).await;
            let (refund, payment) = desk.on_payment(order_id, unit).await?;
            let Some(errand) = of_refund(&refund, &payment) else { return Ok((refund, payment)) };
            desk.ask(errand, Manner::Perform, None).await?.refund()
        })
        .await
    }
}

async fn begin(tx: &mut Tx, ask: &GiveBack, has_wallet: bool, clock: &dyn Clock) -> Result<(Refund, Payment), Stop> {
    let &GiveBack { order_id, refund_id, amount, .. } = ask;
    let without_payment = || PaymentRefusal::OrderWithoutPayment { order_id };
    let earlier = refunds::by_id(tx, refund_id).await?;
    if let Some(earlier) = &earlier {
        if !repeats(ask, earlier) {
            return Err(PaymentRefusal::RefundMismatch { refund_id }.into());
        }
        if earlier.state != RefundState::Failed {
            let payment = payments::of_order(tx, order_id).await?.ok_or_else(without_payment)?;
            return Ok((earlier.clone(), payment));
        }
    }

    let now = clock.now();
    let changed: Result<_, Stop> = payments::change(tx, order_id, None, |payment| {
        if payment.customer_id.is_none() {
            return Err(without_payment().into());
        }
        Stop::without_wallet(payment, has_wallet)?;
        fits(ask, payment)?;
        let legs = payment.begin_refund(amount.minor(), now)?;
        if legs.external == 0 {
            payment.finish_refund(legs, now);
        }
        Ok(Some(legs))
    })
    .await;
    let Some((payment, Some(legs))) = changed? else { return Err(without_payment().into()) };
    let (refund, stored) = match earlier {
        Some(failed) => {
            let again = failed.attempted_again(legs, now);
            let stored = refunds::update(tx, &again, &failed).await?;
            (again, stored)
        }
        None => {
            let first = first_attempt(ask, legs, now);
            let stored = refunds::insert(tx, &first).await?;
            (first, stored)
        }
    };
    if !stored {
        return Err(PaymentRefusal::ConcurrentChange.into());
    }
    if refund.state == RefundState::Succeeded {
        given_back(tx, &payment, &refund, now).await?;
    }
    Ok((refund, payment))
}

fn first_attempt(ask: &GiveBack, legs: Legs, now: Moment) -> Refund {
    let mut refund = Refund {
        id: ask.refund_id,
        order_id: ask.order_id,
        state: RefundState::Pending,
        currency: ask.amount.currency(),
        amount: ask.amount.minor(),
        legs,
        reason: ask.reason.clone(),
        allocations: ask.allocations.clone(),
        attempt: 1,
        asked_at: None,
        created_at: now,
        refunded_at: None,
    };
    refund.begin(legs, now);
    refund
}

/// Whether this is the refund that was asked for before.
fn repeats(ask: &GiveBack, earlier: &Refund) -> bool {
    earlier.order_id == ask.order_id
        && Money::new(earlier.currency, earlier.amount) == ask.amount
        && earlier.reason == ask.reason
        && earlier.allocations == ask.allocations
}

fn fits(ask: &GiveBack, payment: &Payment) -> Result<(), Failure> {
    if ask.amount.currency() != payment.currency {
        return Err(in_another_currency("amount.currency_code", payment));
    }
    let (total, allocated) = (ask.amount.minor(), ask.allocated);
    if allocated != total {
        return Err(PaymentRefusal::AllocationMismatch { total, allocated }.into());
    }
    Ok(())
}
