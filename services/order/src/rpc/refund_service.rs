//! `RefundService`.

use bojagi_api::order as api;
use bojagi_api::order::refund_service_server::RefundService;
use bojagi_api::policy::Role;
use bojagi_chassis::{Account, Caller, Fields, answer, once};
use bojagi_kernel::Failure;
use bojagi_kernel::id::{OrderId, OrderLineId, RequestId, StoreId};
use tonic::{Request, Response, Status};

use crate::domain::{NewRefund, Party, RefundId, RefundState};
use crate::orders::Orders;
use crate::store::RefundFilter;
use crate::{NAME, wire};

/// Lines of a refund at most, as of an order.
const MAX_LINES: usize = 100;
/// Pieces of a line at most, as of an order.
const MAX_QUANTITY: i64 = 999;
/// Characters of a reason at most.
const MAX_REASON: usize = 500;

/// Adapts `RefundService`.
#[derive(Clone)]
pub(crate) struct RefundRpc {
    orders: Orders,
}

impl RefundRpc {
    pub(crate) fn new(orders: &Orders) -> Self {
        Self { orders: orders.clone() }
    }
}

#[tonic::async_trait]
impl RefundService for RefundRpc {
    async fn request_refund(
        &self,
        request: Request<api::RequestRefundRequest>,
    ) -> Result<Response<api::RequestRefundResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, order_id, new) = read_request(&request)?;
            let key = once::key(&caller, "RequestRefund", request_id, &request);
            self.orders.request_refund(customer_id, order_id, new, key).await
        })
        .await
    }

    async fn withdraw_refund(
        &self,
        request: Request<api::WithdrawRefundRequest>,
    ) -> Result<Response<api::WithdrawRefundResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, refund_id) =
                Fields::request_about(NAME, &request.request_id, ("refund_id", &request.refund_id))?;
            let key = once::key(&caller, "WithdrawRefund", request_id, &request);
            let refund = self.orders.withdraw_refund(customer_id, refund_id, key).await?;
            Ok(api::WithdrawRefundResponse { refund: Some(refund) })
        })
        .await
    }

    async fn approve_refund(
        &self,
        request: Request<api::ApproveRefundRequest>,
    ) -> Result<Response<api::ApproveRefundResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let decider = decider(caller.account()?);
            let request = request.into_inner();
            let (request_id, refund_id) =
                Fields::request_about(NAME, &request.request_id, ("refund_id", &request.refund_id))?;
            let key = once::key(&caller, "ApproveRefund", request_id, &request);
            let refund = self.orders.approve_refund(decider, refund_id, request.restock, key).await?;
            Ok(api::ApproveRefundResponse { refund: Some(refund) })
        })
        .await
    }

    async fn reject_refund(
        &self,
        request: Request<api::RejectRefundRequest>,
    ) -> Result<Response<api::RejectRefundResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let decider = decider(caller.account()?);
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let refund_id = fields.id::<RefundId>("refund_id", &request.refund_id);
            let reason = fields.line("reason", &request.reason, MAX_REASON);
            let (Some(request_id), Some(refund_id), Some(reason)) = (request_id, refund_id, reason) else {
                return Err(fields.refuse());
            };
            let key = once::key(&caller, "RejectRefund", request_id, &request);
            let refund = self.orders.reject_refund(decider, refund_id, reason, key).await?;
            Ok(api::RejectRefundResponse { refund: Some(refund) })
        })
        .await
    }

    async fn get_refund(
        &self,
        request: Request<api::GetRefundRequest>,
    ) -> Result<Response<api::GetRefundResponse>, Status> {
        answer::to(NAME, async {
            let parties = parties(Caller::of(&request).account()?);
            let refund_id = Fields::only_id(NAME, "refund_id", &request.get_ref().refund_id)?;
            let (refund, order) = self.orders.show_refund(parties, refund_id).await?;
            Ok(api::GetRefundResponse { refund: Some(wire::refund(&order, &refund)) })
        })
        .await
    }

    async fn list_refunds(
        &self,
        request: Request<api::ListRefundsRequest>,
    ) -> Result<Response<api::ListRefundsResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let account = caller.account()?;
            let request = request.into_inner();
            let pager = &self.orders.context.pager;
            let mut fields = Fields::new(NAME);
            let order = fields.optional_id::<OrderId>("order_id", &request.order_id);
            let store = fields.optional_id::<StoreId>("store_id", &request.store_id);
            let state = refund_filter(&mut fields, "state", request.state);
            let as_role = |role: Role| account.has(role).then_some(account.account_id);
            let (customer, seller) = (as_role(Role::Customer), as_role(Role::Seller));
            let query = format!("ListRefunds of {customer:?} {seller:?} for {order:?} of {store:?} in {state:?}");
            let wanted = (request.page_size, request.page_token.as_str());
            let page = fields.page(pager, query, wanted, |id: String| id.parse().ok());
            let (Some(order), Some(store), Some(state), Some(page)) = (order, store, state, page) else {
                return Err(fields.refuse());
            };
            let filter = RefundFilter { customer, seller, order, store, state };
            let mut refunds = self.orders.list_refunds(filter, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut refunds, |(last, _)| last.id.to_string());
            let refunds = refunds.iter().map(|(refund, order)| wire::refund(order, refund)).collect();
            Ok(api::ListRefundsResponse { refunds, next_page_token })
        })
        .await
    }
}

/// As what an account decides: an admin about any refund, because nobody else is left where a seller's account is closed.
fn decider(account: &Account) -> Party {
    if account.has(Role::Admin) { Party::Admin } else { Party::Seller(account.account_id) }
}

/// As what an account may see refunds.
fn parties(account: &Account) -> Vec<Party> {
    let admin = account.has(Role::Admin).then_some(Party::Admin);
    [Party::Customer(account.account_id), Party::Seller(account.account_id)].into_iter().chain(admin).collect()
}

fn read_request(request: &api::RequestRefundRequest) -> Result<(RequestId, OrderId, NewRefund), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let order_id = fields.id::<OrderId>("order_id", &request.order_id);
    let lines = read_lines(&mut fields, &request.lines);
    let reason = fields.line("reason", &request.reason, MAX_REASON);
    let (Some(request_id), Some(order_id), Some(lines), Some(reason)) = (request_id, order_id, lines, reason) else {
        return Err(fields.refuse());
    };
    Ok((request_id, order_id, NewRefund { id: RefundId::generate(), lines, reason }))
}

/// The lines, each named once.
fn read_lines(fields: &mut Fields, lines: &[api::RequestRefundLine]) -> Option<Vec<(OrderLineId, i64)>> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        fields.wrong("lines", format_args!("must be 1 to {MAX_LINES}"));
        return None;
    }
    let mut read: Vec<(OrderLineId, i64)> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let id_field = format!("lines[{index}].order_line_id");
        let order_line_id = fields.id::<OrderLineId>(&id_field, &line.order_line_id);
        let quantity = fields.count(&format!("lines[{index}].quantity"), line.quantity, 1..=MAX_QUANTITY);
        let (Some(order_line_id), Some(quantity)) = (order_line_id, quantity) else { continue };
        if read.iter().any(|(before, _)| *before == order_line_id) {
            fields.wrong(id_field, "names a line for the second time");
            continue;
        }
        read.push((order_line_id, quantity));
    }
    (read.len() == lines.len()).then_some(read)
}

/// A refund state as a filter: `Some(None)` is every state.
fn refund_filter(fields: &mut Fields, field: &str, state: i32) -> Option<Option<RefundState>> {
    match api::RefundState::try_from(state) {
        Ok(api::RefundState::Unspecified) => Some(None),
        Ok(api::RefundState::Requested) => Some(Some(RefundState::Requested)),
        Ok(api::RefundState::Approved) => Some(Some(RefundState::Approved)),
        Ok(api::RefundState::Rejected) => Some(Some(RefundState::Rejected)),
        Ok(api::RefundState::Withdrawn) => Some(Some(RefundState::Withdrawn)),
        Err(_) => {
            fields.wrong(field, "is no state");
            None
        }
    }
}
