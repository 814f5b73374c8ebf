//! Taking over what the provider says, from an answer, a look-up or a webhook alike: in any order, any number of times.

use bojagi_kernel::id::OrderId;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::Tx;

use crate::domain::{
    Balance, Charge, ChargeId, ChargeState, Outcome, Payment, PaymentRefusal, ProviderKey, Refund, RefundId,
    RefundState, Turn, UnderWay,
};
use crate::events;
use crate::store::{charges, payments, refunds, wallets};

/// What an answer of the provider is about, as it stands after it.
#[derive(Debug, Clone)]
pub(crate) enum Settled {
    /// A payment.
    Payment(Payment),
    /// A refund, and its payment.
    Refund(Refund, Payment),
    /// A charge of points, and the wallet with it.
    Charge(Charge, Balance),
}

impl Settled {
    pub(crate) fn payment(self) -> Result<Payment, Failure> {
        match self {
            Self::Payment(payment) => Ok(payment),
            Self::Refund(..) | Self::Charge(..) => Err(settled_as_something_else()),
        }
    }

    pub(crate) fn refund(self) -> Result<(Refund, Payment), Failure> {
        match self {
            Self::Refund(refund, payment) => Ok((refund, payment)),
            Self::Payment(_) | Self::Charge(..) => Err(settled_as_something_else()),
        }
    }

    pub(crate) fn charge(self) -> Result<(Charge, Balance), Failure> {
        match self {
            Self::Charge(charge, balance) => Ok((charge, balance)),
            Self::Payment(_) | Self::Refund(..) => Err(settled_as_something_else()),
        }
    }
}

fn settled_as_something_else() -> Failure {
    Failure::broken("a key was settled as something else than it stands for")
}

/// Takes over the outcome of a key. Answers `None` when nothing of the kind was ever asked from here. The clock is looked at once
/// what it is about was read, and so behind what was stored about that before; with a payment that is `known` that is when its
/// answer came, since which at most a claim was stored.
pub(crate) async fn settle(
    tx: &mut Tx,
    key: ProviderKey,
    outcome: &Outcome,
    known: Option<Payment>,
    clock: &dyn Clock,
) -> Result<Option<Settled>, Failure> {
    match key {
        ProviderKey::Authorize(order_id) => payment(tx, order_id, UnderWay::Authorize, outcome, known, clock).await,
        ProviderKey::Capture(order_id) => payment(tx, order_id, UnderWay::Capture, outcome, known, clock).await,
        ProviderKey::Void(order_id) => payment(tx, order_id, UnderWay::Void, outcome, known, clock).await,
        ProviderKey::Refund(refund_id, attempt) => refund(tx, refund_id, attempt, outcome, clock).await,
        ProviderKey::Charge(charge_id) => charge(tx, charge_id, outcome, clock).await,
    }
}

async fn payment(
    tx: &mut Tx,
    order_id: OrderId,
    asked: UnderWay,
    outcome: &Outcome,
    known: Option<Payment>,
    clock: &dyn Clock,
) -> Result<Option<Settled>, Failure> {
    let changed: Result<_, Failure> =
        payments::change(tx, order_id, known, |payment| Ok(payment.conclude(asked, outcome, clock.now()))).await;
    let Some((payment, turn)) = changed? else { return Ok(None) };
    if let Some(turn) = turn {
        follow(tx, &payment, turn).await?;
    }
    Ok(Some(Settled::Payment(payment)))
}

/// What a turn of a payment means for the customer's points and for the world: in the unit of the turn.
pub(crate) async fn follow(tx: &mut Tx, payment: &Payment, turn: Turn) -> Result<(), Failure> {
    if let Some(customer_id) = payment.wallet() {
        match turn {
            Turn::Captured => {
                wallets::consume(tx, customer_id, payment.points, payment.order_id, payment.updated_at).await?
            }
            Turn::Declined | Turn::Voided { .. } => wallets::release(tx, customer_id, payment.points).await?,
            Turn::Authorized | Turn::Unresolved | Turn::Quiet => {}
        }
    }
    events::payment_turned(tx, payment, turn).await
}

async fn refund(
    tx: &mut Tx,
    refund_id: RefundId,
    attempt: i64,
    outcome: &Outcome,
    clock: &dyn Clock,
) -> Result<Option<Settled>, Failure> {
    let Some(earlier) = refunds::by_id(tx, refund_id).await?.filter(|refund| attempt <= refund.attempt) else {
        return Ok(None);
    };
    let (mut refund, now) = (earlier.clone(), clock.now());
    let concluded = refund.conclude(attempt, outcome, now);
    if concluded && !refunds::update(tx, &refund, &earlier).await? {
        return Err(PaymentRefusal::ConcurrentChange.into());
    }
    let changed: Result<_, Failure> = payments::change(tx, refund.order_id, None, |payment| {
        match refund.state {
            RefundState::Succeeded if concluded => payment.finish_refund(refund.legs, now),
            RefundState::Failed if concluded => payment.cancel_refund(refund.legs, now),
            _ => return Ok(None),
        }
        Ok(Some(()))
    })
    .await;
    let Some((payment, _)) = changed? else {
        return Err(Failure::broken(format!("refund {refund_id} has no payment")));
    };
    if concluded && refund.state == RefundState::Succeeded {
        given_back(tx, &payment, &refund, now).await?;
    }
    Ok(Some(Settled::Refund(refund, payment)))
}

/// What a refund that has gone back means for the customer's points and for the world: in the unit of the refund.
pub(crate) async fn given_back(tx: &mut Tx, payment: &Payment, refund: &Refund, now: Moment) -> Result<(), Failure> {
    if let Some(customer_id) = payment.customer_id
        && refund.legs.points > 0
    {
        wallets::give_back(tx, customer_id, refund.legs.points, payment.order_id, now).await?;
    }
    events::payment_refunded(tx, payment, refund, now).await
}

async fn charge(
    tx: &mut Tx,
    charge_id: ChargeId,
    outcome: &Outcome,
    clock: &dyn Clock,
) -> Result<Option<Settled>, Failure> {
    let Some(mut charge) = charges::by_id(tx, charge_id).await? else { return Ok(None) };
    let (account_id, now) = (charge.account_id, clock.now());
    if !charge.conclude(outcome, now) {
        return Ok(Some(Settled::Charge(charge, wallets::balance(tx, account_id).await?)));
    }
    if !charges::update(tx, &charge).await? {
        return Err(PaymentRefusal::ConcurrentChange.into());
    }
    let balance = if charge.state == ChargeState::Completed {
        events::points_charged(tx, &charge, now).await?;
        wallets::charge(tx, account_id, charge.amount.minor(), charge.id, now).await?
    } else {
        wallets::balance(tx, account_id).await?
    };
    Ok(Some(Settled::Charge(charge, balance)))
}
