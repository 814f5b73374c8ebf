//! `CartService`.

use bojagi_api::order as api;
use bojagi_api::order::cart_service_server::CartService;
use bojagi_chassis::{Caller, Fields, answer, once};
use bojagi_kernel::id::OptionId;
use tonic::{Request, Response, Status};

use super::place;
use crate::check_out_cart::CheckOut;
use crate::domain::{CartLine, MAX_LINES, MAX_QUANTITY};
use crate::orders::Orders;
use crate::{NAME, wire};

/// Adapts `CartService`.
#[derive(Clone)]
pub(crate) struct CartRpc {
    orders: Orders,
}

impl CartRpc {
    pub(crate) fn new(orders: &Orders) -> Self {
        Self { orders: orders.clone() }
    }
}

#[tonic::async_trait]
impl CartService for CartRpc {
    async fn get_cart(&self, request: Request<api::GetCartRequest>) -> Result<Response<api::GetCartResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let mut fields = Fields::new(NAME);
            let seen_revision = optional_revision(&mut fields, request.get_ref().seen_revision);
            let Some(seen_revision) = seen_revision else { return Err(fields.refuse()) };
            let shown = self.orders.show_cart(customer_id, seen_revision).await?;
            Ok(api::GetCartResponse {
                cart: Some(wire::cart::cart(&shown.cart)),
                changes: shown.changes.into_iter().map(wire::cart::change).collect(),
                compared: shown.compared,
            })
        })
        .await
    }

    async fn add_cart_line(
        &self,
        request: Request<api::AddCartLineRequest>,
    ) -> Result<Response<api::AddCartLineResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let option_id = fields.id("option_id", &request.option_id);
            let quantity = fields.count("quantity", request.quantity, 1..=MAX_QUANTITY);
            let (Some(request_id), Some(option_id), Some(quantity)) = (request_id, option_id, quantity) else {
                return Err(fields.refuse());
            };
            let key = once::key(&caller, "AddCartLine", request_id, &request);
            self.orders.add_cart_line(customer_id, option_id, quantity, key).await
        })
        .await
    }

    async fn update_cart_line(
        &self,
        request: Request<api::UpdateCartLineRequest>,
    ) -> Result<Response<api::UpdateCartLineResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let option_id = fields.id("option_id", &request.option_id);
            let quantity = fields.count("quantity", request.quantity, 1..=MAX_QUANTITY);
            let seen_revision = optional_revision(&mut fields, request.seen_revision);
            let (Some(request_id), Some(option_id)) = (request_id, option_id) else { return Err(fields.refuse()) };
            let (Some(quantity), Some(seen_revision)) = (quantity, seen_revision) else { return Err(fields.refuse()) };
            let key = once::key(&caller, "UpdateCartLine", request_id, &request);
            self.orders.update_cart_line(customer_id, (option_id, quantity), seen_revision, key).await
        })
        .await
    }

    async fn remove_cart_lines(
        &self,
        request: Request<api::RemoveCartLinesRequest>,
    ) -> Result<Response<api::RemoveCartLinesResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let option_ids = option_ids(&mut fields, &request.option_ids);
            if request.option_ids.is_empty() {
                fields.wrong("option_ids", format_args!("must be 1 to {MAX_LINES}"));
            }
            let (Some(request_id), Some(option_ids)) = (request_id, option_ids) else { return Err(fields.refuse()) };
            fields.finish()?;
            let key = once::key(&caller, "RemoveCartLines", request_id, &request);
            self.orders.remove_cart_lines(customer_id, option_ids, key).await
        })
        .await
    }

    async fn clear_cart(
        &self,
        request: Request<api::ClearCartRequest>,
    ) -> Result<Response<api::ClearCartResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let request_id = Fields::only_id(NAME, "request_id", &request.request_id)?;
            let key = once::key(&caller, "ClearCart", request_id, &request);
            self.orders.clear_cart(customer_id, key).await
        })
        .await
    }

    async fn check_out_cart(
        &self,
        request: Request<api::CheckOutCartRequest>,
    ) -> Result<Response<api::CheckOutCartResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let mut request = request.into_inner();
            let asked = to_place(&request, Vec::new());
            let mut fields = Fields::new(NAME);
            let seen_revision = fields.count("seen_revision", request.seen_revision, 1..=i64::MAX);
            let option_ids = option_ids(&mut fields, &request.option_ids);
            let terms = place::read_terms(&mut fields, &asked);
            let (Some(seen_revision), Some(option_ids), Some(terms)) = (seen_revision, option_ids, terms) else {
                return Err(fields.refuse());
            };
            fields.finish()?;
            // How long the caller waits does not make it another request.
            request.wait = api::Wait::Unspecified.into();
            let key = once::key(&caller, "CheckOutCart", terms.request_id, &request);
            let wanted = CheckOut { customer_id, seen_revision, option_ids };
            let made_of = |lines: &[CartLine]| {
                let line = |line: &CartLine| place::line(line.option_id, line.quantity, line.unit_price);
                let lines = lines.iter().map(line).collect();
                Ok(place::read(&to_place(&request, lines), customer_id, "option_ids")?.order)
            };
            let order = self.orders.check_out(&wanted, key, terms.waits, made_of).await?;
            Ok(api::CheckOutCartResponse { order: Some(wire::order(&order)) })
        })
        .await
    }
}

/// The order that a check-out asks for, with these lines.
fn to_place(request: &api::CheckOutCartRequest, lines: Vec<api::PlaceOrderLine>) -> api::PlaceOrderRequest {
    api::PlaceOrderRequest {
        request_id: request.request_id.clone(),
        lines,
        item_coupons: request.item_coupons.clone(),
        order_issued_coupon_id: request.order_issued_coupon_id.clone(),
        expected_discount: request.expected_discount.clone(),
        quote_hash: request.quote_hash.clone(),
        tender: request.tender.clone(),
        delivery_address: request.delivery_address.clone(),
        wait: request.wait,
    }
}

/// The options of lines, each once.
fn option_ids(fields: &mut Fields, texts: &[String]) -> Option<Vec<OptionId>> {
    if texts.len() > MAX_LINES {
        fields.wrong("option_ids", format_args!("must be at most {MAX_LINES}"));
        return None;
    }
    let mut read: Vec<OptionId> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let field = format!("option_ids[{index}]");
        match fields.id(&field, text) {
            Some(option_id) if read.contains(&option_id) => fields.wrong(field, "is named twice"),
            option_id => read.extend(option_id),
        }
    }
    (read.len() == texts.len()).then_some(read)
}

/// A revision that may be left out, which is 0: `Some(None)`.
fn optional_revision(fields: &mut Fields, revision: i64) -> Option<Option<i64>> {
    fields.count("seen_revision", revision, 0..=i64::MAX).map(|revision| (revision > 0).then_some(revision))
}
