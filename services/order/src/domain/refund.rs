//! Refunds: pieces of a parcel that its customer wants to give back, and what its seller says to that.
//!
//! How many pieces of a line may be asked back at once is held by the store; here is who may ask for what, and when.

mod share;

use std::fmt;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, OrderLineId, StoreId};

use super::{DeliveryId, DeliveryState, Life, News, Order, OrderRefusal, RefundId};

pub(crate) use share::Share;

/// Refunds of an order that are requested or approved, at most. They are read with their order whenever it is, approved ones for
/// ever, so there is an end to them before there is one to the pieces.
pub(crate) const MAX_STANDING: usize = 100;

/// Where a refund stands: REQUESTED → APPROVED, REJECTED or WITHDRAWN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundState {
    Requested,
    Approved,
    Rejected,
    Withdrawn,
}

impl fmt::Display for RefundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "REQUESTED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Withdrawn => "WITHDRAWN",
        })
    }
}

/// Where the money of a refund is: NONE → REFUNDING → REFUNDED, by way of PARKED if it does not get through; or RESOLVED, when
/// an operator settled it outside the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundMoney {
    None,
    Refunding,
    Refunded,
    Parked,
    Resolved,
}

impl fmt::Display for RefundMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "NONE",
            Self::Refunding => "REFUNDING",
            Self::Refunded => "REFUNDED",
            Self::Parked => "PARKED",
            Self::Resolved => "RESOLVED",
        })
    }
}

/// Pieces of one line. What they are worth is known once the refund is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundLine {
    pub(crate) order_line_id: OrderLineId,
    pub(crate) quantity: i64,
    pub(crate) share: Share,
}

/// How payment was asked for the money of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Asking {
    pub(crate) attempts: i64,
    /// Failed attempts in a row.
    pub(crate) failed_attempts: i64,
    /// How many of them, the last ones, were refused.
    pub(crate) refusals: i64,
    /// Empty when none failed.
    pub(crate) last_error: String,
    /// When payment is asked next. Not by itself, when there is none.
    pub(crate) next_at: Option<Moment>,
}

/// Pieces of one parcel that its customer wants to give back. Its id is the key under which payment is asked for the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) id: RefundId,
    pub(crate) delivery_id: DeliveryId,
    pub(crate) store_id: StoreId,
    pub(crate) seller_id: AccountId,
    pub(crate) state: RefundState,
    pub(crate) money: RefundMoney,
    pub(crate) lines: Vec<RefundLine>,
    /// Why, in the customer's words. Empty once it is decided and the customer's account is closed.
    pub(crate) reason: String,
    /// Why not, in the seller's words.
    pub(crate) rejection: Option<String>,
    /// Whether the pieces can be sold again.
    pub(crate) restock: bool,
    pub(crate) requested_at: Moment,
    pub(crate) decided_at: Option<Moment>,
    /// By payment's clock.
    pub(crate) refunded_at: Option<Moment>,
    pub(crate) asking: Asking,
}

impl Refund {
    /// What goes back, in minor units of the order's currency; 0 until it is approved.
    pub(crate) fn amount(&self) -> i64 {
        self.lines.iter().map(|line| line.share.net).sum()
    }

    /// Whether the money has still to go back.
    pub(crate) const fn owes(&self) -> bool {
        matches!(self.money, RefundMoney::Refunding | RefundMoney::Parked)
    }
}

/// What a customer wants to give back. No line is named twice.
#[derive(Debug, Clone)]
pub(crate) struct NewRefund {
    pub(crate) id: RefundId,
    pub(crate) lines: Vec<(OrderLineId, i64)>,
    pub(crate) reason: String,
}

/// As what somebody acts on a refund.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Party {
    Customer(AccountId),
    Seller(AccountId),
    /// For a seller who cannot decide any more: whose account is suspended or closed.
    Admin,
}

impl Order {
    /// Takes the wish to give pieces back, all from one parcel that has left its store.
    ///
    /// # Errors
    /// `ORDER_NOT_CONFIRMED`, `ORDER_LINE_NOT_FOUND`, `REFUND_OF_TWO_STORES`, `DELIVERY_NOT_BEGUN`, `REFUND_LIMIT`.
    pub(crate) fn request_refund(&mut self, new: NewRefund, now: Moment) -> Result<(), OrderRefusal> {
        if !matches!(self.life, Life::Confirmed | Life::Completed) {
            return Err(OrderRefusal::OrderNotConfirmed { order_id: self.id, state: self.life });
        }
        let store_id = self.one_store_of(&new.lines)?;
        let parcel = self.deliveries.iter().find(|parcel| Some(parcel.store_id) == store_id);
        let parcel = parcel.ok_or(OrderRefusal::OrderNotConfirmed { order_id: self.id, state: self.life })?;
        if !matches!(parcel.state, DeliveryState::InProgress | DeliveryState::Delivered) {
            return Err(OrderRefusal::DeliveryNotBegun { delivery_id: parcel.id, state: parcel.state });
        }
        if self.standing_refunds() >= MAX_STANDING {
            return Err(OrderRefusal::RefundLimit { order_id: self.id, limit: MAX_STANDING });
        }
        let line = |(order_line_id, quantity)| RefundLine { order_line_id, quantity, share: Share::default() };
        let refund = Refund {
            id: new.id,
            delivery_id: parcel.id,
            store_id: parcel.store_id,
            seller_id: parcel.seller_id,
            state: RefundState::Requested,
            money: RefundMoney::None,
            lines: new.lines.into_iter().map(line).collect(),
            reason: new.reason,
            rejection: None,
            restock: false,
            requested_at: now,
            decided_at: None,
            refunded_at: None,
            asking: Asking::default(),
        };
        self.news.push(News::RefundRequested(refund.id));
        self.data.refunds.push(refund);
        Ok(())
    }

    fn standing_refunds(&self) -> usize {
        let stands = |refund: &&Refund| matches!(refund.state, RefundState::Requested | RefundState::Approved);
        self.refunds.iter().filter(stands).count()
    }

    /// The store that sold these lines: its seller decides, so no other's may be among them.
    fn one_store_of(&self, lines: &[(OrderLineId, i64)]) -> Result<Option<StoreId>, OrderRefusal> {
        let mut store_id = None;
        for &(order_line_id, _) in lines {
            let line = self.lines.iter().find(|line| line.id == order_line_id);
            let sold = line.and_then(|line| line.sold.as_ref());
            let sold = sold.ok_or(OrderRefusal::OrderLineNotFound { order_line_id })?;
            if *store_id.get_or_insert(sold.store_id) != sold.store_id {
                return Err(OrderRefusal::RefundOfTwoStores { order_line_id, store_id: sold.store_id });
            }
        }
        Ok(store_id)
    }

    /// A refund of the order, if it is at hand.
    pub(crate) fn refund(&self, refund_id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == refund_id)
    }

    /// Puts a refund at hand that is not among those which an order is read with.
    pub(crate) fn has_also(&mut self, refund: Refund) {
        self.data.refunds.push(refund);
    }

    /// Forgets what the customer wrote.
    pub(crate) fn forget_words(&mut self, refund_id: RefundId) {
        self.change_refund(refund_id, |refund| refund.reason.clear());
    }

    /// The refund, if it is the party's.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`.
    pub(crate) fn refund_of(&self, party: Party, refund_id: RefundId) -> Result<&Refund, OrderRefusal> {
        let is_theirs = |refund: &&Refund| match party {
            Party::Customer(customer_id) => self.customer_id == customer_id,
            Party::Seller(seller_id) => refund.seller_id == seller_id,
            Party::Admin => true,
        };
        self.refund(refund_id).filter(is_theirs).ok_or(OrderRefusal::RefundNotFound { refund_id })
    }

    /// The customer takes the wish back.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_REQUESTED`.
    pub(crate) fn withdraw_refund(&mut self, refund_id: RefundId, now: Moment) -> Result<(), OrderRefusal> {
        self.undecided(refund_id)?;
        self.decide_refund(refund_id, RefundState::Withdrawn, now);
        self.news.push(News::RefundWithdrawn(refund_id));
        Ok(())
    }

    /// The seller says no, or an admin for them.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_REQUESTED`.
    pub(crate) fn reject_refund(
        &mut self,
        refund_id: RefundId,
        rejection: String,
        now: Moment,
    ) -> Result<(), OrderRefusal> {
        self.undecided(refund_id)?;
        self.decide_refund(refund_id, RefundState::Rejected, now);
        self.change_refund(refund_id, |refund| refund.rejection = Some(rejection));
        self.news.push(News::RefundRejected(refund_id));
        Ok(())
    }

    /// The seller says yes, or an admin for them: from now on the money is owed, and the amounts stand. What the pieces are worth depends on how many
    /// of their lines were approved before.
    ///
    /// # Errors
    /// `REFUND_NOT_FOUND`, `REFUND_NOT_REQUESTED`, `REFUND_EXCEEDS_PURCHASE`.
    pub(crate) fn approve_refund(
        &mut self,
        refund_id: RefundId,
        restock: bool,
        now: Moment,
    ) -> Result<(), OrderRefusal> {
        let lines = self.undecided(refund_id)?.lines.clone();
        let worth = |line: RefundLine| Ok(RefundLine { share: self.worth(&line)?, ..line });
        let lines: Vec<RefundLine> = lines.into_iter().map(worth).collect::<Result<_, OrderRefusal>>()?;
        self.decide_refund(refund_id, RefundState::Approved, now);
        self.change_refund(refund_id, |refund| {
            (refund.lines, refund.restock) = (lines, restock);
            refund.money = RefundMoney::Refunding;
            refund.asking.next_at = Some(now);
        });
        self.news.push(News::RefundApproved(refund_id));
        self.arrange_give_backs(now);
        Ok(())
    }

    /// What the pieces of a refund are worth if it is the next of its line to be approved.
    fn worth(&self, wanted: &RefundLine) -> Result<Share, OrderRefusal> {
        let order_line_id = wanted.order_line_id;
        let line = self.lines.iter().find(|line| line.id == order_line_id);
        let line = line.ok_or(OrderRefusal::OrderLineNotFound { order_line_id })?;
        let approved = self.refunds.iter().filter(|refund| refund.state == RefundState::Approved);
        let of_line = approved.flat_map(|refund| &refund.lines).filter(|line| line.order_line_id == order_line_id);
        let before = of_line.map(|line| line.quantity).sum();
        let refundable = line.quantity - before;
        line.share(before, wanted.quantity).ok_or(OrderRefusal::RefundExceedsPurchase { order_line_id, refundable })
    }

    fn undecided(&self, refund_id: RefundId) -> Result<&Refund, OrderRefusal> {
        let refund = self.refund(refund_id).ok_or(OrderRefusal::RefundNotFound { refund_id })?;
        match refund.state {
            RefundState::Requested => Ok(refund),
            state => Err(OrderRefusal::RefundNotRequested { refund_id, state }),
        }
    }

    fn decide_refund(&mut self, refund_id: RefundId, state: RefundState, now: Moment) {
        self.change_refund(refund_id, |refund| (refund.state, refund.decided_at) = (state, Some(now)));
    }

    pub(super) fn change_refund(&mut self, refund_id: RefundId, change: impl FnOnce(&mut Refund)) {
        if let Some(refund) = self.data.refunds.iter_mut().find(|refund| refund.id == refund_id) {
            change(refund);
        }
    }
}

#[cfg(test)]
mod tests;
