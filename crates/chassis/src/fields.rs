//! Reading a request: every field that is wrong is named, all at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bojagi_api::common;
use bojagi_kernel::id::RequestId;
use bojagi_kernel::{BasisPoints, Failure, Moment, Money, Refusal, Violation, text};

use crate::wire;

/// Collects what is wrong with a request. A reader answers `None` for a wrong field and notes why; read all fields first,
/// then refuse once:
///
/// ```
/// # use bojagi_chassis::Fields;
/// # use bojagi_kernel::id::OptionId;
/// let mut fields = Fields::new("item");
/// let option_id = fields.id::<OptionId>("option_id", "not an id");
/// let quantity = fields.count("quantity", 0, 1..=999);
/// let (Some(_), Some(_)) = (option_id, quantity) else {
///     let failure = fields.refuse();
///     assert_eq!(failure.refusal().unwrap().violations.len(), 2);
///     return;
/// };
/// ```
#[derive(Debug)]
pub struct Fields {
    domain: &'static str,
    violations: Vec<Violation>,
}

impl Fields {
    /// Begins to read a request of the context `domain`.
    #[must_use]
    pub const fn new(domain: &'static str) -> Self {
        Self { domain, violations: Vec::new() }
    }

    /// The id that a request names, where that is all that it says.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn only_id<T: FromStr<Err: Display>>(domain: &'static str, field: &str, text: &str) -> Result<T, Failure> {
        let mut fields = Self::new(domain);
        fields.id(field, text).ok_or_else(|| fields.refuse())
    }

    /// The id of a request and that of the thing that it is about, where these are all that can be wrong with it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn request_about<T: FromStr<Err: Display>>(
        domain: &'static str,
        request_id: &str,
        (field, id): (&str, &str),
    ) -> Result<(RequestId, T), Failure> {
        let mut fields = Self::new(domain);
        let (request_id, id) = (fields.request_id(request_id), fields.id(field, id));
        let (Some(request_id), Some(id)) = (request_id, id) else { return Err(fields.refuse()) };
        Ok((request_id, id))
    }

    /// Notes that a field is wrong.
    pub fn wrong(&mut self, field: impl Into<String>, description: impl Display) {
        self.violations.push(Violation::new(field, description));
    }

    /// The refusal of the request, `INVALID_ARGUMENT`, with every field that is wrong.
    #[must_use]
    pub fn refuse(self) -> Failure {
        Refusal::invalid(self.domain, self.violations).into()
    }

    /// Refuses if any field is wrong.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn finish(self) -> Result<(), Failure> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.refuse()) }
    }

    /// Takes a result whose error is what is wrong with the field.
    pub fn take<T, E: Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.wrong(field, error)).ok()
    }

    /// An id.
    pub fn id<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        self.take(field, text.parse())
    }

    /// An id that may be left out: `Some(None)` when it is.
    pub fn optional_id<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<Option<T>> {
        if text.is_empty() { Some(None) } else { self.id(field, text).map(Some) }
    }

    /// The `request_id` of a request.
    pub fn request_id(&mut self, text: &str) -> Option<RequestId> {
        self.id("request_id", text)
    }

    /// A single line that is not blank, trimmed, of at most `limit` characters.
    pub fn line(&mut self, field: &str, text: &str, limit: usize) -> Option<String> {
        self.take(field, text::line(text, limit))
    }

    /// A text of any number of lines, possibly empty, of at most `limit` characters.
    pub fn prose(&mut self, field: &str, text: &str, limit: usize) -> Option<String> {
        self.take(field, text::prose(text, limit))
    }

    /// A number within a range.
    pub fn count(&mut self, field: &str, count: i64, allowed: RangeInclusive<i64>) -> Option<i64> {
        if allowed.contains(&count) {
            return Some(count);
        }
        self.wrong(field, format_args!("must be {} to {}", allowed.start(), allowed.end()));
        None
    }

    /// A rate in basis points.
    pub fn rate(&mut self, field: &str, points: i32) -> Option<BasisPoints> {
        self.take(field, BasisPoints::new(points))
    }

    /// An amount that is there, and zero or more.
    pub fn amount(&mut self, field: &str, money: Option<&common::Money>) -> Option<Money> {
        let Some(money) = money else {
            self.wrong(field, "must be given");
            return None;
        };
        let Some(read) = wire::read_money(money) else {
            self.wrong(format!("{field}.currency_code"), "a currency code is three capital letters");
            return None;
        };
        if read.is_negative() {
            self.wrong(format!("{field}.minor_units"), "must not be negative");
            return None;
        }
        Some(read)
    }

    /// An amount that is there, and more than zero.
    pub fn positive_amount(&mut self, field: &str, money: Option<&common::Money>) -> Option<Money> {
        let read = self.amount(field, money)?;
        if read.is_zero() {
            self.wrong(format!("{field}.minor_units"), "must be more than zero");
            return None;
        }
        Some(read)
    }

    /// A moment that is there.
    pub fn moment(&mut self, field: &str, timestamp: Option<&prost_types::Timestamp>) -> Option<Moment> {
        let Some(timestamp) = timestamp else {
            self.wrong(field, "must be given");
            return None;
        };
        let read = wire::moment(timestamp);
        if read.is_none() {
            self.wrong(field, "must be in the years 1 to 9999");
        }
        read
    }

    /// A moment that may be left out: `Some(None)` when it is.
    pub fn optional_moment(
        &mut self,
        field: &str,
        timestamp: Option<&prost_types::Timestamp>,
    ) -> Option<Option<Moment>> {
        if timestamp.is_none() { Some(None) } else { self.moment(field, timestamp).map(Some) }
    }

    /// A range of time, either end of which may be open: its start, and its end, which is outside.
    pub fn time_range(
        &mut self,
        field: &str,
        range: Option<&common::TimeRange>,
    ) -> Option<(Option<Moment>, Option<Moment>)> {
        let Some(range) = range else { return Some((None, None)) };
        let starts_at = self.optional_moment(&format!("{field}.starts_at"), range.starts_at.as_ref());
        let ends_at = self.optional_moment(&format!("{field}.ends_at"), range.ends_at.as_ref());
        let (starts_at, ends_at) = (starts_at?, ends_at?);
        if let (Some(start), Some(end)) = (starts_at, ends_at)
            && start >= end
        {
            self.wrong(field, "must end after it starts");
            return None;
        }
        Some((starts_at, ends_at))
    }

    /// The `page_size` of a list: 0 asks for 20, more than 100 is cut to 100.
    pub fn page_size(&mut self, size: i32) -> Option<i64> {
        match size {
            0 => Some(20),
            1.. => Some(i64::from(size.min(100))),
            _ => {
                self.wrong("page_size", "must not be negative");
                None
            }
        }
    }
}
