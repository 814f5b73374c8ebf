//! First come, first served.

use bojagi_api::coupon::{IssueCouponRequest, IssueCouponResponse};
use bojagi_chassis::{Caller, Context, Fields, once};
use bojagi_kernel::Failure;
use bojagi_kernel::id::CouponId;
use bojagi_store::Tx;

use super::answers;
use crate::{NAME, issue_coupon};

pub(super) async fn issue(
    context: &Context,
    caller: &Caller,
    request: IssueCouponRequest,
) -> Result<IssueCouponResponse, Failure> {
    let customer_id = caller.account()?.account_id;
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let coupon_id = fields.id::<CouponId>("coupon_id", &request.coupon_id);
    let (Some(request_id), Some(coupon_id)) = (request_id, coupon_id) else { return Err(fields.refuse()) };
    let key = once::key(caller, "IssueCoupon", request_id, &request);
    let now = context.clock.now();
    once::write(&context.store, key, now, async move |tx: &mut Tx| {
        let issued = issue_coupon::issue(tx, coupon_id, customer_id, now).await?;
        Ok(IssueCouponResponse { issued_coupon: Some(answers::piece(&issued, now)) })
    })
    .await
}
