#![doc = include_str!("../README.md")]

pub mod logging;
mod trace;

pub use trace::{TRACEPARENT, TraceContext};
