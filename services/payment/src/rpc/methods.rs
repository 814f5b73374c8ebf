//! `PaymentMethodService`.

use std::sync::Arc;

use bojagi_api::payment as api;
use bojagi_api::payment::payment_method_service_server::PaymentMethodService;
use bojagi_chassis::{Caller, Fields, answer, once};
use bojagi_kernel::Failure;
use bojagi_kernel::id::{PaymentMethodId, RequestId};
use bojagi_store::idempotency::Recalled;
use bojagi_store::{LockKey, Tx};
use tonic::{Request, Response, Status};

use super::show;
use crate::NAME;
use crate::desk::Desk;
use crate::domain::{MethodSummary, MethodType, PaidWith, ProviderToken, looks_like_card_number};
use crate::payment_methods;

/// Characters of an issuer's name at most.
const ISSUER_LENGTH: usize = 50;

/// Answers `PaymentMethodService`.
pub(crate) struct MethodsApi(pub(crate) Arc<Desk>);

#[tonic::async_trait]
impl PaymentMethodService for MethodsApi {
    async fn add_payment_method(
        &self,
        request: Request<api::AddPaymentMethodRequest>,
    ) -> Result<Response<api::AddPaymentMethodResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let account_id = caller.account()?.account_id;
            let (request_id, paid_with) = read_method(request.get_ref())?;
            let key = once::key(&caller, "AddPaymentMethod", request_id, request.get_ref());
            // What was answered before is answered again without the provider.
            if self.0.recall(key.clone()).await? == Recalled::New {
                self.0.check_token(&paid_with.token).await?;
            }
            let (now, locked) = (self.0.now(), [LockKey::of(account_id)]);
            once::write_locking(&self.0.store, locked, key, now, async move |tx: &mut Tx| {
                let method = payment_methods::add(tx, account_id, paid_with, now).await?;
                Ok(api::AddPaymentMethodResponse { payment_method: Some(show::method(&method)) })
            })
            .await
        })
        .await
    }

    async fn list_payment_methods(
        &self,
        request: Request<api::ListPaymentMethodsRequest>,
    ) -> Result<Response<api::ListPaymentMethodsResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            let request = request.get_ref();
            let query = format!("payment methods of {account_id}");
            let mut fields = Fields::new(NAME);
            let place = |(is_default, id): (bool, String)| Some((is_default, id.parse::<PaymentMethodId>().ok()?));
            let page = fields.page(&self.0.pager, query, (request.page_size, &request.page_token), place);
            let Some(page) = page else { return Err(fields.refuse()) };

            let mut methods = self.0.methods(account_id, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut methods, |last| (last.is_default, last.id.to_string()));
            let payment_methods = methods.iter().map(show::method).collect();
            Ok(api::ListPaymentMethodsResponse { payment_methods, next_page_token })
        })
        .await
    }

    async fn remove_payment_method(
        &self,
        request: Request<api::RemovePaymentMethodRequest>,
    ) -> Result<Response<api::RemovePaymentMethodResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            let method_id = Fields::only_id(NAME, "payment_method_id", &request.get_ref().payment_method_id)?;
            self.0.remove_method(account_id, method_id).await?;
            Ok(api::RemovePaymentMethodResponse {})
        })
        .await
    }

    async fn set_default_payment_method(
        &self,
        request: Request<api::SetDefaultPaymentMethodRequest>,
    ) -> Result<Response<api::SetDefaultPaymentMethodResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            let method_id = Fields::only_id(NAME, "payment_method_id", &request.get_ref().payment_method_id)?;
            let method = self.0.make_default(account_id, method_id).await?;
            Ok(api::SetDefaultPaymentMethodResponse { payment_method: Some(show::method(&method)) })
        })
        .await
    }
}

fn read_method(request: &api::AddPaymentMethodRequest) -> Result<(RequestId, PaidWith), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let token = fields.take("provider_token", ProviderToken::parse(&request.provider_token));
    let issuer = fields.line("issuer", &request.issuer, ISSUER_LENGTH);
    if looks_like_card_number(&request.issuer) {
        fields.wrong("issuer", "must not hold a card number");
    }
    let last_four = Some(&request.last_four).filter(|four| four.len() == 4 && four.bytes().all(|b| b.is_ascii_digit()));
    if last_four.is_none() {
        fields.wrong("last_four", "must be exactly four digits");
    }
    let kind = match api::PaymentMethodType::try_from(request.r#type) {
        Ok(api::PaymentMethodType::CreditCard) => Some(MethodType::CreditCard),
        Ok(api::PaymentMethodType::DebitCard) => Some(MethodType::DebitCard),
        Ok(api::PaymentMethodType::Unspecified) | Err(_) => {
            fields.wrong("type", "must be CREDIT_CARD or DEBIT_CARD");
            None
        }
    };
    let (Some(request_id), Some(token), Some(issuer), Some(last_four), Some(kind)) =
        (request_id, token, issuer, last_four, kind)
    else {
        return Err(fields.refuse());
    };
    fields.finish()?;
    Ok((request_id, PaidWith { token, summary: MethodSummary { kind, issuer, last_four: last_four.clone() } }))
}
