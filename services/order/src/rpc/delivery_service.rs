//! `DeliveryService`.

use bojagi_api::order as api;
use bojagi_api::order::delivery_service_server::DeliveryService;
use bojagi_api::policy::Role;
use bojagi_chassis::{Caller, Fields, answer, once};
use bojagi_kernel::id::{OrderId, StoreId};
use tonic::{Request, Response, Status};

use super::{delivery_filter, parcel_cursor, parcel_place};
use crate::orders::Orders;
use crate::store::ParcelFilter;
use crate::{NAME, wire};

/// Adapts `DeliveryService`.
#[derive(Clone)]
pub(crate) struct DeliveryRpc {
    orders: Orders,
}

impl DeliveryRpc {
    pub(crate) fn new(orders: &Orders) -> Self {
        Self { orders: orders.clone() }
    }
}

#[tonic::async_trait]
impl DeliveryService for DeliveryRpc {
    async fn get_delivery(
        &self,
        request: Request<api::GetDeliveryRequest>,
    ) -> Result<Response<api::GetDeliveryResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            let delivery_id = Fields::only_id(NAME, "delivery_id", &request.get_ref().delivery_id)?;
            let delivery = self.orders.show_delivery(account_id, delivery_id).await?;
            Ok(api::GetDeliveryResponse { delivery: Some(delivery) })
        })
        .await
    }

    async fn list_deliveries(
        &self,
        request: Request<api::ListDeliveriesRequest>,
    ) -> Result<Response<api::ListDeliveriesResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let account = caller.account()?;
            let request = request.into_inner();
            let pager = &self.orders.context.pager;
            let mut fields = Fields::new(NAME);
            let order = fields.optional_id::<OrderId>("order_id", &request.order_id);
            let store = fields.optional_id::<StoreId>("store_id", &request.store_id);
            let state = delivery_filter(&mut fields, "state", request.state);
            let confirmed = fields.time_range("confirmed", request.confirmed.as_ref());
            let as_role = |role: Role| account.has(role).then_some(account.account_id);
            let (customer, seller) = (as_role(Role::Customer), as_role(Role::Seller));
            let query = format!(
                "ListDeliveries of {customer:?} {seller:?} for {order:?} from {store:?} in {state:?} within {confirmed:?}"
            );
            let page = fields.page(pager, query, (request.page_size, &request.page_token), parcel_place);
            let (Some(order), Some(store), Some(state)) = (order, store, state) else { return Err(fields.refuse()) };
            let (Some(confirmed), Some(page)) = (confirmed, page) else { return Err(fields.refuse()) };
            let filter = ParcelFilter {
                customer,
                seller,
                order,
                store,
                state,
                confirmed_from: confirmed.0,
                confirmed_before: confirmed.1,
                ..ParcelFilter::default()
            };
            let mut parcels = self.orders.list_parcels(filter, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut parcels, parcel_cursor);
            let shown = parcels.iter().filter_map(|(id, order)| {
                let parcel = order.deliveries.iter().find(|parcel| parcel.id == *id)?;
                Some(wire::delivery(order, parcel))
            });
            Ok(api::ListDeliveriesResponse { deliveries: shown.collect(), next_page_token })
        })
        .await
    }

    async fn begin_delivery(
        &self,
        request: Request<api::BeginDeliveryRequest>,
    ) -> Result<Response<api::BeginDeliveryResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let seller_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, delivery_id) =
                Fields::request_about(NAME, &request.request_id, ("delivery_id", &request.delivery_id))?;
            let key = once::key(&caller, "BeginDelivery", request_id, &request);
            let delivery = self.orders.begin_delivery(seller_id, delivery_id, key).await?;
            Ok(api::BeginDeliveryResponse { delivery: Some(delivery) })
        })
        .await
    }

    async fn complete_delivery(
        &self,
        request: Request<api::CompleteDeliveryRequest>,
    ) -> Result<Response<api::CompleteDeliveryResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let seller_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, delivery_id) =
                Fields::request_about(NAME, &request.request_id, ("delivery_id", &request.delivery_id))?;
            let key = once::key(&caller, "CompleteDelivery", request_id, &request);
            let delivery = self.orders.complete_delivery(seller_id, delivery_id, key).await?;
            Ok(api::CompleteDeliveryResponse { delivery: Some(delivery) })
        })
        .await
    }
}
