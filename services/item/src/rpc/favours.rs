//! What hearts and follows have in common on the wire.

use std::fmt::Display;
use std::str::FromStr;

use bojagi_chassis::Fields;
use bojagi_kernel::id::RequestId;
use bojagi_kernel::{Failure, Moment};

use crate::NAME;
use crate::store::favours::Place;

/// Reads the id of a request, and that of the thing that it is about.
pub(super) fn about<Thing: FromStr<Err: Display>>(
    request_id: &str,
    (field, thing): (&str, &str),
) -> Result<(RequestId, Thing), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(request_id);
    let thing = fields.id(field, thing);
    let (Some(request_id), Some(thing)) = (request_id, thing) else { return Err(fields.refuse()) };
    Ok((request_id, thing))
}

/// A place as page tokens carry it: microseconds of giving, id.
pub(super) type Cursor = (i64, String);

pub(super) fn cursor<Thing: ToString>((thing, given_at): &(Thing, Moment)) -> Cursor {
    (given_at.micros(), thing.to_string())
}

pub(super) fn place<Thing: FromStr>((given_at, thing): Cursor) -> Option<Place<Thing>> {
    Some((Moment::from_micros(given_at), thing.parse().ok()?))
}
