#![doc = include_str!("../README.md")]

pub mod logging;
pub mod metrics;
mod trace;

pub use trace::{TRACEPARENT, TraceContext};
