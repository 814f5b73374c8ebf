//! The order context through its public API, over fakes of the contexts that it asks.

mod cancel;
mod crash;
mod deliveries;
mod facts;
mod house;
mod input;
mod lists;
mod operator;
mod peers;
mod place;
mod refusals;
mod unresolved;
