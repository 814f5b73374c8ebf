//! Reading coupons, and one's own pieces.

use bojagi_api::coupon::{
    CouponScope, CouponState, GetCouponRequest, GetCouponResponse, IssuedCouponState, ListCouponsRequest,
    ListCouponsResponse, ListMyCouponsRequest, ListMyCouponsResponse,
};
use bojagi_chassis::{Caller, Context, Fields};
use bojagi_kernel::id::{CouponId, IssuedCouponId};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Failure, Moment};

use super::answers;
use crate::store::coupons::CouponFilter;
use crate::{NAME, browse_coupons, domain};

/// Where a page begins: after the row of this moment and id.
type Cursor = (i64, String);

pub(super) async fn get(context: &Context, request: GetCouponRequest) -> Result<GetCouponResponse, Failure> {
    let mut fields = Fields::new(NAME);
    let Some(coupon_id) = fields.id::<CouponId>("coupon_id", &request.coupon_id) else { return Err(fields.refuse()) };
    let found = browse_coupons::coupon(context, coupon_id).await?;
    Ok(GetCouponResponse { coupon: Some(answers::coupon(&found)) })
}

pub(super) async fn list(context: &Context, request: ListCouponsRequest) -> Result<ListCouponsResponse, Failure> {
    let query = format!("ListCoupons {} {} {}", request.scope, request.state, request.only_issuable);
    let mut fields = Fields::new(NAME);
    let scope = fields.take("scope", CouponScope::try_from(request.scope));
    let state = fields.take("state", CouponState::try_from(request.state));
    let size = fields.page_size(request.page_size);
    let after = fields.page_token::<Cursor>(&context.pager, &query, &request.page_token);
    let (Some(scope), Some(state), Some(size), Some(after)) = (scope, state, size, after) else {
        return Err(fields.refuse());
    };
    let filter = CouponFilter {
        scope: match scope {
            CouponScope::Unspecified => None,
            CouponScope::Item => Some(domain::Scope::Item),
            CouponScope::Order => Some(domain::Scope::Order),
        },
        state: match state {
            CouponState::Unspecified => None,
            CouponState::Active => Some(domain::CouponState::Active),
            CouponState::Retired => Some(domain::CouponState::Retired),
        },
        only_issuable: request.only_issuable,
    };
    let (listed, more) =
        browse_coupons::coupons(context, filter, position::<CouponId>(after), page_length(size)).await?;
    let next = listed.last().filter(|_| more).map(|last| (last.created_at.micros(), last.coupon_id.to_string()));
    Ok(ListCouponsResponse {
        coupons: listed.iter().map(answers::coupon).collect(),
        next_page_token: next.map(|cursor| context.pager.token(&query, &cursor)).unwrap_or_default(),
    })
}

pub(super) async fn list_mine(
    context: &Context,
    caller: &Caller,
    request: ListMyCouponsRequest,
) -> Result<ListMyCouponsResponse, Failure> {
    let customer_id = caller.account()?.account_id;
    let query = format!("ListMyCoupons {customer_id} {}", request.state);
    let mut fields = Fields::new(NAME);
    let state = fields.take("state", IssuedCouponState::try_from(request.state));
    let size = fields.page_size(request.page_size);
    let after = fields.page_token::<Cursor>(&context.pager, &query, &request.page_token);
    let (Some(state), Some(size), Some(after)) = (state, size, after) else { return Err(fields.refuse()) };
    let state = match state {
        IssuedCouponState::Unspecified => None,
        IssuedCouponState::Available => Some(domain::IssuedState::Available),
        IssuedCouponState::Reserved => Some(domain::IssuedState::Reserved),
        IssuedCouponState::Used => Some(domain::IssuedState::Used),
        IssuedCouponState::Expired => Some(domain::IssuedState::Expired),
    };
    let after = position::<IssuedCouponId>(after);
    let (listed, more) = browse_coupons::pieces_of(context, customer_id, state, after, page_length(size)).await?;
    let next = listed
        .last()
        .filter(|_| more)
        .map(|last| (last.piece.issued_at.micros(), last.piece.issued_coupon_id.to_string()));
    let now = context.clock.now();
    Ok(ListMyCouponsResponse {
        issued_coupons: listed.iter().map(|held| answers::piece(held, now)).collect(),
        next_page_token: next.map(|cursor| context.pager.token(&query, &cursor)).unwrap_or_default(),
    })
}

/// A cursor is signed, so one that cannot be read is none of ours and begins at the top.
fn position<Id: From<Uuid>>(cursor: Option<Cursor>) -> Option<(Moment, Id)> {
    let (micros, id) = cursor?;
    Some((Moment::from_micros(micros), Uuid::try_parse(&id).ok()?.into()))
}

fn page_length(size: i64) -> usize {
    usize::try_from(size).unwrap_or_default()
}
