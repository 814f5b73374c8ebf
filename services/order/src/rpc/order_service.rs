//! `OrderService`.

use std::pin::Pin;

use bojagi_api::order as api;
use bojagi_api::order::order_service_server::OrderService;
use bojagi_chassis::wire::{money, timestamp};
use bojagi_chassis::{Caller, Fields, answer, once};
use bojagi_kernel::id::{OrderId, StoreId};
use bojagi_kernel::{Currency, Failure, Moment, Money};
use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{drafts, life_filter, parcel_cursor, parcel_place, place, stage_filter};
use crate::confirm_draft::Confirmation;
use crate::domain::{DeliveryId, Draft, DraftLine, Line, Order, Stage};
use crate::orders::Orders;
use crate::show_orders::{Shown, Wanted};
use crate::store::{Change, OrderFilter, ParcelFilter};
use crate::{NAME, wire};

/// Adapts `OrderService`.
#[derive(Clone)]
pub(crate) struct OrderRpc {
    orders: Orders,
}

impl OrderRpc {
    pub(crate) fn new(orders: &Orders) -> Self {
        Self { orders: orders.clone() }
    }
}

#[tonic::async_trait]
impl OrderService for OrderRpc {
    async fn place_order(
        &self,
        request: Request<api::PlaceOrderRequest>,
    ) -> Result<Response<api::PlaceOrderResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let mut request = request.into_inner();
            let read = place::read(&request, customer_id, "lines")?;
            // How long the caller waits does not make it another request.
            request.wait = api::Wait::Unspecified.into();
            let key = once::key(&caller, "PlaceOrder", read.request_id, &request);
            let order = self.orders.place(read.order, key, read.waits).await?;
            Ok(api::PlaceOrderResponse { order: Some(wire::order(&order)) })
        })
        .await
    }

    async fn create_draft(
        &self,
        request: Request<api::CreateDraftRequest>,
    ) -> Result<Response<api::CreateDraftResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, lines) = drafts::read_new(&request)?;
            let key = once::key(&caller, "CreateDraft", request_id, &request);
            self.orders.create_draft(customer_id, lines, key).await
        })
        .await
    }

    async fn update_draft_line(
        &self,
        request: Request<api::UpdateDraftLineRequest>,
    ) -> Result<Response<api::UpdateDraftLineResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, order_id, edit) = drafts::read_edit(&request)?;
            let key = once::key(&caller, "UpdateDraftLine", request_id, &request);
            self.orders.update_draft_line(customer_id, order_id, edit, key).await
        })
        .await
    }

    async fn remove_draft_line(
        &self,
        request: Request<api::RemoveDraftLineRequest>,
    ) -> Result<Response<api::RemoveDraftLineResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let (request_id, order_id) =
                (fields.request_id(&request.request_id), fields.id("order_id", &request.order_id));
            let line_id = fields.id("order_line_id", &request.order_line_id);
            let (Some(request_id), Some(order_id), Some(line_id)) = (request_id, order_id, line_id) else {
                return Err(fields.refuse());
            };
            let key = once::key(&caller, "RemoveDraftLine", request_id, &request);
            self.orders.remove_draft_line(customer_id, order_id, line_id, key).await
        })
        .await
    }

    async fn confirm_draft(
        &self,
        request: Request<api::ConfirmDraftRequest>,
    ) -> Result<Response<api::ConfirmDraftResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let mut request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let draft_id = fields.id("order_id", &request.order_id);
            let seen_version = fields.count("seen_version", request.seen_version, 1..=i64::MAX);
            let terms = place::read_terms(&mut fields, &drafts::to_place(&request, Vec::new()));
            let (Some(draft_id), Some(seen_version), Some(terms)) = (draft_id, seen_version, terms) else {
                return Err(fields.refuse());
            };
            fields.finish()?;
            // How long the caller waits does not make it another request.
            request.wait = api::Wait::Unspecified.into();
            let key = once::key(&caller, "ConfirmDraft", terms.request_id, &request);
            let wanted = Confirmation { customer_id, draft_id, seen_version };
            let made_of = |draft: &Draft| {
                let line = |line: &DraftLine| place::line(line.option_id, line.quantity, line.unit_price);
                let lines = draft.lines.iter().map(line).collect();
                Ok(place::read(&drafts::to_place(&request, lines), customer_id, "order_id")?.order)
            };
            let order = self.orders.confirm_draft(&wanted, key, terms.waits, made_of).await?;
            Ok(api::ConfirmDraftResponse { order: Some(wire::order(&order)) })
        })
        .await
    }

    async fn get_order(
        &self,
        request: Request<api::GetOrderRequest>,
    ) -> Result<Response<api::GetOrderResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let order_id = Fields::only_id(NAME, "order_id", &request.get_ref().order_id)?;
            let order = self.orders.show(customer_id, order_id).await?;
            Ok(api::GetOrderResponse { order: Some(shown(&order)) })
        })
        .await
    }

    async fn list_orders(
        &self,
        request: Request<api::ListOrdersRequest>,
    ) -> Result<Response<api::ListOrdersResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let request = request.into_inner();
            let pager = &self.orders.context.pager;
            let mut fields = Fields::new(NAME);
            let placed = fields.time_range("placed", request.placed.as_ref());
            let state = stage_filter(&mut fields, "state", request.state);
            let query = format!("ListOrders of {customer_id} placed {placed:?} in {state:?}");
            let wanted = (request.page_size, request.page_token.as_str());
            let page = fields.page(pager, query, wanted, |id: String| id.parse().ok());
            let (Some(placed), Some(state), Some(page)) = (placed, state, page) else { return Err(fields.refuse()) };
            let mut orders =
                self.orders.list(customer_id, wanted_orders(state, placed), page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut orders, |last| last.id().to_string());
            Ok(api::ListOrdersResponse { orders: orders.iter().map(shown).collect(), next_page_token })
        })
        .await
    }

    type WatchOrderStream = Pin<Box<dyn Stream<Item = Result<api::WatchOrderResponse, Status>> + Send>>;

    async fn watch_order(
        &self,
        request: Request<api::WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let order_id = Fields::only_id(NAME, "order_id", &request.get_ref().order_id)?;
            let sights = self.orders.watch(customer_id, order_id).await?;
            let shown = sights.map(|sight| match sight {
                Ok(order) => Ok(api::WatchOrderResponse { order: Some(wire::order(&order)) }),
                Err(failure) => Err(answer::status(NAME, failure)),
            });
            Ok(Box::pin(shown) as Self::WatchOrderStream)
        })
        .await
    }

    async fn cancel_order(
        &self,
        request: Request<api::CancelOrderRequest>,
    ) -> Result<Response<api::CancelOrderResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, order_id) =
                Fields::request_about(NAME, &request.request_id, ("order_id", &request.order_id))?;
            let key = once::key(&caller, "CancelOrder", request_id, &request);
            self.orders.cancel(customer_id, order_id, key).await
        })
        .await
    }

    async fn list_order_history(
        &self,
        request: Request<api::ListOrderHistoryRequest>,
    ) -> Result<Response<api::ListOrderHistoryResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let request = request.into_inner();
            let pager = &self.orders.context.pager;
            let mut fields = Fields::new(NAME);
            let order_id = fields.id::<OrderId>("order_id", &request.order_id);
            let query = format!("ListOrderHistory of {order_id:?} for {customer_id}");
            let page = fields.page(pager, query, (request.page_size, &request.page_token), Some::<i64>);
            let (Some(order_id), Some(page)) = (order_id, page) else { return Err(fields.refuse()) };
            let after = page.after.unwrap_or(0);
            let mut changes = self.orders.history(customer_id, order_id, after, page.limit()).await?;
            let next_page_token = page.cut(&mut changes, |last| last.sequence);
            let entries = changes.into_iter().map(history_entry).collect();
            Ok(api::ListOrderHistoryResponse { entries, next_page_token })
        })
        .await
    }

    async fn list_store_orders(
        &self,
        request: Request<api::ListStoreOrdersRequest>,
    ) -> Result<Response<api::ListStoreOrdersResponse>, Status> {
        answer::to(NAME, async {
            let seller_id = Caller::of(&request).account()?.account_id;
            let request = request.into_inner();
            let pager = &self.orders.context.pager;
            let mut fields = Fields::new(NAME);
            let store = fields.optional_id::<StoreId>("store_id", &request.store_id);
            let placed = fields.time_range("placed", request.placed.as_ref());
            let order_state = life_filter(&mut fields, "state", request.state);
            let query = format!("ListStoreOrders of {seller_id} in {store:?} placed {placed:?} in {order_state:?}");
            let page = fields.page(pager, query, (request.page_size, &request.page_token), parcel_place);
            let (Some(store), Some(placed), Some(order_state), Some(page)) = (store, placed, order_state, page) else {
                return Err(fields.refuse());
            };
            let filter = ParcelFilter {
                seller: Some(seller_id),
                store,
                order_state,
                placed_from: placed.0,
                placed_before: placed.1,
                ..ParcelFilter::default()
            };
            let mut parcels = self.orders.list_parcels(filter, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut parcels, parcel_cursor);
            let store_orders = parcels.iter().filter_map(|(id, order)| store_order(order, *id)).collect();
            Ok(api::ListStoreOrdersResponse { store_orders, next_page_token })
        })
        .await
    }

    async fn get_order_totals(
        &self,
        request: Request<api::GetOrderTotalsRequest>,
    ) -> Result<Response<api::GetOrderTotalsResponse>, Status> {
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let as_of = fields.moment("as_of", request.get_ref().as_of.as_ref());
            let Some(as_of) = as_of else { return Err(fields.refuse()) };
            let mut totals = Vec::new();
            for total in self.orders.money_totals(as_of).await? {
                let currency = Currency::parse(&total.currency).map_err(|error| Failure::Broken(error.into()))?;
                let amount = |minor: i64| Some(money(Money::new(currency, minor)));
                totals.push(api::OrderMoneyTotal { paid: amount(total.paid), given_back: amount(total.given_back) });
            }
            Ok(api::GetOrderTotalsResponse { totals })
        })
        .await
    }
}

fn shown(shown: &Shown) -> api::Order {
    match shown {
        Shown::Draft(draft) => wire::draft(draft),
        Shown::Order(order) => wire::order(order),
    }
}

/// Those in a state that were placed in a range, which a draft was not.
fn wanted_orders(state: Option<Stage>, (placed_from, placed_before): (Option<Moment>, Option<Moment>)) -> Wanted {
    let in_state = |state| Some(OrderFilter { state, placed_from, placed_before });
    let at_any_time = placed_from.is_none() && placed_before.is_none();
    match state {
        None => Wanted { draft: at_any_time, orders: in_state(None) },
        Some(Stage::Draft) => Wanted { draft: at_any_time, orders: None },
        Some(Stage::Placed(life)) => Wanted { draft: false, orders: in_state(Some(life)) },
    }
}

fn history_entry(change: Change) -> api::OrderHistoryEntry {
    api::OrderHistoryEntry {
        sequence: change.sequence,
        state: wire::stage(change.state).into(),
        occurred_at: Some(timestamp(change.occurred_at)),
        cause: change.cause,
        trace_id: change.trace_id,
    }
}

fn store_order(order: &Order, delivery_id: DeliveryId) -> Option<api::StoreOrder> {
    let parcel = order.deliveries.iter().find(|parcel| parcel.id == delivery_id)?;
    let lines: Vec<&Line> = wire::lines_of_store(order, parcel).collect();
    let sum = |of: fn(&Line) -> i64| Some(money(order.money(lines.iter().map(|line| of(line)).sum())));
    Some(api::StoreOrder {
        order_id: order.id.to_string(),
        store_id: parcel.store_id.to_string(),
        state: wire::life(order.life).into(),
        gross: sum(Line::gross),
        net: sum(Line::net),
        lines: lines.iter().map(|line| wire::order_line(order.currency, line)).collect(),
        delivery: Some(wire::delivery_summary(parcel)),
        created_at: Some(timestamp(order.created_at)),
        confirmed_at: order.confirmed_at.map(timestamp),
    })
}
