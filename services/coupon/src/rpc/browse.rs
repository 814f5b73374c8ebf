//! Reading coupons, and one's own pieces.

use std::str::FromStr;

use bojagi_api::coupon::{
    CouponScope, CouponState, GetCouponRequest, GetCouponResponse, IssuedCouponState, ListCouponsRequest,
    ListCouponsResponse, ListMyCouponsRequest, ListMyCouponsResponse, ListUsableCouponsRequest,
    ListUsableCouponsResponse,
};
use bojagi_chassis::{Caller, Context, Fields};
use bojagi_kernel::id::CouponId;
use bojagi_kernel::{Failure, Moment};

use super::answers;
use crate::store::coupons::CouponFilter;
use crate::{NAME, browse_coupons, domain};

pub(super) async fn get(context: &Context, request: GetCouponRequest) -> Result<GetCouponResponse, Failure> {
    let coupon_id = Fields::only_id::<CouponId>(NAME, "coupon_id", &request.coupon_id)?;
    let found = browse_coupons::coupon(context, coupon_id).await?;
    Ok(GetCouponResponse { coupon: Some(answers::coupon(&found)) })
}

pub(super) async fn list(context: &Context, request: ListCouponsRequest) -> Result<ListCouponsResponse, Failure> {
    let query = format!("ListCoupons {} {} {}", request.scope, request.state, request.only_issuable);
    let mut fields = Fields::new(NAME);
    let scope = fields.take("scope", CouponScope::try_from(request.scope));
    let state = fields.take("state", CouponState::try_from(request.state));
    let page = fields.page(&context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(scope), Some(state), Some(page)) = (scope, state, page) else { return Err(fields.refuse()) };
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
    let mut listed = browse_coupons::coupons(context, filter, page.after, page.limit()).await?;
    let next_page_token = page.cut(&mut listed, |last| (last.created_at.micros(), last.coupon_id.to_string()));
    Ok(ListCouponsResponse { coupons: listed.iter().map(answers::coupon).collect(), next_page_token })
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
    let page = fields.page(&context.pager, query, (request.page_size, &request.page_token), place);
    let (Some(state), Some(page)) = (state, page) else { return Err(fields.refuse()) };
    let state = match state {
        IssuedCouponState::Unspecified => None,
        IssuedCouponState::Available => Some(domain::IssuedState::Available),
        IssuedCouponState::Reserved => Some(domain::IssuedState::Reserved),
        IssuedCouponState::Used => Some(domain::IssuedState::Used),
        IssuedCouponState::Expired => Some(domain::IssuedState::Expired),
    };
    let mut listed = browse_coupons::pieces_of(context, customer_id, state, page.after, page.limit()).await?;
    let next_page_token =
        page.cut(&mut listed, |last| (last.piece.issued_at.micros(), last.piece.issued_coupon_id.to_string()));
    let now = context.clock.now();
    let issued_coupons = listed.iter().map(|held| answers::piece(held, now)).collect();
    Ok(ListMyCouponsResponse { issued_coupons, next_page_token })
}

pub(super) async fn list_usable(
    context: &Context,
    request: ListUsableCouponsRequest,
) -> Result<ListUsableCouponsResponse, Failure> {
    let mut fields = Fields::new(NAME);
    let customer_id = fields.id("customer_id", &request.customer_id);
    let limit = fields.page_size(request.page_size);
    let (Some(customer_id), Some(limit)) = (customer_id, limit) else { return Err(fields.refuse()) };
    let now = context.clock.now();
    let (usable, total) = browse_coupons::usable_of(context, customer_id, limit, now).await?;
    let issued_coupons = usable.iter().map(|held| answers::piece(held, now)).collect();
    Ok(ListUsableCouponsResponse { issued_coupons, total })
}

/// The place that a page token carries: after the row of this moment and id.
fn place<Id: FromStr>((micros, id): (i64, String)) -> Option<(Moment, Id)> {
    Some((Moment::from_micros(micros), id.parse().ok()?))
}
