//! `WalletService`.

use std::sync::Arc;

use bojagi_api::payment as api;
use bojagi_api::payment::wallet_service_server::WalletService;
use bojagi_chassis::{Caller, Fields, answer, once};
use tonic::{Request, Response, Status};

use super::{allocations, show};
use crate::NAME;
use crate::charge_points::ChargePoints;
use crate::desk::Desk;
use crate::domain::{WalletEntryId, WalletEntryKind};

/// Answers `WalletService`.
pub(crate) struct WalletApi(pub(crate) Arc<Desk>);

#[tonic::async_trait]
impl WalletService for WalletApi {
    async fn charge_points(
        &self,
        request: Request<api::ChargePointsRequest>,
    ) -> Result<Response<api::ChargePointsResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let account_id = caller.account()?.account_id;
            let body = request.get_ref();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&body.request_id);
            let amount = allocations::bounded_amount(&mut fields, "amount", body.amount.as_ref());
            if amount.is_some_and(|amount| amount.is_zero()) {
                fields.wrong("amount.minor_units", "must be at least 1");
            }
            let payment_method_id = fields.id("payment_method_id", &body.payment_method_id);
            let (Some(request_id), Some(amount), Some(payment_method_id)) = (request_id, amount, payment_method_id)
            else {
                return Err(fields.refuse());
            };
            fields.finish()?;
            let fingerprint = once::key(&caller, "ChargePoints", request_id, body).fingerprint;
            let ask = ChargePoints { account_id, request_id, fingerprint, amount, payment_method_id };
            let (charge, balance) = self.0.charge_points(ask).await?;
            Ok(api::ChargePointsResponse {
                charge: Some(show::charge(&charge)),
                balance: Some(show::balance(balance, self.0.currency)),
            })
        })
        .await
    }

    async fn get_balance(
        &self,
        request: Request<api::GetBalanceRequest>,
    ) -> Result<Response<api::GetBalanceResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            let balance = self.0.balance(account_id).await?;
            Ok(api::GetBalanceResponse { balance: Some(show::balance(balance, self.0.currency)) })
        })
        .await
    }

    async fn get_balance_of_account(
        &self,
        request: Request<api::GetBalanceOfAccountRequest>,
    ) -> Result<Response<api::GetBalanceOfAccountResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Fields::only_id(NAME, "account_id", &request.get_ref().account_id)?;
            let balance = self.0.balance(account_id).await?;
            Ok(api::GetBalanceOfAccountResponse { balance: Some(show::balance(balance, self.0.currency)) })
        })
        .await
    }

    async fn list_entries(
        &self,
        request: Request<api::ListEntriesRequest>,
    ) -> Result<Response<api::ListEntriesResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let kind = read_kind(&mut fields, request.kind);
            let query = format!("points of {account_id} of {kind:?}");
            let place = |id: String| id.parse::<WalletEntryId>().ok();
            let page = fields.page(&self.0.pager, query, (request.page_size, &request.page_token), place);
            let (Some(kind), Some(page)) = (kind, page) else { return Err(fields.refuse()) };

            let mut entries = self.0.entries(account_id, kind, page.after, page.limit()).await?;
            let next_page_token = page.cut(&mut entries, |last| last.id.to_string());
            let entries = entries.iter().map(|entry| show::entry(entry, self.0.currency)).collect();
            Ok(api::ListEntriesResponse { entries, next_page_token })
        })
        .await
    }
}

/// The kind to filter by: `Some(None)` for every kind.
fn read_kind(fields: &mut Fields, kind: i32) -> Option<Option<WalletEntryKind>> {
    match api::WalletEntryKind::try_from(kind) {
        Ok(api::WalletEntryKind::Unspecified) => Some(None),
        Ok(api::WalletEntryKind::Charge) => Some(Some(WalletEntryKind::Charge)),
        Ok(api::WalletEntryKind::Use) => Some(Some(WalletEntryKind::Use)),
        Ok(api::WalletEntryKind::Refund) => Some(Some(WalletEntryKind::Refund)),
        Err(_) => {
            fields.wrong("kind", "is not a kind of entry");
            None
        }
    }
}
