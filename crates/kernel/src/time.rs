//! Time is injected; days belong to the shop.

use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use std::{fmt, ops};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// A moment, in whole microseconds since 1970-01-01T00:00:00Z: what both databases can store without loss.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The moment `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long ago `earlier` was, or zero when it was not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl ops::Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Moment {
    /// RFC 3339, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// A text that is no moment in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time in RFC 3339")]
pub struct MalformedMoment;

impl FromStr for Moment {
    type Err = MalformedMoment;

    /// Reads RFC 3339; what is finer than a microsecond is dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| MalformedMoment)?;
        Ok(Self(timestamp.as_microsecond()))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Moment;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment(jiff::Timestamp::now().as_microsecond())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn at(now: Moment) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now() + duration);
    }

    /// Puts the clock to `now`.
    pub fn set(&self, now: Moment) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

/// The shop's time zone: it decides when a day begins.
#[derive(Debug, Clone)]
pub struct ShopCalendar(TimeZone);

/// A time zone that the database of time zones does not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown time zone {0:?}")]
pub struct UnknownTimeZone(String);

impl ShopCalendar {
    /// The calendar of an IANA time zone, such as `Asia/Seoul`.
    ///
    /// # Errors
    /// `UnknownTimeZone`.
    pub fn in_zone(name: &str) -> Result<Self, UnknownTimeZone> {
        TimeZone::get(name).map(Self).map_err(|_| UnknownTimeZone(name.to_owned()))
    }

    /// Korea: UTC+9 all year.
    #[must_use]
    pub fn seoul() -> Self {
        Self(TimeZone::fixed(jiff::tz::offset(9)))
    }

    /// The shop's day that `moment` is in.
    #[must_use]
    pub fn day_of(&self, moment: Moment) -> Date {
        let timestamp = jiff::Timestamp::from_microsecond(moment.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        timestamp.to_zoned(self.0.clone()).date()
    }

    /// The moment at which the clock on the wall of the shop shows `hour` o'clock on `day`; where a change of clocks
    /// skips that hour, the moment of the change. `None` when the hour is not 0 to 23 or the day is out of range.
    #[must_use]
    pub fn moment_at(&self, day: Date, hour: i8) -> Option<Moment> {
        let time = Time::new(hour, 0, 0, 0).ok()?;
        let zoned = day.to_datetime(time).to_zoned(self.0.clone()).ok()?;
        Some(Moment(zoned.timestamp().as_microsecond()))
    }

    /// The next moment after `now` at which the shop's clock shows `hour` o'clock.
    #[must_use]
    pub fn next_at(&self, now: Moment, hour: i8) -> Option<Moment> {
        let today = self.day_of(now);
        let at_hour_today = self.moment_at(today, hour)?;
        if at_hour_today > now {
            return Some(at_hour_today);
        }
        self.moment_at(today.tomorrow().ok()?, hour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_in_the_shop() {
        let seoul = ShopCalendar::in_zone("Asia/Seoul").unwrap();
        assert_eq!(seoul.day_of(moment("2026-03-01T14:59:59Z")), jiff::civil::date(2026, 3, 1));
        assert_eq!(seoul.day_of(moment("2026-03-01T15:00:00Z")), jiff::civil::date(2026, 3, 2));
        assert_eq!(ShopCalendar::seoul().day_of(moment("2026-03-01T15:00:00Z")), jiff::civil::date(2026, 3, 2));
    }

    #[test]
    fn the_next_close_is_today_or_tomorrow() {
        let seoul = ShopCalendar::seoul();
        assert_eq!(seoul.next_at(moment("2026-03-01T18:00:00Z"), 4), Some(moment("2026-03-01T19:00:00Z")));
        assert_eq!(seoul.next_at(moment("2026-03-01T19:00:00Z"), 4), Some(moment("2026-03-02T19:00:00Z")));
        assert_eq!(seoul.next_at(moment("2026-03-01T19:00:00Z"), 24), None);
    }

    #[test]
    fn a_manual_clock_stands_still() {
        let clock = ManualClock::at(Moment::from_micros(5));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Moment::from_micros(1_000_005));
        assert_eq!(clock.now().since(Moment::from_micros(5)), Duration::from_secs(1));
        assert_eq!(Moment::from_micros(5).since(clock.now()), Duration::ZERO);
    }
}
