//! A call at an endpoint, counted from its beginning to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use tonic::Code;

use super::Shared;
use super::ejection::{call_ended, is_failure};
use super::endpoint::Endpoint;
use super::exchange::Witness;
use super::lane::Place;
use super::refusal::ClusterRefusal;
use crate::answer_status::{of_head, of_trailers};
use crate::dialect::GrpcContentType;

/// One of the calls that may run at a time.
pub(crate) struct Slot {
    shared: Arc<Shared>,
}

impl Slot {
    /// A slot, if there is one left.
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let set = &shared.endpoints;
        if set.in_flight.fetch_add(1, Ordering::Relaxed) < set.config.max_in_flight {
            return Some(Self { shared: Arc::clone(shared) });
        }
        set.in_flight.fetch_sub(1, Ordering::Relaxed);
        set.count_refusal(&ClusterRefusal::Overloaded);
        None
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.endpoints.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call at an endpoint. One that is given up before its end speaks neither for nor against the endpoint, unless its head did already.
pub(crate) struct Attempt {
    endpoint: Arc<Endpoint>,
    slot: Slot,
    _place: Place,
    status: Option<Code>,
    is_counted: bool,
}

impl Attempt {
    pub(crate) fn begin(endpoint: Arc<Endpoint>, slot: Slot, place: Place) -> Self {
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        endpoint.call_begun();
        Self { endpoint, slot, _place: place, status: None, is_counted: false }
    }

    fn ended(&mut self, failed: bool) {
        self.is_counted = true;
        call_ended(&self.slot.shared.endpoints, &self.endpoint, failed);
    }
}

impl Witness for Attempt {
    fn head(&mut self, head: &Parts) {
        let content_type = head.headers.get(CONTENT_TYPE);
        let speaks_grpc = content_type.and_then(GrpcContentType::parse).is_some();
        self.status = of_head(head).or_else(|| (!speaks_grpc).then_some(Code::Unknown));
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) {
        // A status in the trailers is the last word; an answer without any status was cut.
        let status = trailers.and_then(of_trailers).or(self.status);
        self.ended(status.is_none_or(is_failure));
    }

    fn broke_off(&mut self) {
        self.ended(true);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_counted && self.status.is_some_and(is_failure) {
            self.ended(true);
        }
        self.endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
