//! One address of one server, and all that is known about it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ejection::Record;
use super::lane::{Lane, Place};
use super::status::{EndpointConnection, EndpointHealth, EndpointStatus};
use super::target::Target;

/// An endpoint. What changes with every call is counted apart from what changes rarely.
pub(crate) struct Endpoint {
    pub(crate) target: Arc<Target>,
    pub(crate) address: SocketAddr,
    /// The address as the access log shows it.
    pub(crate) label: Arc<str>,
    pub(crate) in_flight: AtomicUsize,
    calls: AtomicU64,
    failures: AtomicU64,
    state: Mutex<State>,
    /// Somebody found the last connection to be of no use any more.
    pub(crate) lost: Notify,
    /// Somebody found every connection to be full.
    pub(crate) crowded: Notify,
    /// Ends its tasks, when the address is none of the server's any more.
    pub(crate) gone: CancellationToken,
}

struct State {
    link: Link,
    health: EndpointHealth,
    record: Record,
    connection_error: Option<String>,
}

enum Link {
    Connecting,
    /// At least one.
    Connected(Vec<Arc<Lane>>),
    Waiting,
}

impl Link {
    fn lanes(&self) -> &[Arc<Lane>] {
        match self {
            Self::Connected(lanes) => lanes,
            Self::Connecting | Self::Waiting => &[],
        }
    }
}

/// What there is to know about an endpoint when a call looks for one.
pub(crate) struct Outlook {
    pub(crate) connected: bool,
    /// It is worth while to wait for it: it has only just become known, or lost its connection, or not yet said how it is.
    pub(crate) promising: bool,
    /// Nothing speaks against it.
    pub(crate) well: bool,
}

impl Endpoint {
    pub(crate) fn new(
        target: Arc<Target>,
        address: SocketAddr,
        health: EndpointHealth,
        gone: CancellationToken,
    ) -> Self {
        Self {
            target,
            address,
            label: address.to_string().into(),
            in_flight: AtomicUsize::new(0),
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            state: Mutex::new(State {
                link: Link::Connecting,
                health,
                record: Record::default(),
                connection_error: None,
            }),
            lost: Notify::new(),
            crowded: Notify::new(),
            gone,
        }
    }

    pub(crate) fn outlook(&self, now: Instant) -> Outlook {
        let state = self.state.lock();
        let (connected, ejected) = (matches!(state.link, Link::Connected(_)), state.record.is_ejected(now));
        let health_unknown = connected && state.health == EndpointHealth::Unknown;
        Outlook {
            connected,
            promising: !ejected && (health_unknown || matches!(state.link, Link::Connecting)),
            well: !ejected && state.health.allows_calls(),
        }
    }

    /// Whether one of its connections takes one more call.
    pub(crate) fn has_room(&self) -> bool {
        self.state.lock().link.lanes().iter().any(|lane| lane.has_room())
    }

    /// A place on the connection with the fewest calls, of those that have room.
    pub(crate) fn take_place(&self) -> Option<Place> {
        let state = self.state.lock();
        let with_room = state.link.lanes().iter().filter(|lane| lane.has_room());
        with_room.min_by_key(|lane| lane.in_flight()).and_then(Lane::take_place)
    }

    /// Whether there may be one more connection, and all that there are, are full.
    pub(crate) fn may_widen(&self, most: usize) -> bool {
        let state = self.state.lock();
        let lanes = state.link.lanes();
        (1..most).contains(&lanes.len()) && !lanes.iter().any(|lane| lane.has_room())
    }

    /// There is one more connection.
    pub(crate) fn widened(&self, lane: Arc<Lane>) {
        if let Link::Connected(lanes) = &mut self.state.lock().link {
            lanes.push(lane);
        }
    }

    /// Takes a connection out of use that takes no more calls.
    pub(crate) fn retire(&self, lane: &Weak<Lane>) {
        let mut state = self.state.lock();
        let Link::Connected(lanes) = &mut state.link else { return };
        lanes.retain(|known| Arc::as_ptr(known) != lane.as_ptr());
        if lanes.is_empty() {
            state.link = Link::Connecting;
            self.lost.notify_one();
        }
    }

    pub(crate) fn connecting(&self) {
        self.state.lock().link = Link::Connecting;
    }

    pub(crate) fn connected(&self, lane: Arc<Lane>) {
        let mut state = self.state.lock();
        state.link = Link::Connected(vec![lane]);
        state.connection_error = None;
    }

    pub(crate) fn disconnected(&self, error: String) {
        let mut state = self.state.lock();
        state.link = Link::Waiting;
        state.connection_error = Some(error);
    }

    /// Whether this is news.
    pub(crate) fn says(&self, health: EndpointHealth) -> bool {
        let mut state = self.state.lock();
        std::mem::replace(&mut state.health, health) != health
    }

    pub(crate) fn call_begun(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes down how a call ended; the answer is how many calls in a row it has failed now.
    pub(crate) fn call_ended(&self, failed: bool) -> u32 {
        if failed {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.state.lock().record.note(failed)
    }

    pub(crate) fn with_record<T>(&self, use_it: impl FnOnce(&mut Record) -> T) -> T {
        use_it(&mut self.state.lock().record)
    }

    pub(crate) fn status(&self, now: Instant) -> EndpointStatus {
        let state = self.state.lock();
        let connection = match state.link {
            Link::Connecting => EndpointConnection::Connecting,
            Link::Connected(_) => EndpointConnection::Connected,
            Link::Waiting => EndpointConnection::Waiting,
        };
        EndpointStatus {
            authority: self.target.authority().to_string(),
            address: self.label.to_string(),
            connection,
            connections: state.link.lanes().len(),
            connection_error: state.connection_error.clone(),
            health: state.health,
            ejected_for_ms: state
                .record
                .ejected_for(now)
                .map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            ejections: state.record.ejections(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            calls: self.calls.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}
