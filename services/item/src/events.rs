//! The facts that item tells, and those that it hears.

pub(crate) mod heard;
pub(crate) mod told;
