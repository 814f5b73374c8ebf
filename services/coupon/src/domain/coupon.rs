//! A coupon: a promise of which pieces are issued to customers.

use std::time::Duration;

use bojagi_kernel::Moment;
use bojagi_kernel::id::{AccountId, CouponId, IssuedCouponId};

use super::{CouponRefusal, IssuedCoupon, IssuedState, Terms};

#[cfg(test)]
mod tests;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A span of time that contains its start and not its end; a bound that is missing is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    pub(crate) starts_at: Option<Moment>,
    pub(crate) ends_at: Option<Moment>,
}

/// Whether pieces of a coupon are issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CouponState {
    /// Within the issue window and limit.
    Active,
    /// No more; final.
    Retired,
}

/// What an admin may change later, for pieces to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) name: String,
    /// When pieces can be used at all.
    pub(crate) valid_window: Window,
    /// For how many days a piece can be used, from its issue or, if it is issued before the valid window, from the window's start;
    /// never beyond the window's end.
    pub(crate) issued_valid_days: i64,
    pub(crate) issue_window: Window,
    /// How many pieces are issued in all.
    pub(crate) issue_limit: Option<i64>,
}

/// A change of [`Details`]; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) valid_window: Option<Window>,
    pub(crate) issued_valid_days: Option<i64>,
    pub(crate) issue_window: Option<Window>,
    pub(crate) issue_limit: Option<Option<i64>>,
}

/// A coupon as the shop offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coupon {
    pub(crate) coupon_id: CouponId,
    pub(crate) details: Details,
    pub(crate) terms: Terms,
    pub(crate) state: CouponState,
    /// How many pieces have been issued; never above the limit.
    pub(crate) issued_count: i64,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

impl Coupon {
    /// A new coupon of which nothing has been issued.
    pub(crate) fn create(details: Details, terms: Terms, now: Moment) -> Self {
        Self {
            coupon_id: CouponId::generate(),
            details,
            terms,
            state: CouponState::Active,
            issued_count: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Changes the coupon for pieces to come.
    ///
    /// # Errors
    /// `CouponRetired`, `IssueLimitBelowIssued`.
    pub(crate) fn change(&mut self, changes: Changes, now: Moment) -> Result<(), CouponRefusal> {
        if self.state == CouponState::Retired {
            return Err(CouponRefusal::CouponRetired);
        }
        let issue_limit = changes.issue_limit.unwrap_or(self.details.issue_limit);
        if issue_limit.is_some_and(|limit| limit < self.issued_count) {
            return Err(CouponRefusal::IssueLimitBelowIssued { issued_count: self.issued_count });
        }
        let before = &self.details;
        self.details = Details {
            name: changes.name.unwrap_or_else(|| before.name.clone()),
            valid_window: changes.valid_window.unwrap_or(before.valid_window),
            issued_valid_days: changes.issued_valid_days.unwrap_or(before.issued_valid_days),
            issue_window: changes.issue_window.unwrap_or(before.issue_window),
            issue_limit,
        };
        self.updated_at = now;
        Ok(())
    }

    /// Ends the issue. Says whether it had not ended before.
    pub(crate) fn retire(&mut self, now: Moment) -> bool {
        if self.state == CouponState::Retired {
            return false;
        }
        self.state = CouponState::Retired;
        self.updated_at = now;
        true
    }

    /// Whether a piece can be issued now.
    ///
    /// # Errors
    /// Why not: `CouponRetired`, `NotYetOpen`, `NoLongerOpen`, `SoldOut`.
    pub(crate) fn check_open(&self, now: Moment) -> Result<(), CouponRefusal> {
        if self.state == CouponState::Retired {
            return Err(CouponRefusal::CouponRetired);
        }
        if let Some(opens_at) = self.details.issue_window.starts_at.filter(|opens_at| now < *opens_at) {
            return Err(CouponRefusal::NotYetOpen { opens_at });
        }
        if let Some(closes_at) = self.closes_at().filter(|closes_at| *closes_at <= now) {
            return Err(CouponRefusal::NoLongerOpen { closes_at });
        }
        match self.details.issue_limit {
            Some(issue_limit) if self.issued_count >= issue_limit => Err(CouponRefusal::SoldOut { issue_limit }),
            _ => Ok(()),
        }
    }

    /// Issues a piece, if one can be issued now.
    ///
    /// # Errors
    /// As [`Coupon::check_open`].
    pub(crate) fn issue(&mut self, customer_id: AccountId, now: Moment) -> Result<IssuedCoupon, CouponRefusal> {
        self.check_open(now)?;
        self.issued_count += 1;
        Ok(self.piece_for(customer_id, now))
    }

    /// The piece that a customer gets now. Its times are fixed here: later changes of the coupon do not touch it.
    pub(crate) fn piece_for(&self, customer_id: AccountId, now: Moment) -> IssuedCoupon {
        let days = u32::try_from(self.details.issued_valid_days).unwrap_or_default();
        let valid_window = self.details.valid_window;
        // A piece that is issued before it can be used loses none of its days by that.
        let after_days = valid_window.starts_at.map_or(now, |starts_at| starts_at.max(now)) + DAY * days;
        IssuedCoupon {
            issued_coupon_id: IssuedCouponId::generate(),
            coupon_id: self.coupon_id,
            customer_id,
            state: IssuedState::Available,
            issued_at: now,
            valid_from: valid_window.starts_at,
            expires_at: valid_window.ends_at.map_or(after_days, |ends_at| ends_at.min(after_days)),
            order_id: None,
            used_at: None,
        }
    }

    /// A piece issued after the valid window could never be used, so the issue ends with it at the latest.
    fn closes_at(&self) -> Option<Moment> {
        [self.details.issue_window.ends_at, self.details.valid_window.ends_at].into_iter().flatten().min()
    }
}
