//! The gateway as its clients and its upstreams see it.

#![cfg(test)]

mod access;
mod access_log;
mod bad_requests;
mod building;
mod chunking;
mod cors;
mod deadlines;
mod dialects;
mod headers;
mod misbehaving_upstreams;
mod own_services;
mod socket;
mod support;
