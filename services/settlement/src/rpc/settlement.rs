//! `SettlementService`.

use bojagi_api::settlement::settlement_service_server::SettlementService;
use bojagi_api::settlement::{
    CloseStatementsRequest, CloseStatementsResponse, GetPayoutRequest, GetPayoutResponse, GetSellerBalanceRequest,
    GetSellerBalanceResponse, GetStatementRequest, GetStatementResponse, IngestBankEventRequest,
    IngestBankEventResponse, ListCommissionRatesRequest, ListCommissionRatesResponse, ListPayoutsRequest,
    ListPayoutsResponse, ListStatementsRequest, ListStatementsResponse, RegisterPayoutAccountRequest,
    RegisterPayoutAccountResponse, RequestSettlementRequest, RequestSettlementResponse, SetCommissionRateRequest,
    SetCommissionRateResponse,
};
use bojagi_chassis::{Caller, answer};
use tonic::{Request, Response, Status};

use super::Desk;

mod admin;
mod bank;
mod payouts;
mod statements;

/// Answers the calls of `SettlementService`.
#[derive(Clone)]
pub(crate) struct SettlementRpc(pub(crate) Desk);

/// Each method hands the request to the function that reads it, with the account that calls where one is needed.
macro_rules! methods {
    ($($method:ident($request:ident) -> $response:ident: $by:path;)+) => {
        #[tonic::async_trait]
        impl SettlementService for SettlementRpc {
            $(async fn $method(&self, request: Request<$request>) -> Result<Response<$response>, Status> {
                answer::to(crate::NAME, async {
                    let caller = Caller::of(&request);
                    $by(&self.0, &caller, request.get_ref()).await
                })
                .await
            })+
        }
    };
}

methods! {
    list_statements(ListStatementsRequest) -> ListStatementsResponse: statements::list;
    get_statement(GetStatementRequest) -> GetStatementResponse: statements::get;
    request_settlement(RequestSettlementRequest) -> RequestSettlementResponse: statements::settle;
    get_seller_balance(GetSellerBalanceRequest) -> GetSellerBalanceResponse: statements::balance;
    close_statements(CloseStatementsRequest) -> CloseStatementsResponse: admin::close;
    set_commission_rate(SetCommissionRateRequest) -> SetCommissionRateResponse: admin::set_rate;
    list_commission_rates(ListCommissionRatesRequest) -> ListCommissionRatesResponse: admin::list_rates;
    list_payouts(ListPayoutsRequest) -> ListPayoutsResponse: payouts::list;
    get_payout(GetPayoutRequest) -> GetPayoutResponse: payouts::get;
    register_payout_account(RegisterPayoutAccountRequest) -> RegisterPayoutAccountResponse: bank::register_account;
    ingest_bank_event(IngestBankEventRequest) -> IngestBankEventResponse: bank::ingest_event;
}
