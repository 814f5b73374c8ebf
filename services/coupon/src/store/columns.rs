//! Rows that become what the rules speak of.

use bojagi_kernel::{BasisPoints, Currency, Money};
use bojagi_store::{Error, FromRow, Row, stored_enum};

use crate::domain::{
    Benefit, Coupon, CouponState, Details, HeldCoupon, IssuedCoupon, IssuedState, RedemptionState, Scope, Terms, Window,
};

stored_enum!(Scope { Item => "ITEM", Order => "ORDER" });
stored_enum!(CouponState { Active => "ACTIVE", Retired => "RETIRED" });
stored_enum!(IssuedState { Available => "AVAILABLE", Reserved => "RESERVED", Used => "USED", Expired => "EXPIRED" });
stored_enum!(RedemptionState { Reserved => "RESERVED", Used => "USED", Released => "RELEASED" });

/// The columns that [`Coupon`] is read from; the terms come first.
macro_rules! coupon_columns {
    () => {
        "coupon.coupon_id, coupon.scope, coupon.currency, coupon.fixed_minor, coupon.rate_bps, coupon.cap_minor, \
         coupon.minimum_minor, coupon.seller_share_bps, coupon.name, coupon.valid_from, coupon.valid_until, \
         coupon.issued_valid_days, coupon.issue_from, coupon.issue_until, coupon.issue_limit, coupon.state, \
         coupon.issued_count, coupon.created_at, coupon.updated_at"
    };
}

/// The columns that [`IssuedCoupon`] is read from.
macro_rules! piece_columns {
    () => {
        "issued_coupon.issued_coupon_id, issued_coupon.coupon_id, issued_coupon.customer_id, issued_coupon.state, \
         issued_coupon.issued_at, issued_coupon.valid_from, issued_coupon.expires_at, issued_coupon.order_id, \
         issued_coupon.used_at"
    };
}

pub(super) use {coupon_columns, piece_columns};

/// How many columns [`piece_columns!`] has.
const PIECE_COLUMNS: usize = 9;

/// A piece with the coupon that it is a piece of.
pub(crate) struct PieceOfCoupon {
    pub(crate) piece: IssuedCoupon,
    pub(crate) coupon: Coupon,
}

impl FromRow for Coupon {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        read_coupon(row, 0)
    }
}

impl FromRow for IssuedCoupon {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            issued_coupon_id: row.get(0)?,
            coupon_id: row.get(1)?,
            customer_id: row.get(2)?,
            state: row.get(3)?,
            issued_at: row.get(4)?,
            valid_from: row.get(5)?,
            expires_at: row.get(6)?,
            order_id: row.get(7)?,
            used_at: row.get(8)?,
        })
    }
}

impl FromRow for PieceOfCoupon {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self { piece: IssuedCoupon::from_row(row)?, coupon: read_coupon(row, PIECE_COLUMNS)? })
    }
}

impl FromRow for HeldCoupon {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self { issued: IssuedCoupon::from_row(row)?, terms: read_terms(row, PIECE_COLUMNS + 1)? })
    }
}

fn read_coupon(row: &Row<'_>, first: usize) -> Result<Coupon, Error> {
    Ok(Coupon {
        coupon_id: row.get(first)?,
        terms: read_terms(row, first + 1)?,
        details: Details {
            name: row.get(first + 8)?,
            valid_window: Window { starts_at: row.get(first + 9)?, ends_at: row.get(first + 10)? },
            issued_valid_days: row.get(first + 11)?,
            issue_window: Window { starts_at: row.get(first + 12)?, ends_at: row.get(first + 13)? },
            issue_limit: row.get(first + 14)?,
        },
        state: row.get(first + 15)?,
        issued_count: row.get(first + 16)?,
        created_at: row.get(first + 17)?,
        updated_at: row.get(first + 18)?,
    })
}

fn read_terms(row: &Row<'_>, first: usize) -> Result<Terms, Error> {
    let amount = |index: usize| -> Result<Option<Money>, Error> {
        let minor: Option<i64> = row.get(index)?;
        minor.map(|minor| Ok(Money::new(read_currency(row, first + 1)?, minor))).transpose()
    };
    let benefit = match amount(first + 2)? {
        Some(fixed) => Benefit::Fixed(fixed),
        None => Benefit::Percent { rate: read_rate(row, first + 3)?, cap: amount(first + 4)? },
    };
    Ok(Terms {
        benefit,
        scope: row.get(first)?,
        minimum_spend: amount(first + 5)?,
        seller_share: read_rate(row, first + 6)?,
    })
}

fn read_rate(row: &Row<'_>, index: usize) -> Result<BasisPoints, Error> {
    BasisPoints::new(row.get(index)?).map_err(|error| Error::Column { index, problem: error.to_string() })
}

/// A currency code as an amount needs it.
pub(super) fn read_currency(row: &Row<'_>, index: usize) -> Result<Currency, Error> {
    Currency::parse(row.text(index)?).map_err(|error| Error::Column { index, problem: error.to_string() })
}
