//! The payment context as others see it: through the generated clients, over both ways to reach a provider.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod asking_again;
mod bad_input;
mod crashes;
mod cuts;
mod facts_heard;
mod instances;
mod lifecycle;
mod methods;
mod races;
mod refunds;
mod shop;
mod showing;
mod wallet;
mod webhooks;
