//! Composition: what item answers, hears and does, over what the process gives it.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::item::catalog_service_server::CatalogServiceServer;
use bojagi_api::item::operations_service_server::OperationsServiceServer;
use bojagi_api::item::option_service_server::OptionServiceServer;
use bojagi_api::item::ranking_service_server::RankingServiceServer;
use bojagi_api::item::stock_service_server::StockServiceServer;
use bojagi_api::item::store_service_server::StoreServiceServer;
use bojagi_api::item::wishlist_service_server::WishlistServiceServer;
use bojagi_chassis::operations::Operations;
use bojagi_chassis::{Channel, Context, Service};
use bojagi_kernel::Failure;

use crate::events::heard;
use crate::give_favours::favours;
use crate::reserve_stock::reservations;
use crate::rpc::{Catalog, Options, Rankings, StockRoom, Stores, Wishlists};
use crate::{Config, NAME, counted, jobs, withdraw_favours};

/// Composes the context. Item asks nobody, so it has no use for a channel to the others.
///
/// # Errors
/// When the settings are not such as [`Config::check`] passes.
pub async fn build(context: Context, _: Channel, config: Config) -> Result<Service, Failure> {
    let mistakes = config.check();
    if !mistakes.is_empty() {
        return Err(Failure::broken(mistakes.join("; ")));
    }
    let pause = Duration::from_secs(config.overdue_check_seconds.into());
    let overdue_after = Duration::from_secs(u64::from(config.overdue_after_hours) * 3600);
    let currencies: Arc<[_]> = config.shop_currencies().into();
    let reservations = reservations(&context.store, &context.clock);
    let (hearts, follows) = (favours(&context.store, &context.clock), favours(&context.store, &context.clock));
    Ok(Service::new(NAME, &context)
        .answers(StoreServiceServer::new(Stores { context: context.clone(), follows }))
        .answers(CatalogServiceServer::new(Catalog { context: context.clone(), currencies, hearts }))
        .answers(StockServiceServer::new(StockRoom { context: context.clone(), reservations }))
        .answers(OptionServiceServer::new(Options { context: context.clone() }))
        .answers(WishlistServiceServer::new(Wishlists { context: context.clone() }))
        .answers(RankingServiceServer::new(Rankings { context: context.clone() }))
        .answers(OperationsServiceServer::new(Operations::of(NAME, &context)))
        .hears(heard::ends(&context.clock), &[heard::ORDERS, heard::ACCOUNTS])
        .hears(heard::customers(&context.clock), &[heard::ACCOUNTS])
        .hears(heard::refunds(&context.clock), &[heard::ORDERS])
        .does(counted::count_holds(context.clone()))
        .does(counted::watch_rankings(context.clone()))
        .does(withdraw_favours::withdraw_favours(context.clone()))
        .does(jobs::rank_popular_items(context.clone(), config.popular_items_hour))
        .does(jobs::rank_trending_items(context.clone()))
        .does(jobs::tell_overdue_holds(context, pause, overdue_after)))
}
