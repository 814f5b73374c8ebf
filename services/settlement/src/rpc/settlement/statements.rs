//! Statements, settlements, and a seller's balance.

use bojagi_api::settlement::{
    GetSellerBalanceRequest, GetSellerBalanceResponse, GetStatementRequest, GetStatementResponse,
    ListStatementsRequest, ListStatementsResponse, RequestSettlementRequest, RequestSettlementResponse,
};
use bojagi_chassis::{Caller, Fields, once};
use bojagi_kernel::Failure;
use bojagi_store::{Error, Tx};

use crate::domain::{SettlementRefusal, StatementId};
use crate::request_settlement;
use crate::rpc::{Desk, cursor, date, filter, may_see, optional_date, place, show, whose};
use crate::store::{self, StatementFilter};

pub(super) async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &ListStatementsRequest,
) -> Result<ListStatementsResponse, Failure> {
    let caller = caller.account()?;
    let mut fields = Fields::new(crate::NAME);
    let asked_for = fields.optional_id("seller_id", &request.seller_id);
    let state = filter(&mut fields, "state", request.state, show::read_statement_state);
    let first = optional_date(&mut fields, "first_business_date", &request.first_business_date);
    let last = optional_date(&mut fields, "last_business_date", &request.last_business_date);
    let query = format!(
        "ListStatements for {} of {:?} in {} from {:?} to {:?}",
        caller.account_id, request.seller_id, request.state, request.first_business_date, request.last_business_date,
    );
    let page = fields.page(&desk.context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(asked_for), Some(state), Some(first), Some(last), Some(page)) = (asked_for, state, first, last, page)
    else {
        return Err(fields.refuse());
    };

    let wanted = StatementFilter { seller_id: whose(caller, asked_for)?, state, first, last, after: page.after };
    let limit = page.limit();
    let mut listed = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::list_statements(tx, &wanted, limit).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let next_page_token = page.cut(&mut listed, |last| cursor(last.cut_off, last.id));
    Ok(ListStatementsResponse { statements: listed.iter().map(show::statement).collect(), next_page_token })
}

pub(super) async fn get(
    desk: &Desk,
    caller: &Caller,
    request: &GetStatementRequest,
) -> Result<GetStatementResponse, Failure> {
    let caller = caller.account()?.clone();
    let mut fields = Fields::new(crate::NAME);
    let statement_id = fields.id::<StatementId>("statement_id", &request.statement_id);
    let query = format!("GetStatement {} for {}", request.statement_id, caller.account_id);
    let page = fields.page(&desk.context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(statement_id), Some(page)) = (statement_id, page) else { return Err(fields.refuse()) };

    let (after, limit) = (page.after, page.limit());
    let (statement, mut entries) = desk
        .context
        .store
        .read(async move |tx: &mut Tx| {
            let found = store::find_statement(tx, statement_id).await?;
            let statement = found
                .filter(|statement| may_see(&caller, statement.seller_id))
                .ok_or(SettlementRefusal::StatementNotFound { statement_id })?;
            let entries = store::of_statement(tx, statement_id, after, limit).await?;
            Ok::<_, Failure>((statement, entries))
        })
        .await?;
    let next_page_token = page.cut(&mut entries, |last| cursor(last.booked_at, last.id));
    Ok(GetStatementResponse {
        statement: Some(show::statement(&statement)),
        entries: entries.iter().map(show::entry).collect(),
        next_page_token,
    })
}

pub(super) async fn settle(
    desk: &Desk,
    caller: &Caller,
    request: &RequestSettlementRequest,
) -> Result<RequestSettlementResponse, Failure> {
    let seller_id = caller.account()?.account_id;
    let mut fields = Fields::new(crate::NAME);
    let request_id = fields.request_id(&request.request_id);
    let first = date(&mut fields, "first_business_date", &request.first_business_date);
    let last = date(&mut fields, "last_business_date", &request.last_business_date);
    if let (Some(first), Some(last)) = (&first, &last)
        && last < first
    {
        fields.wrong("last_business_date", "must not be before first_business_date");
    }
    let (Some(request_id), Some(first), Some(last)) = (request_id, first, last) else { return Err(fields.refuse()) };
    fields.finish()?;

    let now = desk.context.clock.now();
    let key = once::key(caller, "RequestSettlement", request_id, request);
    let settled = once::write(&desk.context.store, key, now, async move |tx: &mut Tx| {
        let settlements = request_settlement::settle(tx, seller_id, (&first, &last), now).await?;
        Ok(RequestSettlementResponse { settlements: settlements.iter().map(show::settlement).collect() })
    })
    .await?;
    desk.payout_stored.notify_one();
    Ok(settled)
}

pub(super) async fn balance(
    desk: &Desk,
    caller: &Caller,
    _: &GetSellerBalanceRequest,
) -> Result<GetSellerBalanceResponse, Failure> {
    let seller_id = caller.account()?.account_id;
    let balances = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::balances(tx, seller_id).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    Ok(GetSellerBalanceResponse { balances: balances.iter().map(show::balance).collect() })
}
