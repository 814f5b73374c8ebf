//! What sells: which days and hours count, how much a sale counts, and who comes first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::iter;
use std::time::Duration;

use bojagi_kernel::id::ItemId;
use bojagi_kernel::{Moment, ShopCalendar};

/// Days that count unless a caller says otherwise, and for the order POPULAR of searches.
pub(crate) const DEFAULT_PERIOD: i64 = 3;
/// Days that count at most: what sold a month ago says little, and each day more is read every night.
pub(crate) const LONGEST_PERIOD: i64 = 30;
/// Items that are shown unless a caller says otherwise.
pub(crate) const DEFAULT_SHOWN: i64 = 5;
/// Items that are shown at most.
pub(crate) const MOST_SHOWN: i64 = 50;
/// Places that are kept of each ranking: twice as many as are shown, because items are deleted before it is computed again.
const KEPT: usize = 100;

/// What one piece counts in the first hour after it was sold, for what trends.
const WHOLE: i64 = 1_000_000;
/// Hours that count for what trends. After them a piece counts less than a thousandth.
const TRENDING_HOURS: usize = 72;
const HOUR: Duration = Duration::from_secs(3600);
/// How much of what was sold is read at once: a statement has only so long, and an hour in which everybody buys could take longer.
const SLICE: Duration = Duration::from_secs(300);

/// A figure for each item: pieces, or what they count.
pub(crate) type Figures = HashMap<ItemId, i64>;

/// The rankings that are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RankingKind {
    /// What sold best over some days; once a day.
    Popular,
    /// What sells well now; once an hour.
    Trending,
}

impl RankingKind {
    /// What it is called where locks and measurements are named.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Popular => "popular",
            Self::Trending => "trending",
        }
    }
}

/// A span of time that contains its start and not its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Moment,
    pub(crate) until: Moment,
}

impl Span {
    /// The span from its start to a moment in it, which it contains.
    pub(crate) fn up_to(self, last: Moment) -> Self {
        Self { until: last + Duration::from_micros(1), ..self }
    }

    /// The end of the span, as much as is read at once, and what is before it, if anything is.
    pub(crate) fn last_slice(self) -> (Self, Option<Self>) {
        let from = (self.until - SLICE).max(self.from);
        let before = Self { until: from, ..self };
        (Self { from, ..self }, (self.from < from).then_some(before))
    }
}

/// A day of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    /// Such as "2026-03-01".
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// So many whole days before the one that `due` is in, the latest first.
pub(crate) fn last_days(calendar: &ShopCalendar, due: Moment, days: i64) -> impl Iterator<Item = Day> {
    let yesterday = calendar.day_of(due).yesterday().ok();
    let backwards = iter::successors(yesterday, |day| day.yesterday().ok());
    let with_span = move |day| {
        let span = Span { from: calendar.moment_at(day, 0)?, until: calendar.moment_at(day.tomorrow().ok()?, 0)? };
        Some(Day { name: day.to_string(), span })
    };
    backwards.map_while(with_span).take(usize::try_from(days).unwrap_or_default())
}

/// The full hour that `now` is in or at.
pub(crate) fn hour_of(now: Moment) -> Moment {
    const MICROS: i64 = 3_600_000_000;
    Moment::from_micros(now.micros().div_euclid(MICROS).saturating_mul(MICROS))
}

/// The hours before a full `hour` that count for what trends, the latest first, each with what a piece sold in it counts: a
/// tenth less with each hour.
pub(crate) fn last_hours(hour: Moment) -> impl Iterator<Item = (Span, i64)> {
    let hours = iter::successors(Some(hour), |until| Some(*until - HOUR));
    let weights = iter::successors(Some(WHOLE), |weight| Some(*weight * 9 / 10));
    hours.map(|until| Span { from: until - HOUR, until }).zip(weights).take(TRENDING_HOURS)
}

/// Adds sales to figures, each piece as much as it counts.
pub(crate) fn add_up(figures: &mut Figures, sales: impl IntoIterator<Item = (ItemId, i64)>, weight: i64) {
    for (item_id, quantity) in sales {
        let figure = figures.entry(item_id).or_default();
        *figure = figure.saturating_add(quantity.saturating_mul(weight));
    }
}

/// The places that are kept: the highest figure first, those with the same one by id.
pub(crate) fn places(figures: &Figures) -> Vec<(ItemId, i64)> {
    let mut ranked: Vec<_> = figures.iter().map(|(item_id, figure)| (*item_id, *figure)).collect();
    ranked.sort_unstable_by_key(|(item_id, figure)| (Reverse(*figure), *item_id));
    ranked.truncate(KEPT);
    ranked
}

/// What makes the figures of `after` out of those of `before`, by id: an item without a figure has 0.
pub(crate) fn changes(before: &Figures, after: &Figures) -> Vec<(ItemId, i64)> {
    let gone = before.keys().filter(|item_id| !after.contains_key(*item_id)).map(|item_id| (*item_id, 0));
    let other = after.iter().filter(|(item_id, figure)| before.get(*item_id) != Some(*figure));
    let mut changes: Vec<_> = gone.chain(other.map(|(item_id, figure)| (*item_id, *figure))).collect();
    changes.sort_unstable_by_key(|(item_id, _)| *item_id);
    changes
}

#[cfg(test)]
mod tests;
