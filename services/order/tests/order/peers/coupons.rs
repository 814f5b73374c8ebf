//! A fake of coupon: the whole expected discount comes off the first line, half of it at the seller's cost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bojagi_api::coupon::coupon_service_server::CouponService;
use bojagi_api::{common, coupon, order};
use bojagi_events::{Event, Hears};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use tonic::{Code, Request, Response, Status};

use super::stock::Hold;
use super::{Script, refuse};

#[derive(Clone, Default)]
pub(crate) struct Coupons(Arc<State>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) holds: Mutex<HashMap<String, Hold>>,
    pub(crate) asked: Mutex<Vec<coupon::ReserveRedemptionsRequest>>,
    pub(crate) reserve: Script,
    pub(crate) usable: Script,
    /// Facts are heard only later.
    pub(crate) asleep: Mutex<bool>,
}

impl std::ops::Deref for Coupons {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Coupons {
    pub(crate) fn hold(&self, order_id: &str) -> Option<Hold> {
        self.holds.lock().unwrap().get(order_id).copied()
    }

    pub(crate) fn hears(&self) -> Hears {
        let [confirmed, failed, cancelled] = [(); 3].map(|()| self.clone());
        Hears::new("coupon")
            .on(async move |_: &mut Tx, _: &Event, fact: order::OrderConfirmed| {
                confirmed.holds.lock().unwrap().insert(fact.order_id, Hold::Sold);
                Ok(())
            })
            .on(async move |tx: &mut Tx, event: &Event, fact: order::OrderFailed| {
                failed.release(tx, &fact.order_id, event.told_at).await
            })
            .on(async move |tx: &mut Tx, event: &Event, fact: order::OrderCancelled| {
                cancelled.release(tx, &fact.order_id, event.told_at).await
            })
    }

    async fn release(&self, tx: &mut Tx, order_id: &str, now: Moment) -> Result<(), Failure> {
        if *self.asleep.lock().unwrap() {
            return Err(Failure::Unavailable("asleep".into()));
        }
        self.holds.lock().unwrap().insert(order_id.to_owned(), Hold::Ended);
        let fact = coupon::CouponReleased { order_id: order_id.into(), ..Default::default() };
        bojagi_events::tell(tx, order_id.parse().unwrap(), &fact, now).await?;
        Ok(())
    }
}

fn redeemed(request: &coupon::ReserveRedemptionsRequest) -> coupon::ReserveRedemptionsResponse {
    let expected = request.expected_discount.clone().unwrap();
    let money = |minor_units: i64| Some(common::Money { minor_units, ..expected.clone() });
    let line = |(index, line): (usize, &coupon::RedemptionLine)| {
        let discount = if index == 0 { expected.minor_units } else { 0 };
        coupon::RedeemedLine {
            order_line_id: line.order_line_id.clone(),
            item_discount: money(0),
            order_discount: money(discount),
            platform_discount: money(discount - discount / 2),
            seller_discount: money(discount / 2),
        }
    };
    coupon::ReserveRedemptionsResponse {
        state: coupon::RedemptionState::Reserved.into(),
        lines: request.lines.iter().enumerate().map(line).collect(),
        total_discount: Some(expected.clone()),
        ..Default::default()
    }
}

macro_rules! never_asked {
    ($($method:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl CouponService for Coupons {
            async fn reserve_redemptions(
                &self,
                request: Request<coupon::ReserveRedemptionsRequest>,
            ) -> Result<Response<coupon::ReserveRedemptionsResponse>, Status> {
                let request = request.into_inner();
                self.reserve
                    .play(async || {
                        if self.hold(&request.order_id) == Some(Hold::Ended) {
                            return Err(refuse(Code::FailedPrecondition, "ORDER_ENDED"));
                        }
                        self.holds.lock().unwrap().entry(request.order_id.clone()).or_insert(Hold::Reserved);
                        self.asked.lock().unwrap().push(request.clone());
                        Ok(Response::new(redeemed(&request)))
                    })
                    .await
            }

            async fn list_usable_coupons(
                &self,
                request: Request<coupon::ListUsableCouponsRequest>,
            ) -> Result<Response<coupon::ListUsableCouponsResponse>, Status> {
                let customer_id = request.into_inner().customer_id;
                let issued_coupons = vec![coupon::IssuedCoupon { customer_id, ..Default::default() }];
                self.usable
                    .play(async || Ok(Response::new(coupon::ListUsableCouponsResponse { issued_coupons, total: 3 })))
                    .await
            }

            $(async fn $method(&self, _: Request<coupon::$request>) -> Result<Response<coupon::$response>, Status> {
                Err(Status::unimplemented("order does not ask this"))
            })+
        }
    };
}

never_asked! {
    create_coupon: CreateCouponRequest => CreateCouponResponse,
    update_coupon: UpdateCouponRequest => UpdateCouponResponse,
    retire_coupon: RetireCouponRequest => RetireCouponResponse,
    get_coupon: GetCouponRequest => GetCouponResponse,
    list_coupons: ListCouponsRequest => ListCouponsResponse,
    issue_coupon: IssueCouponRequest => IssueCouponResponse,
    list_my_coupons: ListMyCouponsRequest => ListMyCouponsResponse,
    quote_discounts: QuoteDiscountsRequest => QuoteDiscountsResponse,
}
