//! The scenes of the day; `tour::run` plays them.

pub(super) mod books;
pub(super) mod cancelled_order;
pub(super) mod delivery;
pub(super) mod failing_order;
pub(super) mod opening;
mod orders;
pub(super) mod preparing;
pub(super) mod settlement;
pub(super) mod shopping;
pub(super) mod sign_up;
pub(super) mod taking_back;
