//! One line in the log for every call, when it is over: also for one that the client gave up.
//!
//! The line never holds headers other than the ids and what the client calls itself, and no query.

use crate::account::CallRecord;
use crate::metrics::code_name;

/// What a client may call itself. A longer name is cut, so that a line stays a line.
const LONGEST_USER_AGENT: usize = 120;

/// Writes the line of a call.
pub(crate) fn write(record: &CallRecord) {
    // Most of the work is in putting the line together.
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let notes = &record.notes;
    let attempts = notes.attempts();
    let user_agent = record.user_agent();
    tracing::info!(
        method = record.uri.path(),
        status = code_name(record.code()),
        reason = notes.reason(),
        dialect = record.dialect.name(),
        bytes_in = notes.bytes_in(),
        bytes_out = record.bytes_out,
        duration_us = u64::try_from(record.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        upstream = attempts.last_endpoint.as_deref(),
        attempts = attempts.count,
        client = record.client.map(tracing::field::display),
        user_agent = user_agent.get(..LONGEST_USER_AGENT).unwrap_or(user_agent),
        trace_id = record.trace_id(),
        request_id = record.request_id(),
        "call ended"
    );
}
