//! The `bojagi` binary.
fn main() {}
