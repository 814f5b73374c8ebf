//! First come, first served.

use bojagi_api::coupon::{IssueCouponRequest, IssueCouponResponse};
use bojagi_chassis::once::{self, Keyed};
use bojagi_chassis::{Caller, Fields};
use bojagi_kernel::Failure;

use crate::NAME;
use crate::issue_coupon::{Issue, Wish};

pub(super) async fn issue(
    issue: &Issue,
    caller: &Caller,
    request: IssueCouponRequest,
) -> Result<IssueCouponResponse, Failure> {
    let customer_id = caller.account()?.account_id;
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&request.request_id);
    let coupon_id = fields.id("coupon_id", &request.coupon_id);
    let (Some(request_id), Some(coupon_id)) = (request_id, coupon_id) else { return Err(fields.refuse()) };
    let key = once::key(caller, "IssueCoupon", request_id, &request);
    issue.ask(Keyed { key, ask: Wish { coupon_id, customer_id } }).await
}
