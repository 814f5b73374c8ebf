//! Reading a coupon as an admin writes it.

use std::time::Duration;

use bojagi_api::common;
use bojagi_api::coupon::{self, CouponScope, PercentBenefit};
use bojagi_chassis::{Fields, wire};
use bojagi_kernel::{BasisPoints, Money};
use prost_types::FieldMask;

use crate::domain::{Benefit, Changes, Details, LARGEST_PRICE, Scope, Terms, Window};

/// Characters of a name.
const NAME_LENGTH: usize = 100;
/// Days for which a piece can be used when the admin does not say.
const DEFAULT_VALID_DAYS: i64 = 30;
/// The longest that a piece can be used: about ten years.
const LONGEST_VALID_DAYS: i64 = 3_650;
const LONGEST_LIFE: Duration = Duration::from_secs(LONGEST_VALID_DAYS.unsigned_abs() * 24 * 60 * 60);
/// The highest issue limit.
const LARGEST_ISSUE_LIMIT: i64 = 1_000_000_000;
/// The range of percentages, in basis points: below it nobody notices, above it it is a gift.
const LEAST_RATE: i32 = 500;
const HIGHEST_RATE: i32 = 9_500;

/// What may change later.
pub(super) fn read_details(fields: &mut Fields, coupon: &coupon::Coupon) -> Option<Details> {
    let name = fields.line("coupon.name", &coupon.name, NAME_LENGTH);
    let valid_window = read_valid_window(fields, coupon.valid_window.as_ref());
    let issued_valid_days = read_valid_days(fields, coupon.issued_valid_days);
    let issue_window = read_window(fields, "coupon.issue_window", coupon.issue_window.as_ref());
    let issue_limit = read_issue_limit(fields, coupon.issue_limit);
    Some(Details {
        name: name?,
        valid_window: valid_window?,
        issued_valid_days: issued_valid_days?,
        issue_window: issue_window?,
        issue_limit: issue_limit?,
    })
}

/// What never changes.
pub(super) fn read_terms(fields: &mut Fields, coupon: &coupon::Coupon) -> Option<Terms> {
    let benefit = match &coupon.benefit {
        Some(coupon::coupon::Benefit::FixedAmount(fixed)) => {
            read_amount(fields, "coupon.fixed_amount", Some(fixed)).map(Benefit::Fixed)
        }
        Some(coupon::coupon::Benefit::Percent(percent)) => read_percent(fields, percent),
        None => {
            fields.wrong("coupon.benefit", "must be fixed_amount or percent");
            None
        }
    };
    let scope = match CouponScope::try_from(coupon.scope) {
        Ok(CouponScope::Item) => Some(Scope::Item),
        Ok(CouponScope::Order) => Some(Scope::Order),
        Ok(CouponScope::Unspecified) | Err(_) => {
            fields.wrong("coupon.scope", "must be COUPON_SCOPE_ITEM or COUPON_SCOPE_ORDER");
            None
        }
    };
    let minimum_spend = read_optional_amount(fields, "coupon.minimum_spend", coupon.minimum_spend.as_ref());
    let seller_share: Option<BasisPoints> = fields.rate("coupon.seller_share_bps", coupon.seller_share_bps);
    let (benefit, minimum_spend) = (benefit?, minimum_spend?);
    let without_minimum = Terms { benefit, scope: scope?, minimum_spend: None, seller_share: seller_share? };
    let currencies = without_minimum.currency().zip(minimum_spend.map(|minimum| minimum.currency()));
    if currencies.is_some_and(|(of_benefit, of_minimum)| of_benefit != of_minimum) {
        fields.wrong("coupon.minimum_spend.currency_code", "must be the currency of the benefit");
        return None;
    }
    Some(Terms { minimum_spend, ..without_minimum })
}

/// What an admin wants to change: the fields that the mask names, or, without a mask, those that are set.
pub(super) fn read_changes(fields: &mut Fields, coupon: &coupon::Coupon, mask: Option<&FieldMask>) -> Option<Changes> {
    const CHANGEABLE: [&str; 5] = ["name", "valid_window", "issued_valid_days", "issue_window", "issue_limit"];
    let named = mask.map_or(&[][..], |mask| mask.paths.as_slice());
    if let Some(fixed) = named.iter().find(|path| !CHANGEABLE.contains(&path.as_str())) {
        fields.wrong("update_mask", format_args!("{fixed:?} cannot be changed"));
        return None;
    }
    let wanted = |path: &str, is_set: bool| {
        if named.is_empty() { is_set } else { named.iter().any(|name| name == path) }
    };

    let name = wanted("name", !coupon.name.is_empty()).then(|| fields.line("coupon.name", &coupon.name, NAME_LENGTH));
    let valid_window = wanted("valid_window", coupon.valid_window.is_some())
        .then(|| read_valid_window(fields, coupon.valid_window.as_ref()));
    let issued_valid_days = wanted("issued_valid_days", coupon.issued_valid_days != 0)
        .then(|| read_valid_days(fields, coupon.issued_valid_days));
    let issue_window = wanted("issue_window", coupon.issue_window.is_some())
        .then(|| read_window(fields, "coupon.issue_window", coupon.issue_window.as_ref()));
    let issue_limit =
        wanted("issue_limit", coupon.issue_limit != 0).then(|| read_issue_limit(fields, coupon.issue_limit));
    Some(Changes {
        name: if_read(name)?,
        valid_window: if_read(valid_window)?,
        issued_valid_days: if_read(issued_valid_days)?,
        issue_window: if_read(issue_window)?,
        issue_limit: if_read(issue_limit)?,
    })
}

/// Nothing to read is right; something to read has to be readable.
fn if_read<T>(wanted: Option<Option<T>>) -> Option<Option<T>> {
    match wanted {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

/// As late as a piece of it could be used, there have to be dates.
fn read_valid_window(fields: &mut Fields, range: Option<&common::TimeRange>) -> Option<Window> {
    let window = read_window(fields, "coupon.valid_window", range)?;
    if window.starts_at.is_some_and(|starts_at| wire::moment(&wire::timestamp(starts_at + LONGEST_LIFE)).is_none()) {
        fields.wrong("coupon.valid_window.starts_at", "must be before the year 9990");
        return None;
    }
    Some(window)
}

fn read_window(fields: &mut Fields, field: &str, range: Option<&common::TimeRange>) -> Option<Window> {
    fields.time_range(field, range).map(|(starts_at, ends_at)| Window { starts_at, ends_at })
}

fn read_valid_days(fields: &mut Fields, days: i32) -> Option<i64> {
    let days = if days == 0 { DEFAULT_VALID_DAYS } else { i64::from(days) };
    fields.count("coupon.issued_valid_days", days, 1..=LONGEST_VALID_DAYS)
}

fn read_issue_limit(fields: &mut Fields, limit: i64) -> Option<Option<i64>> {
    let limit = fields.count("coupon.issue_limit", limit, 0..=LARGEST_ISSUE_LIMIT)?;
    Some((limit > 0).then_some(limit))
}

fn read_percent(fields: &mut Fields, percent: &PercentBenefit) -> Option<Benefit> {
    let rate = if (LEAST_RATE..=HIGHEST_RATE).contains(&percent.rate_bps) {
        fields.rate("coupon.percent.rate_bps", percent.rate_bps)
    } else {
        fields.wrong("coupon.percent.rate_bps", format_args!("must be {LEAST_RATE} to {HIGHEST_RATE}"));
        None
    };
    let cap = read_optional_amount(fields, "coupon.percent.cap", percent.cap.as_ref());
    Some(Benefit::Percent { rate: rate?, cap: cap? })
}

fn read_optional_amount(fields: &mut Fields, field: &str, money: Option<&common::Money>) -> Option<Option<Money>> {
    if money.is_none() { Some(None) } else { read_amount(fields, field, money).map(Some) }
}

fn read_amount(fields: &mut Fields, field: &str, money: Option<&common::Money>) -> Option<Money> {
    let amount = fields.positive_amount(field, money)?;
    fields.count(&format!("{field}.minor_units"), amount.minor(), 1..=LARGEST_PRICE)?;
    Some(amount)
}
