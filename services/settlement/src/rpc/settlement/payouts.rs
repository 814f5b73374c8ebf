//! Payouts, as they are shown.

use bojagi_api::settlement::{GetPayoutRequest, GetPayoutResponse, ListPayoutsRequest, ListPayoutsResponse};
use bojagi_chassis::{Caller, Fields};
use bojagi_kernel::Failure;
use bojagi_store::{Error, Tx};

use crate::domain::{PayoutId, SettlementRefusal};
use crate::rpc::{Desk, cursor, filter, may_see, place, show, whose};
use crate::store::{self, PayoutFilter};

pub(super) async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &ListPayoutsRequest,
) -> Result<ListPayoutsResponse, Failure> {
    let caller = caller.account()?;
    let mut fields = Fields::new(crate::NAME);
    let asked_for = fields.optional_id("seller_id", &request.seller_id);
    let state = filter(&mut fields, "state", request.state, show::read_payout_state);
    let created = fields.time_range("created", request.created.as_ref());
    let query = format!(
        "ListPayouts for {} of {:?} in {} stored {:?}",
        caller.account_id, request.seller_id, request.state, request.created,
    );
    let page = fields.page(&desk.context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(asked_for), Some(state), Some((from, until)), Some(page)) = (asked_for, state, created, page) else {
        return Err(fields.refuse());
    };

    let wanted = PayoutFilter { seller_id: whose(caller, asked_for)?, state, from, until, after: page.after };
    let limit = page.limit();
    let mut listed = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::list_payouts(tx, &wanted, limit).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let next_page_token = page.cut(&mut listed, |last| cursor(last.created_at, last.id));
    Ok(ListPayoutsResponse { payouts: listed.iter().map(show::payout).collect(), next_page_token })
}

pub(super) async fn get(
    desk: &Desk,
    caller: &Caller,
    request: &GetPayoutRequest,
) -> Result<GetPayoutResponse, Failure> {
    let caller = caller.account()?;
    let payout_id = Fields::only_id::<PayoutId>(crate::NAME, "payout_id", &request.payout_id)?;
    let found = desk
        .context
        .store
        .read(async move |tx: &mut Tx| store::find_payout(tx, payout_id).await)
        .await
        .map_err(|error: Error| Failure::from(error))?;
    let payout = found
        .filter(|payout| may_see(caller, payout.seller_id))
        .ok_or(SettlementRefusal::PayoutNotFound { payout_id })?;
    Ok(GetPayoutResponse { payout: Some(show::payout(&payout)) })
}
