//! The gateway in front of the services, in this process or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::Switchboard;
use bojagi_chassis::tokens::Verifier;
use bojagi_gateway::{Gateway, GatewayBuilder, GatewayConfig, Policies, RunningGateway, WatchedFiles, upstream};
use bojagi_kernel::SystemClock;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::authenticator::TokenAuthenticator;
use crate::mesh::StartError;

/// The gateway in front of the services of this process.
pub(crate) fn gateway(
    config: GatewayConfig,
    verifier: &Arc<Verifier>,
    switchboard: &Switchboard,
) -> Result<GatewayBuilder, StartError> {
    Ok(of_the_shop(config, verifier)?.route("/bojagi.", upstream(switchboard.entrance())))
}

/// All of the gateway but where calls go: all contracts, tokens checked by `verifier`.
pub(crate) fn of_the_shop(config: GatewayConfig, verifier: &Arc<Verifier>) -> Result<GatewayBuilder, StartError> {
    Ok(Gateway::builder(config)
        .policies(Policies::from_descriptor_set(bojagi_api::FILE_DESCRIPTOR_SET)?)
        .authenticator(Arc::new(TokenAuthenticator(Arc::clone(verifier)))))
}

/// Puts a gateway that `make` builds from the same configuration in the place of the running one whenever its certificate has
/// changed, until `stop` is cancelled. Connections that are open go on.
pub(crate) async fn follow_files(
    running: RunningGateway,
    (mut watched, interval): (WatchedFiles, Option<Duration>),
    make: impl Fn() -> Result<GatewayBuilder, StartError>,
    stop: CancellationToken,
) {
    while stop.run_until_cancelled(watched.changed(interval)).await.is_some() {
        watched.look_again();
        let replaced: Result<(), StartError> = make().and_then(|builder| Ok(running.replace(builder)?));
        match replaced {
            Ok(()) => tracing::info!("the gateway's new certificate is in force"),
            Err(error) => {
                tracing::error!(%error, "the gateway's new certificate has mistakes; the one before stays in force");
            }
        }
    }
}

/// The description of what can be called with JSON: an OpenAPI 3.1 document, the one that a running mesh answers at `/openapi.json`.
///
/// # Errors
/// Mistakes in the configuration of the gateway.
pub fn openapi(config: GatewayConfig) -> Result<Bytes, StartError> {
    // Nobody calls this gateway, so it matters to nobody that nothing is behind it.
    let verifier = Arc::new(Verifier::new(Arc::new(SystemClock)));
    Ok(gateway(config, &verifier, &Switchboard::default())?.build()?.openapi())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_shop_is_described_with_a_sentence_for_everything() {
        let document: Value = serde_json::from_slice(&openapi(GatewayConfig::default()).unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let place_order = &paths["/bojagi.order.v1.OrderService/PlaceOrder"]["post"];
        assert!(place_order["description"].as_str().unwrap().contains("all or nothing"));
        for (path, operations) in paths.iter().filter(|(path, _)| path.starts_with("/bojagi.")) {
            assert!(!operations["post"]["description"].as_str().unwrap().is_empty(), "{path}");
        }
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas.iter().filter(|(name, _)| name.starts_with("bojagi.")) {
            assert!(schema["description"].is_string(), "{name}");
            for (field, of_field) in schema["properties"].as_object().into_iter().flatten() {
                assert!(of_field["description"].is_string(), "{name}.{field}");
            }
        }
        let by_get = paths.iter().filter(|(path, of)| path.starts_with("/bojagi.") && of.get("get").is_some());
        let expected = [
            "coupon.v1.CouponService/GetCoupon",
            "coupon.v1.CouponService/ListCoupons",
            "item.v1.CatalogService/BatchGetItems",
            "item.v1.CatalogService/GetItem",
            "item.v1.CatalogService/ListCategories",
            "item.v1.CatalogService/SearchItems",
            "item.v1.RankingService/ListPopularItems",
            "item.v1.RankingService/ListTrendingItems",
            "item.v1.StockService/GetStock",
            "item.v1.StoreService/GetStore",
            "item.v1.StoreService/SearchStores",
            "user.v1.SessionService/GetJwks",
        ];
        assert!(
            by_get.map(|(path, _)| path.as_str()).eq(expected.map(|path| format!("/bojagi.{path}"))),
            "what is public and only looks"
        );
        assert!(!paths.contains_key("/bojagi.order.v1.OrderService/GetOrderTotals"), "internal");
        assert!(!paths.contains_key("/bojagi.order.v1.OrderService/WatchOrder"), "a stream");
    }
}
