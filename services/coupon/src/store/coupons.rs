//! Statements on coupons.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::Moment;
use bojagi_kernel::id::CouponId;
use bojagi_store::{Bind, Error, Filter, Tx, params};

use super::columns::coupon_columns;
use crate::domain::{Benefit, Coupon, CouponState, Scope};

/// Writes a new coupon.
pub(crate) async fn insert(tx: &mut Tx, coupon: &Coupon) -> Result<(), Error> {
    let (details, terms) = (&coupon.details, &coupon.terms);
    let (fixed, rate, cap) = match terms.benefit {
        Benefit::Fixed(fixed) => (Some(fixed.minor()), None, None),
        Benefit::Percent { rate, cap } => (None, Some(rate.points()), cap.map(|cap| cap.minor())),
    };
    let currency = terms.currency().map(|currency| currency.code().to_owned());
    tx.send(
        "INSERT INTO coupon (coupon_id, scope, currency, fixed_minor, rate_bps, cap_minor, minimum_minor,
             seller_share_bps, name, valid_from, valid_until, issued_valid_days, issue_from, issue_until, issue_limit,
             state, issued_count, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            coupon.coupon_id,
            terms.scope,
            currency,
            fixed,
            rate,
            cap,
            terms.minimum_spend.map(|minimum| minimum.minor()),
            terms.seller_share.points(),
            details.name,
            details.valid_window.starts_at,
            details.valid_window.ends_at,
            details.issued_valid_days,
            details.issue_window.starts_at,
            details.issue_window.ends_at,
            details.issue_limit,
            coupon.state,
            coupon.issued_count,
            coupon.created_at,
            coupon.updated_at,
        ],
    )
    .await
}

/// The coupon, if there is one.
pub(crate) async fn find(tx: &mut Tx, coupon_id: CouponId) -> Result<Option<Coupon>, Error> {
    tx.fetch_optional(concat!("SELECT ", coupon_columns!(), " FROM coupon WHERE coupon_id = ?1"), params![coupon_id])
        .await
}

/// Those of the coupons that are there.
pub(crate) async fn find_all(tx: &mut Tx, coupons: &BTreeSet<CouponId>) -> Result<Vec<Coupon>, Error> {
    let keys: Vec<_> = coupons.iter().map(|coupon_id| vec![coupon_id.bind()]).collect();
    tx.fetch_many(concat!("SELECT ", coupon_columns!(), " FROM coupon WHERE coupon_id IN ({?1})"), &keys).await
}

/// Saves what can change of a coupon.
pub(crate) async fn save(tx: &mut Tx, coupon: &Coupon) -> Result<(), Error> {
    let details = &coupon.details;
    tx.send(
        "UPDATE coupon SET name = ?2, valid_from = ?3, valid_until = ?4, issued_valid_days = ?5, issue_from = ?6,
             issue_until = ?7, issue_limit = ?8, state = ?9, updated_at = ?10
         WHERE coupon_id = ?1",
        params![
            coupon.coupon_id,
            details.name,
            details.valid_window.starts_at,
            details.valid_window.ends_at,
            details.issued_valid_days,
            details.issue_window.starts_at,
            details.issue_window.ends_at,
            details.issue_limit,
            coupon.state,
            coupon.updated_at,
        ],
    )
    .await
}

/// What [`Coupon::check_open`] says, as a condition with the moment, three times.
const OPEN_FOR_ISSUE: &str = "state = 'ACTIVE' AND (issue_limit IS NULL OR issued_count < issue_limit)
    AND (issue_from IS NULL OR issue_from <= ?) AND (issue_until IS NULL OR issue_until > ?)
    AND (valid_until IS NULL OR valid_until > ?)";

/// Counts pieces as issued; false when that would be more than the limit of one of them, and then the unit has to end.
pub(crate) async fn count_issues(tx: &mut Tx, issued: &BTreeMap<CouponId, i64>) -> Result<bool, Error> {
    let rows: Vec<_> = issued.iter().map(|(coupon_id, count)| vec![coupon_id.bind(), count.bind()]).collect();
    let counted = tx
        .execute_many(
            "UPDATE coupon SET issued_count = issued_count + v.column2
             FROM (VALUES {(?1, ?2)}) AS v
             WHERE coupon.coupon_id = v.column1
               AND (coupon.issue_limit IS NULL OR coupon.issued_count + v.column2 <= coupon.issue_limit)",
            &rows,
        )
        .await?;
    Ok(counted == issued.len() as u64)
}

/// What to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CouponFilter {
    pub(crate) scope: Option<Scope>,
    pub(crate) state: Option<CouponState>,
    /// Only those of which a piece could be issued now.
    pub(crate) only_issuable: bool,
}

/// Coupons, newest first, beginning after `after`; at most `limit`.
pub(crate) async fn list(
    tx: &mut Tx,
    wanted: CouponFilter,
    after: Option<(Moment, CouponId)>,
    limit: i64,
    now: Moment,
) -> Result<Vec<Coupon>, Error> {
    let mut filter = Filter::new();
    if let Some((created_at, coupon_id)) = &after {
        filter.and("(created_at, coupon_id) < (?, ?)", [created_at.bind(), coupon_id.bind()]);
    }
    filter.and_if("scope = ?", wanted.scope.as_ref());
    filter.and_if("state = ?", wanted.state.as_ref());
    if wanted.only_issuable {
        filter.and(OPEN_FOR_ISSUE, [now.bind(); 3]);
    }
    let coupons = concat!("SELECT ", coupon_columns!(), " FROM coupon");
    let (sql, params) = filter.statement(coupons, "created_at DESC, coupon_id DESC", limit);
    tx.fetch_all(&sql, &params).await
}
