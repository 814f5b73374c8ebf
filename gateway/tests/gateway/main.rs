//! The gateway as its clients and its upstreams see it.

#![cfg(test)]

mod access;
mod access_log;
mod authenticators;
mod bad_requests;
mod building;
mod cancellation;
mod chunking;
mod clusters;
mod connect;
mod cors;
mod deadlines;
mod dialects;
mod headers;
mod limits;
mod metrics;
mod misbehaving_upstreams;
mod openapi;
mod own_services;
mod refused_streams;
mod retries;
mod socket;
mod standalone;
mod support;
mod upstream_on_the_wire;
