//! tonic adapters: wire ⇄ domain.

use std::ops::RangeInclusive;

use bojagi_api::coupon::coupon_service_server::CouponService;
use bojagi_api::coupon::{
    CreateCouponRequest, CreateCouponResponse, GetCouponRequest, GetCouponResponse, IssueCouponRequest,
    IssueCouponResponse, ListCouponsRequest, ListCouponsResponse, ListMyCouponsRequest, ListMyCouponsResponse,
    ListUsableCouponsRequest, ListUsableCouponsResponse, QuoteDiscountsRequest, QuoteDiscountsResponse,
    ReserveRedemptionsRequest, ReserveRedemptionsResponse, RetireCouponRequest, RetireCouponResponse,
    UpdateCouponRequest, UpdateCouponResponse,
};
use bojagi_chassis::{Caller, Context, answer};
use tonic::{Request, Response, Status};

use crate::NAME;
use crate::issue_coupon::Issue;

pub(crate) mod answers;
mod browse;
mod issue;
mod manage;
mod quote;
mod redeem;
mod terms;

/// Lines that can be asked about at once.
const LINES: RangeInclusive<usize> = 1..=100;

/// Answers `CouponService`.
pub(crate) struct CouponApi {
    pub(crate) context: Context,
    pub(crate) issue: Issue,
}

#[tonic::async_trait]
impl CouponService for CouponApi {
    async fn create_coupon(
        &self,
        request: Request<CreateCouponRequest>,
    ) -> Result<Response<CreateCouponResponse>, Status> {
        let caller = Caller::of(&request);
        answer::to(NAME, manage::create(&self.context, &caller, request.into_inner())).await
    }

    async fn update_coupon(
        &self,
        request: Request<UpdateCouponRequest>,
    ) -> Result<Response<UpdateCouponResponse>, Status> {
        answer::to(NAME, manage::update(&self.context, request.into_inner())).await
    }

    async fn retire_coupon(
        &self,
        request: Request<RetireCouponRequest>,
    ) -> Result<Response<RetireCouponResponse>, Status> {
        answer::to(NAME, manage::retire(&self.context, request.into_inner())).await
    }

    async fn get_coupon(&self, request: Request<GetCouponRequest>) -> Result<Response<GetCouponResponse>, Status> {
        answer::to(NAME, browse::get(&self.context, request.into_inner())).await
    }

    async fn list_coupons(
        &self,
        request: Request<ListCouponsRequest>,
    ) -> Result<Response<ListCouponsResponse>, Status> {
        answer::to(NAME, browse::list(&self.context, request.into_inner())).await
    }

    async fn issue_coupon(
        &self,
        request: Request<IssueCouponRequest>,
    ) -> Result<Response<IssueCouponResponse>, Status> {
        let caller = Caller::of(&request);
        answer::to(NAME, issue::issue(&self.issue, &caller, request.into_inner())).await
    }

    async fn list_my_coupons(
        &self,
        request: Request<ListMyCouponsRequest>,
    ) -> Result<Response<ListMyCouponsResponse>, Status> {
        let caller = Caller::of(&request);
        answer::to(NAME, browse::list_mine(&self.context, &caller, request.into_inner())).await
    }

    async fn list_usable_coupons(
        &self,
        request: Request<ListUsableCouponsRequest>,
    ) -> Result<Response<ListUsableCouponsResponse>, Status> {
        answer::to(NAME, browse::list_usable(&self.context, request.into_inner())).await
    }

    async fn quote_discounts(
        &self,
        request: Request<QuoteDiscountsRequest>,
    ) -> Result<Response<QuoteDiscountsResponse>, Status> {
        let caller = Caller::of(&request);
        answer::to(NAME, quote::quote(&self.context, &caller, request.into_inner())).await
    }

    async fn reserve_redemptions(
        &self,
        request: Request<ReserveRedemptionsRequest>,
    ) -> Result<Response<ReserveRedemptionsResponse>, Status> {
        answer::to(NAME, redeem::reserve(&self.context, request.into_inner())).await
    }
}
