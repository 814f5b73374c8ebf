//! The scenes of the day, in the order in which they are played.

pub(super) mod sign_up;

pub(super) mod opening;
pub(super) mod preparing;

pub(super) mod shopping;

pub(super) mod failing_order;

pub(super) mod cancelled_order;

pub(super) mod delivery;

pub(super) mod settlement;

pub(super) mod books;

mod orders;
