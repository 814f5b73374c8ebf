//! `PaymentService`.

use std::sync::Arc;

use bojagi_api::payment as api;
use bojagi_api::payment::payment_service_server::PaymentService;
use bojagi_chassis::{Caller, Fields, answer};
use bojagi_kernel::id::PaymentId;
use bojagi_kernel::{Failure, Money};
use tonic::{Request, Response, Status};

use super::{allocations, sees_all, show};
use crate::NAME;
use crate::authorize::Authorize;
use crate::capture::Capture;
use crate::desk::Desk;
use crate::domain::{PaymentRefusal, PaymentState, Terms};
use crate::ingest_provider_event::Intake;
use crate::provider::protocol::BODY_LIMIT;
use crate::refund::GiveBack;
use crate::show::PaymentKey;
use crate::store::payments::PaymentFilter;

/// Characters of a refund's reason at most.
const REASON_LENGTH: usize = 64;
/// Characters of a signature header at most.
const SIGNATURE_LENGTH: usize = 1_024;

/// Answers `PaymentService`.
pub(crate) struct PaymentsApi {
    pub(crate) desk: Arc<Desk>,
    pub(crate) intake: Intake,
}

#[tonic::async_trait]
impl PaymentService for PaymentsApi {
    async fn authorize(
        &self,
        request: Request<api::AuthorizeRequest>,
    ) -> Result<Response<api::AuthorizeResponse>, Status> {
        answer::to(NAME, async {
            let ask = read_authorize(self.desk.currency, request.get_ref())?;
            let payment = self.desk.authorize(ask).await?;
            Ok(api::AuthorizeResponse { payment: Some(show::payment(&payment)) })
        })
        .await
    }

    async fn capture(&self, request: Request<api::CaptureRequest>) -> Result<Response<api::CaptureResponse>, Status> {
        answer::to(NAME, async {
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let order_id = fields.id("order_id", &request.order_id);
            let lines = allocations::read(&mut fields, request.allocations);
            let (Some(order_id), Some((allocations, currency, allocated))) = (order_id, lines) else {
                return Err(fields.refuse());
            };
            let payment = self.desk.capture(Capture { order_id, allocations, currency, allocated }).await?;
            Ok(api::CaptureResponse { payment: Some(show::payment(&payment)) })
        })
        .await
    }

    async fn void(&self, request: Request<api::VoidRequest>) -> Result<Response<api::VoidResponse>, Status> {
        answer::to(NAME, async {
            let order_id = Fields::only_id(NAME, "order_id", &request.get_ref().order_id)?;
            let payment = self.desk.void(order_id).await?;
            let shown = payment.customer_id.map(|_| show::payment(&payment));
            Ok(api::VoidResponse { state: show::state(payment.state).into(), payment: shown })
        })
        .await
    }

    async fn refund(&self, request: Request<api::RefundRequest>) -> Result<Response<api::RefundResponse>, Status> {
        answer::to(NAME, async {
            let (refund, payment) = self.desk.refund(read_refund(request.into_inner())?).await?;
            Ok(api::RefundResponse { refund: Some(show::refund(&refund)), payment: Some(show::payment(&payment)) })
        })
        .await
    }

    async fn get_payment(
        &self,
        request: Request<api::GetPaymentRequest>,
    ) -> Result<Response<api::GetPaymentResponse>, Status> {
        answer::to(NAME, async {
            use api::get_payment_request::Key;
            let caller = Caller::of(&request);
            let account = caller.account()?;
            let mut fields = Fields::new(NAME);
            let key = match &request.get_ref().key {
                Some(Key::PaymentId(id)) => fields.id("payment_id", id).map(PaymentKey::Id),
                Some(Key::OrderId(id)) => fields.id("order_id", id).map(PaymentKey::Order),
                None => {
                    fields.wrong("key", "must be given");
                    None
                }
            };
            let Some(key) = key else { return Err(fields.refuse()) };
            let owner = (!sees_all(account)).then_some(account.account_id);
            let (payment, refunds) = self.desk.payment(key, owner).await?;
            let refunds = refunds.iter().map(show::refund).collect();
            Ok(api::GetPaymentResponse { payment: Some(show::payment(&payment)), refunds })
        })
        .await
    }

    async fn list_payments(
        &self,
        request: Request<api::ListPaymentsRequest>,
    ) -> Result<Response<api::ListPaymentsResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let account = caller.account()?;
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let customer_id = fields.optional_id("customer_id", &request.customer_id);
            let state = read_state(&mut fields, request.state);
            let created = fields.time_range("created", request.created.as_ref());
            let query = format!("payments of {customer_id:?} in {state:?} at {created:?} for {}", account.account_id);
            let place = |id: String| id.parse::<PaymentId>().ok();
            let page = fields.page(&self.desk.pager, query, (request.page_size, &request.page_token), place);
            let (Some(customer_id), Some(state), Some(created), Some(page)) = (customer_id, state, created, page)
            else {
                return Err(fields.refuse());
            };

            let customer_id = match customer_id {
                _ if sees_all(account) => customer_id,
                Some(other) if other != account.account_id => return Err(PaymentRefusal::NotYourOwn.into()),
                _ => Some(account.account_id),
            };
            let wanted = PaymentFilter { customer_id, state, created_from: created.0, created_before: created.1 };
            let mut payments = self.desk.payments(wanted, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut payments, |last| last.id.to_string());
            Ok(api::ListPaymentsResponse { payments: payments.iter().map(show::payment).collect(), next_page_token })
        })
        .await
    }

    async fn sync_payment(
        &self,
        request: Request<api::SyncPaymentRequest>,
    ) -> Result<Response<api::SyncPaymentResponse>, Status> {
        answer::to(NAME, async {
            let payment_id = Fields::only_id(NAME, "payment_id", &request.get_ref().payment_id)?;
            let (payment, changed) = self.desk.sync_payment(payment_id).await?;
            Ok(api::SyncPaymentResponse { payment: Some(show::payment(&payment)), changed })
        })
        .await
    }

    async fn ingest_provider_event(
        &self,
        request: Request<api::IngestProviderEventRequest>,
    ) -> Result<Response<api::IngestProviderEventResponse>, Status> {
        answer::to(NAME, async {
            let api::IngestProviderEventRequest { body, signature } = request.get_ref();
            let mut fields = Fields::new(NAME);
            if body.len() > BODY_LIMIT {
                fields.wrong("body", format_args!("must have at most {BODY_LIMIT} bytes"));
            }
            if signature.chars().count() > SIGNATURE_LENGTH {
                fields.wrong("signature", format_args!("must have at most {SIGNATURE_LENGTH} characters"));
            }
            fields.finish()?;
            self.intake.ingest(body, signature).await?;
            Ok(api::IngestProviderEventResponse {})
        })
        .await
    }

    async fn get_captured_totals(
        &self,
        request: Request<api::GetCapturedTotalsRequest>,
    ) -> Result<Response<api::GetCapturedTotalsResponse>, Status> {
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let as_of = fields.moment("as_of", request.get_ref().as_of.as_ref());
            let Some(as_of) = as_of else { return Err(fields.refuse()) };
            let totals = self.desk.captured_totals(as_of).await?;
            Ok(api::GetCapturedTotalsResponse { totals: totals.iter().map(show::total).collect() })
        })
        .await
    }
}

fn read_authorize(shop: bojagi_kernel::Currency, request: &api::AuthorizeRequest) -> Result<Authorize, Failure> {
    let mut fields = Fields::new(NAME);
    let order_id = fields.id("order_id", &request.order_id);
    let customer_id = fields.id("customer_id", &request.customer_id);
    let total = allocations::bounded_amount(&mut fields, "total", request.total.as_ref());
    let points = allocations::bounded_amount(&mut fields, "points", request.points.as_ref());
    let payment_method_id = fields.optional_id("payment_method_id", &request.payment_method_id);
    if let (Some(total), Some(points)) = (total, points) {
        check_legs(&mut fields, total, points, shop);
        if total.minor() > points.minor() && payment_method_id == Some(None) {
            fields.wrong("payment_method_id", "must be given, because the points don't cover the total");
        }
    }
    let read = (order_id, customer_id, total, points, payment_method_id);
    let (Some(order_id), Some(customer_id), Some(total), Some(points), Some(payment_method_id)) = read else {
        return Err(fields.refuse());
    };
    fields.finish()?;
    let points = points.minor();
    Ok(Authorize { terms: Terms { order_id, customer_id, total, points }, payment_method_id })
}

fn check_legs(fields: &mut Fields, total: Money, points: Money, shop: bojagi_kernel::Currency) {
    if points.currency() != total.currency() {
        fields.wrong("points.currency_code", format_args!("must be {}, as the total", total.currency()));
    } else if points.is_positive() && points.currency() != shop {
        fields.wrong("points.currency_code", format_args!("the shop's points are in {shop}"));
    }
    if points.minor() > total.minor() {
        fields.wrong("points.minor_units", "must be at most the total");
    }
}

fn read_refund(request: api::RefundRequest) -> Result<GiveBack, Failure> {
    let mut fields = Fields::new(NAME);
    let order_id = fields.id("order_id", &request.order_id);
    let refund_id = fields.id("refund_id", &request.refund_id);
    let amount = allocations::bounded_amount(&mut fields, "amount", request.amount.as_ref());
    let lines = allocations::read(&mut fields, request.allocations);
    let reason = fields.line("reason", &request.reason, REASON_LENGTH);
    let capitals = |reason: &str| reason.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    if reason.as_deref().is_some_and(|reason| !capitals(reason)) {
        fields.wrong("reason", "must be a word in capital letters");
    }
    if let (Some(amount), Some((_, currency, _))) = (amount, &lines)
        && amount.currency() != *currency
    {
        fields.wrong("allocations", format_args!("all amounts must be in {}", amount.currency()));
    }
    let read = (order_id, refund_id, amount, lines, reason);
    let (Some(order_id), Some(refund_id), Some(amount), Some((allocations, _, allocated)), Some(reason)) = read else {
        return Err(fields.refuse());
    };
    fields.finish()?;
    Ok(GiveBack { order_id, refund_id, amount, allocations, allocated, reason })
}

/// The state to filter by: `Some(None)` for every state.
fn read_state(fields: &mut Fields, state: i32) -> Option<Option<PaymentState>> {
    let Ok(state) = api::PaymentState::try_from(state) else {
        fields.wrong("state", "is not a state");
        return None;
    };
    Some(match state {
        api::PaymentState::Unspecified => None,
        api::PaymentState::Pending => Some(PaymentState::Pending),
        api::PaymentState::Authorized => Some(PaymentState::Authorized),
        api::PaymentState::Captured => Some(PaymentState::Captured),
        api::PaymentState::PartiallyRefunded => Some(PaymentState::PartiallyRefunded),
        api::PaymentState::Refunded => Some(PaymentState::Refunded),
        api::PaymentState::Voided => Some(PaymentState::Voided),
        api::PaymentState::Declined => Some(PaymentState::Declined),
        api::PaymentState::Unresolved => Some(PaymentState::Unresolved),
    })
}
