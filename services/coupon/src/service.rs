//! Composition.

use bojagi_api::coupon::coupon_service_server::CouponServiceServer;
use bojagi_api::coupon::operations_service_server::OperationsServiceServer;
use bojagi_chassis::operations::Operations;
use bojagi_chassis::{Channel, Context, Service};
use bojagi_kernel::Failure;

use crate::rpc::CouponApi;
use crate::{Config, NAME, events, issue_coupon, jobs};

/// Composes the context. The channel stays unused, because coupon asks nobody.
///
/// # Errors
/// None at present.
pub async fn build(context: Context, _channel: Channel, config: Config) -> Result<Service, Failure> {
    let issue = issue_coupon::issue(&context.store, &context.clock);
    Ok(Service::new(NAME, &context)
        .answers(CouponServiceServer::new(CouponApi { context: context.clone(), issue }))
        .answers(OperationsServiceServer::new(Operations::of(NAME, &context)))
        .hears(events::hears(&context.clock), events::TOPICS)
        .does(jobs::expire_coupons(context, config)))
}
