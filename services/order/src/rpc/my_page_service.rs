//! `MyPageService`.

use bojagi_api::order as api;
use bojagi_api::order::my_page_service_server::MyPageService;
use bojagi_chassis::{Caller, answer};
use tonic::{Request, Response, Status};

use crate::NAME;
use crate::my_page::MyPage;
use crate::orders::Orders;
use crate::wire;

/// Adapts `MyPageService`.
#[derive(Clone)]
pub(crate) struct MyPageRpc {
    orders: Orders,
}

impl MyPageRpc {
    pub(crate) fn new(orders: &Orders) -> Self {
        Self { orders: orders.clone() }
    }
}

#[tonic::async_trait]
impl MyPageService for MyPageRpc {
    async fn get_my_page(
        &self,
        request: Request<api::GetMyPageRequest>,
    ) -> Result<Response<api::GetMyPageResponse>, Status> {
        answer::to(NAME, async {
            let account_id = Caller::of(&request).account()?.account_id;
            Ok(page(self.orders.my_page(account_id).await?))
        })
        .await
    }
}

fn page(page: MyPage) -> api::GetMyPageResponse {
    let MyPage { profile, points, coupons, wishlist, open_orders, recent_parcels } = page;
    let is_there = [
        (api::MyPagePart::Profile, profile.is_some()),
        (api::MyPagePart::Points, points.is_some()),
        (api::MyPagePart::Coupons, coupons.is_some()),
        (api::MyPagePart::Wishlist, wishlist.is_some()),
    ];
    let (coupons, wishlist) = (coupons.unwrap_or_default(), wishlist.unwrap_or_default());
    let deliveries = recent_parcels.iter().filter_map(|(id, order)| {
        let parcel = order.deliveries.iter().find(|parcel| parcel.id == *id)?;
        Some(wire::delivery(order, parcel))
    });
    api::GetMyPageResponse {
        profile,
        points,
        coupons: coupons.issued_coupons,
        coupon_count: coupons.total,
        open_orders: open_orders.iter().map(wire::order).collect(),
        recent_deliveries: deliveries.collect(),
        wishlist: wishlist.entries,
        wishlist_count: wishlist.entry_count,
        missing: is_there.into_iter().filter(|(_, there)| !there).map(|(part, _)| part.into()).collect(),
    }
}
