//! One of the connections to an endpoint. A server bounds how many calls may run on one, and those beyond would wait for others to end, which
//! streams may not do for hours.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use h2::client::SendRequest;

/// A connection, and how many calls run on it.
pub(crate) struct Lane {
    sender: SendRequest<Bytes>,
    in_flight: AtomicUsize,
}

impl Lane {
    pub(crate) fn new(sender: SendRequest<Bytes>) -> Arc<Self> {
        Arc::new(Self { sender, in_flight: AtomicUsize::new(0) })
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether the endpoint allows one more call on it.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight() < self.sender.current_max_send_streams()
    }

    /// Takes a place for a call, if there is room.
    pub(crate) fn take_place(self: &Arc<Self>) -> Option<Place> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        // Given back when it is dropped.
        let place = Place { lane: Arc::clone(self) };
        (before < self.sender.current_max_send_streams()).then_some(place)
    }

    /// Takes a place on a new connection, before there are calls that might take it.
    pub(crate) fn reserve(self: &Arc<Self>) -> Place {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Place { lane: Arc::clone(self) }
    }
}

/// The place of a call on a connection, or of the watch of its health, until it is dropped.
pub(crate) struct Place {
    lane: Arc<Lane>,
}

impl Place {
    pub(crate) fn sender(&self) -> SendRequest<Bytes> {
        self.lane.sender.clone()
    }

    /// The connection, for those who must not keep it open.
    pub(crate) fn lane(&self) -> Weak<Lane> {
        Arc::downgrade(&self.lane)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lane.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
