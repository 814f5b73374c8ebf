//! Facts told and facts heard.

mod heard;
mod told;

pub(crate) use heard::hears;
pub(crate) use told::{payout_moved, statement_closed, statement_settled};
