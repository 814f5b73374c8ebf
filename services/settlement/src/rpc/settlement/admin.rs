//! Closing by hand, and commission rates.

use std::sync::Arc;

use bojagi_api::settlement::{
    CloseStatementsRequest, CloseStatementsResponse, ListCommissionRatesRequest, ListCommissionRatesResponse,
    SetCommissionRateRequest, SetCommissionRateResponse,
};
use bojagi_chassis::{Caller, CommonRefusal, Fields, once, wire};
use bojagi_kernel::Failure;
use bojagi_store::idempotency::{self, Recalled};
use bojagi_store::{Error, Tx};

use crate::commission_rates::{self, NewRate};
use crate::rpc::{Desk, cursor, place, show};
use crate::{close_statements, store};

/// The close runs over several units of work, so its answer is looked up before it and kept after it. Whatever happens in
/// between, the statements carry the close's id, and the answer counts those.
pub(super) async fn close(
    desk: &Desk,
    caller: &Caller,
    request: &CloseStatementsRequest,
) -> Result<CloseStatementsResponse, Failure> {
    let admin = caller.account()?.account_id;
    let mut fields = Fields::new(crate::NAME);
    let request_id = fields.request_id(&request.request_id);
    let cut_off = fields.optional_moment("cut_off", request.cut_off.as_ref());
    let (Some(request_id), Some(cut_off)) = (request_id, cut_off) else { return Err(fields.refuse()) };

    let context = &desk.context;
    let now = context.clock.now();
    let key = once::key(caller, "CloseStatements", request_id, request);
    let known = key.clone();
    let recalled = context
        .store
        .read(async move |tx: &mut Tx| idempotency::recall(tx, &known).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let mut run = close_statements::asked_for(admin, &request_id.to_string(), cut_off.unwrap_or(now), now)?;
    if recalled == Recalled::New {
        run = close_statements::begin(context, run).await?;
        if cut_off.is_some_and(|cut_off| cut_off != run.cut_off) {
            // Another request began under this id, and was interrupted before it had an answer.
            return Err(CommonRefusal::IdempotencyKeyReused.into());
        }
        close_statements::close(context, run).await?;
    }
    once::write(&context.store, key, now, async move |tx: &mut Tx| {
        store::end_close(tx, run.id, now).await?;
        let (statement_count, entry_count) = store::closed(tx, run.id).await?;
        Ok(CloseStatementsResponse { cut_off: Some(wire::timestamp(run.cut_off)), statement_count, entry_count })
    })
    .await
}

pub(super) async fn set_rate(
    desk: &Desk,
    caller: &Caller,
    request: &SetCommissionRateRequest,
) -> Result<SetCommissionRateResponse, Failure> {
    let set_by = caller.account()?.account_id;
    let mut fields = Fields::new(crate::NAME);
    let request_id = fields.request_id(&request.request_id);
    let seller_id = fields.optional_id("seller_id", &request.seller_id);
    let rate = fields.rate("rate_bps", request.rate_bps);
    let effective_from = fields.optional_moment("effective_from", request.effective_from.as_ref());
    let (Some(request_id), Some(seller_id), Some(rate), Some(effective_from)) =
        (request_id, seller_id, rate, effective_from)
    else {
        return Err(fields.refuse());
    };

    let clock = Arc::clone(&desk.context.clock);
    let new = NewRate { seller_id, rate, effective_from, set_by };
    let key = once::key(caller, "SetCommissionRate", request_id, request);
    once::write(&desk.context.store, key, clock.now(), async move |tx: &mut Tx| {
        // What is booked before this unit was captured before this moment, however long the unit had to wait for its turn.
        let rate = commission_rates::set(tx, new, clock.now()).await?;
        Ok(SetCommissionRateResponse { commission_rate: Some(show::rate(&rate)) })
    })
    .await
}

pub(super) async fn list_rates(
    desk: &Desk,
    _: &Caller,
    request: &ListCommissionRatesRequest,
) -> Result<ListCommissionRatesResponse, Failure> {
    let mut fields = Fields::new(crate::NAME);
    let seller_id = fields.optional_id("seller_id", &request.seller_id);
    let query = format!("ListCommissionRates of {:?}", request.seller_id);
    let page = fields.page(&desk.context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(seller_id), Some(page)) = (seller_id, page) else { return Err(fields.refuse()) };

    let (after, limit) = (page.after, page.limit());
    let mut listed = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::list_rates(tx, seller_id, after, limit).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let next_page_token = page.cut(&mut listed, |last| cursor(last.effective_from, last.id));
    Ok(ListCommissionRatesResponse { commission_rates: listed.iter().map(show::rate).collect(), next_page_token })
}
