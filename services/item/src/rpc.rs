//! The adapters: wire to domain and back, and no rules.

mod catalog_service;
mod favours;
mod mask;
mod option_service;
mod ranking_service;
mod read;
pub(crate) mod show;
mod stock_service;
mod store_service;
mod wishlist_service;

pub(crate) use catalog_service::Catalog;
pub(crate) use option_service::Options;
pub(crate) use ranking_service::Rankings;
pub(crate) use stock_service::StockRoom;
pub(crate) use store_service::Stores;
pub(crate) use wishlist_service::Wishlists;

use bojagi_chassis::Context;
use bojagi_kernel::Failure;
use bojagi_store::Tx;

/// Runs statements that only read.
async fn reading<T: Send + 'static>(
    context: &Context,
    unit: impl AsyncFnOnce(&mut Tx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    context.store.read(unit).await
}

/// Searches and lists what is on offer, which may be a moment old.
async fn browsing<T: Send + 'static>(
    context: &Context,
    unit: impl AsyncFnOnce(&mut Tx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    context.store.show(unit).await
}
