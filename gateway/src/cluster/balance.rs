//! Which endpoint gets the next call.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::Rng;
use rand::seq::IteratorRandom;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::endpoint_set::EndpointSet;

/// What there is for a call.
pub(crate) enum Choice {
    /// This endpoint.
    Endpoint(Arc<Endpoint>),
    /// None yet, but one may be there soon; `full` says whether there are some that have as many calls as they take.
    Wait { full: bool },
    /// All have as many calls as they take.
    Full,
    /// None.
    Nothing,
}

/// Chooses the less loaded of two endpoints drawn at random from those that can be used. `refused_by` is one that did not take the call
/// just now; it is chosen only if there is no other.
pub(crate) fn choose(set: &EndpointSet, refused_by: Option<&Arc<Endpoint>>) -> Choice {
    let all = set.all();
    let now = Instant::now();
    let (mut promising, mut well, mut connected) = (set.is_being_resolved(), 0, 0);
    for outlook in all.iter().map(|endpoint| endpoint.outlook(now)) {
        promising |= outlook.promising;
        connected += usize::from(outlook.connected);
        well += usize::from(outlook.connected && outlook.well);
    }

    let panicking = connected > 0 && well * 100 < all.len() * usize::from(set.config.panic_percent);
    if set.panicking.swap(panicking, Ordering::Relaxed) != panicking {
        tracing::warn!(
            panicking,
            usable = well,
            endpoints = all.len(),
            "too few endpoints are usable, or enough again"
        );
    }
    let usable = |endpoint: &&Arc<Endpoint>| {
        let outlook = endpoint.outlook(now);
        outlook.connected && (outlook.well || panicking)
    };
    let with_room = || all.iter().filter(usable).filter(|endpoint| endpoint.has_room());
    let others = with_room().filter(|endpoint| refused_by.is_none_or(|refused| !Arc::ptr_eq(refused, endpoint)));
    match less_loaded_of_two(others, &mut rand::rng()).or_else(|| with_room().next()) {
        Some(endpoint) => Choice::Endpoint(Arc::clone(endpoint)),
        None => without_room(set, all.iter().filter(usable), promising),
    }
}

/// What there is when all usable endpoints are full; those that may have one more connection are asked for it.
fn without_room<'e>(set: &EndpointSet, full: impl Iterator<Item = &'e Arc<Endpoint>>, promising: bool) -> Choice {
    let (mut some_are_full, mut some_widen) = (false, false);
    for endpoint in full {
        some_are_full = true;
        if endpoint.may_widen(set.config.max_connections) {
            some_widen = true;
            endpoint.crowded.notify_one();
        }
    }
    match (some_widen || promising, some_are_full) {
        (true, full) => Choice::Wait { full },
        (false, true) => Choice::Full,
        (false, false) => Choice::Nothing,
    }
}

/// Two drawn at random are nearly as good as looking at all, and do not send everybody to the same one at once.
fn less_loaded_of_two<'e>(
    usable: impl Iterator<Item = &'e Arc<Endpoint>>,
    random: &mut impl Rng,
) -> Option<&'e Arc<Endpoint>> {
    let drawn = usable.choose_multiple(random, 2);
    // Of two with the same load neither is preferred, whatever their order.
    drawn.into_iter().min_by_key(|endpoint| (endpoint.in_flight.load(Ordering::Relaxed), random.random::<u32>()))
}
