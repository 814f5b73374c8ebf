//! Composition: what order answers, hears, and does by itself.

use bojagi_api::order::cart_service_server::CartServiceServer;
use bojagi_api::order::delivery_service_server::DeliveryServiceServer;
use bojagi_api::order::my_page_service_server::MyPageServiceServer;
use bojagi_api::order::order_service_server::OrderServiceServer;
use bojagi_api::order::refund_service_server::RefundServiceServer;
use bojagi_api::order::saga_service_server::SagaServiceServer;
use bojagi_chassis::{Channel, Context, Service};
use bojagi_kernel::Failure;

use crate::config::Config;
use crate::orders::Orders;
use crate::{NAME, counted, events, rpc};

/// Builds the context over its store. It calls item, coupon, payment and user by `channel`. Orders that a former process left on
/// their way are taken over as soon as the tasks run.
///
/// # Errors
/// What the store says.
pub async fn build(context: Context, channel: Channel, config: Config) -> Result<Service, Failure> {
    let service = Service::new(NAME, &context);
    let orders = Orders::new(context, channel, config);
    orders.take_over_former_leases().await?;
    Ok(service
        .answers(OrderServiceServer::new(rpc::OrderRpc::new(&orders)))
        .answers(CartServiceServer::new(rpc::CartRpc::new(&orders)))
        .answers(DeliveryServiceServer::new(rpc::DeliveryRpc::new(&orders)))
        .answers(MyPageServiceServer::new(rpc::MyPageRpc::new(&orders)))
        .answers(RefundServiceServer::new(rpc::RefundRpc::new(&orders)))
        .answers(SagaServiceServer::new(rpc::SagaRpc::new(&orders)))
        .hears(events::stock(&orders), &["bojagi.item.v1"])
        .hears(events::coupons(&orders), &["bojagi.coupon.v1"])
        .hears(events::payments(&orders), &["bojagi.payment.v1"])
        .hears(events::refunds_of_pieces(&orders), &["bojagi.payment.v1"])
        .hears(events::accounts(&orders), &["bojagi.user.v1"])
        .hears(events::carts(&orders), &["bojagi.user.v1"])
        .does(counted::count_sagas(orders.clone()))
        .does(orders.clone().take_up_what_was_let_go())
        .does(orders.sweep_until_stopped()))
}
