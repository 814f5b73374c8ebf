//! One order: what was asked for, where it stands, and what was learnt on the way.

use std::ops::Deref;

use bojagi_kernel::id::{AccountId, IssuedCouponId, OrderId, PaymentMethodId};
use bojagi_kernel::{Currency, Moment, Money};

use super::{
    Address, CancelReason, CartPart, Delivery, Direction, FailureCause, InstanceId, Life, Line, MoneyState, News,
    OrderRefusal, PaymentKnown, Refund, RefundId, RetryPolicy, Saga, SagaState, Totals,
};

/// Everything that is known of an order. Read through [`Order`]; only the rules change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderData {
    pub(crate) id: OrderId,
    pub(crate) customer_id: AccountId,
    pub(crate) life: Life,
    /// Counts everything that was stored of the order, from 1, or on from its draft.
    pub(crate) version: i64,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<Line>,
    pub(crate) totals: Totals,
    pub(crate) payment_method_id: Option<PaymentMethodId>,
    /// The ORDER coupon.
    pub(crate) order_coupon_id: Option<IssuedCouponId>,
    /// Of the quote that the customer was shown; empty without one.
    pub(crate) quote_hash: String,
    pub(crate) address: Address,
    pub(crate) deliveries: Vec<Delivery>,
    /// Those that are not decided, and those that are approved, oldest first. What was rejected or withdrawn is at hand only
    /// where it is asked for.
    pub(crate) refunds: Vec<Refund>,
    pub(crate) cancel: Option<CancelReason>,
    pub(crate) failure: Option<FailureCause>,
    pub(crate) trace: Option<PlacedIn>,
    /// How many states it has entered.
    pub(crate) changes: i64,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    pub(crate) confirmed_at: Option<Moment>,
    pub(crate) ended_at: Option<Moment>,
    /// When payment captured the total, by payment's clock.
    pub(crate) captured_at: Option<Moment>,
    /// What has gone back, in minor units.
    pub(crate) refunded: i64,
    /// When the last of it went back, by payment's clock.
    pub(crate) refunded_at: Option<Moment>,
    pub(crate) back: Back,
    pub(crate) saga: Saga,
}

/// The trace in which an order was placed, as headers say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlacedIn {
    pub(crate) traceparent: String,
    pub(crate) tracestate: Option<String>,
}

/// What has been given back of an order that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Back {
    pub(crate) money: bool,
    pub(crate) stock: bool,
    pub(crate) coupons: bool,
}

/// An order under its rules. What it holds can be read; verbs change it and leave news for the next commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(super) data: OrderData,
    pub(super) news: Vec<News>,
}

impl Deref for Order {
    type Target = OrderData;

    fn deref(&self) -> &OrderData {
        &self.data
    }
}

/// What a customer wants to order. Amounts are minor units of `currency`; those of the lines add up to at most
/// [`MAX_GROSS`](super::MAX_GROSS).
#[derive(Debug, Clone)]
pub(crate) struct NewOrder {
    pub(crate) id: OrderId,
    pub(crate) customer_id: AccountId,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<Line>,
    pub(crate) discount: i64,
    pub(crate) points: i64,
    pub(crate) payment_method_id: Option<PaymentMethodId>,
    pub(crate) order_coupon_id: Option<IssuedCouponId>,
    pub(crate) quote_hash: String,
    pub(crate) address: Address,
    pub(crate) trace: Option<PlacedIn>,
    pub(crate) made_of: MadeOf,
}

/// Where the lines of an order come from, and what they leave in the commit that stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MadeOf {
    /// The request that places it.
    Request,
    /// Lines of the customer's cart.
    Cart(CartPart),
    /// The customer's draft, which is gone then.
    Draft {
        id: OrderId,
        /// As the customer saw it.
        version: i64,
    },
}

impl Order {
    /// Places an order, to be driven by `driver` at once.
    ///
    /// # Errors
    /// `TENDER_MISMATCH`.
    pub(crate) fn place(
        new: NewOrder,
        driver: InstanceId,
        policy: &RetryPolicy,
        now: Moment,
    ) -> Result<Self, OrderRefusal> {
        let totals = Totals::of(&new.lines, new.discount, new.points, new.payment_method_id.is_some())?;
        let saga = Saga {
            state: SagaState::Running,
            direction: Direction::Forward,
            payment: PaymentKnown::Open,
            failed_attempts: 0,
            refusals: 0,
            parked_reason: None,
            operator_reason: None,
            lease_owner: Some(driver),
            lease_epoch: 1,
            wake_at: Some(now + policy.lease),
            deadline: now + policy.deadline,
        };
        // A draft has had versions, and an entry in its history.
        let (version, changes) = match new.made_of {
            MadeOf::Draft { version, .. } => (version, 1),
            MadeOf::Request | MadeOf::Cart(_) => (0, 0),
        };
        let mut data = OrderData {
            id: new.id,
            customer_id: new.customer_id,
            life: Life::Pending,
            version,
            currency: new.currency,
            lines: new.lines,
            totals,
            payment_method_id: new.payment_method_id,
            order_coupon_id: new.order_coupon_id,
            quote_hash: new.quote_hash,
            address: new.address,
            deliveries: Vec::new(),
            refunds: Vec::new(),
            cancel: None,
            failure: None,
            trace: new.trace,
            changes,
            created_at: now,
            updated_at: now,
            confirmed_at: None,
            ended_at: None,
            captured_at: None,
            refunded: 0,
            refunded_at: None,
            back: Back::default(),
            saga,
        };
        data.back.coupons = !data.asks_coupon();
        Ok(Self { data, news: vec![News::Placed] })
    }

    /// An order as it was stored.
    pub(crate) const fn restore(data: OrderData) -> Self {
        Self { data, news: Vec::new() }
    }

    /// Takes what has happened since the order was last stored, and counts this storing.
    pub(crate) fn store_now(&mut self, now: Moment) -> Vec<News> {
        self.data.version += 1;
        self.data.updated_at = now;
        std::mem::take(&mut self.news)
    }

    /// Counts a state that was entered, for the history.
    pub(crate) const fn count_change(&mut self) -> i64 {
        self.data.changes += 1;
        self.data.changes
    }

    /// Forgets where the goods went.
    pub(crate) fn anonymise(&mut self) {
        self.data.address = Address::anonymous();
    }
}

impl OrderData {
    /// An amount in the order's currency.
    pub(crate) const fn money(&self, minor: i64) -> Money {
        Money::new(self.currency, minor)
    }

    /// Whether coupon has anything to say: without a coupon, a discount or a quote there is nothing to keep and nothing to
    /// judge, and it is not asked.
    pub(crate) fn asks_coupon(&self) -> bool {
        self.order_coupon_id.is_some()
            || self.totals.discount != 0
            || !self.quote_hash.is_empty()
            || self.lines.iter().any(|line| !line.coupons.is_empty())
    }

    /// Where its money is.
    pub(crate) const fn money_state(&self) -> MoneyState {
        match (self.captured_at, self.refunded_at) {
            (None, _) => MoneyState::Unpaid,
            (Some(_), None) => MoneyState::Paid,
            // Pieces went back that had cost nothing.
            (Some(_), Some(_)) if self.refunded == 0 && self.totals.net() > 0 => MoneyState::Paid,
            (Some(_), Some(_)) if self.refunded < self.totals.net() => MoneyState::PartiallyRefunded,
            (Some(_), Some(_)) => MoneyState::Refunded,
        }
    }

    /// The key under which payment is asked to give everything back; the same for every attempt.
    pub(crate) fn refund_id(&self) -> RefundId {
        RefundId::derive(self.id.as_uuid(), "refund of the cancelled order")
    }
}
