//! What hearts and follows have in common on the wire.

use std::str::FromStr;

use bojagi_kernel::Moment;

use crate::store::favours::Place;

/// A place as page tokens carry it: microseconds of giving, id.
pub(super) type Cursor = (i64, String);

pub(super) fn cursor<Thing: ToString>((thing, given_at): &(Thing, Moment)) -> Cursor {
    (given_at.micros(), thing.to_string())
}

pub(super) fn place<Thing: FromStr>((given_at, thing): Cursor) -> Option<Place<Thing>> {
    Some((Moment::from_micros(given_at), thing.parse().ok()?))
}
