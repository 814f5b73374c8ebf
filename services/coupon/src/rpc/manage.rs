//! What an admin does with coupons.

use bojagi_api::coupon::{
    CreateCouponRequest, CreateCouponResponse, RetireCouponRequest, RetireCouponResponse, UpdateCouponRequest,
    UpdateCouponResponse,
};
use bojagi_chassis::{Caller, Context, Fields, once};
use bojagi_kernel::Failure;
use bojagi_kernel::id::CouponId;
use bojagi_store::Tx;

use super::{answers, terms};
use crate::{NAME, manage_coupons};

pub(super) async fn create(
    context: &Context,
    caller: &Caller,
    request: CreateCouponRequest,
) -> Result<CreateCouponResponse, Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let wanted = request.coupon.clone().unwrap_or_default();
    let details = terms::read_details(&mut fields, &wanted);
    let terms = terms::read_terms(&mut fields, &wanted);
    let (Some(request_id), Some(details), Some(terms)) = (request_id, details, terms) else {
        return Err(fields.refuse());
    };
    let key = once::key(caller, "CreateCoupon", request_id, &request);
    let now = context.clock.now();
    once::write(&context.store, key, now, async move |tx: &mut Tx| {
        let created = manage_coupons::create(tx, details, terms, now).await?;
        Ok(CreateCouponResponse { coupon: Some(answers::coupon(&created)) })
    })
    .await
}

pub(super) async fn update(context: &Context, request: UpdateCouponRequest) -> Result<UpdateCouponResponse, Failure> {
    let mut fields = Fields::new(NAME);
    let wanted = request.coupon.unwrap_or_default();
    let coupon_id = fields.id::<CouponId>("coupon.coupon_id", &wanted.coupon_id);
    let changes = terms::read_changes(&mut fields, &wanted, request.update_mask.as_ref());
    let (Some(coupon_id), Some(changes)) = (coupon_id, changes) else { return Err(fields.refuse()) };
    let now = context.clock.now();
    let updated =
        context.store.write(async move |tx: &mut Tx| manage_coupons::update(tx, coupon_id, changes, now).await).await?;
    Ok(UpdateCouponResponse { coupon: Some(answers::coupon(&updated)) })
}

pub(super) async fn retire(context: &Context, request: RetireCouponRequest) -> Result<RetireCouponResponse, Failure> {
    let coupon_id = Fields::only_id::<CouponId>(NAME, "coupon_id", &request.coupon_id)?;
    let now = context.clock.now();
    let retired =
        context.store.write(async move |tx: &mut Tx| manage_coupons::retire(tx, coupon_id, now).await).await?;
    Ok(RetireCouponResponse { coupon: Some(answers::coupon(&retired)) })
}
