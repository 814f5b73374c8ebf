//! The page of a customer: what other contexts keep about them, asked for side by side, and their own orders.

use std::time::Instant;

use bojagi_api::coupon::coupon_service_client::CouponServiceClient;
use bojagi_api::item::wishlist_service_client::WishlistServiceClient;
use bojagi_api::payment::wallet_service_client::WalletServiceClient;
use bojagi_api::user::account_service_client::AccountServiceClient;
use bojagi_api::{coupon, item, payment, user};
use bojagi_chassis::{Channel, deadline};
use bojagi_kernel::Failure;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Error, Tx};
use tonic::{Response, Status};

use crate::domain::{DeliveryId, Order};
use crate::orders::Orders;
use crate::store::{self, ParcelFilter};

/// Of each list the page shows the beginning.
const COUPONS: i32 = 10;
const WISHES: i32 = 10;
const OPEN_ORDERS: i64 = 10;
const RECENT_PARCELS: i64 = 5;

/// What a customer sees. What another context did not answer is absent.
pub(crate) struct MyPage {
    pub(crate) profile: Option<user::Account>,
    pub(crate) points: Option<payment::WalletBalance>,
    pub(crate) coupons: Option<coupon::ListUsableCouponsResponse>,
    pub(crate) wishlist: Option<item::GetWishlistOfCustomerResponse>,
    pub(crate) open_orders: Vec<Order>,
    pub(crate) recent_parcels: Vec<(DeliveryId, Order)>,
}

/// The contexts that the page asks.
pub(crate) struct Neighbours {
    accounts: AccountServiceClient<Channel>,
    wallets: WalletServiceClient<Channel>,
    coupons: CouponServiceClient<Channel>,
    wishlists: WishlistServiceClient<Channel>,
}

impl Neighbours {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            accounts: AccountServiceClient::new(channel.clone()),
            wallets: WalletServiceClient::new(channel.clone()),
            coupons: CouponServiceClient::new(channel.clone()),
            wishlists: WishlistServiceClient::new(channel),
        }
    }
}

impl Orders {
    /// The page of an account.
    ///
    /// # Errors
    /// What the own store says; what others do not answer is left out.
    pub(crate) async fn my_page(&self, account_id: AccountId) -> Result<MyPage, Failure> {
        let Neighbours { accounts, wallets, coupons, wishlists } = &self.neighbours;
        let (mut accounts, mut wallets) = (accounts.clone(), wallets.clone());
        let (mut coupons, mut wishlists) = (coupons.clone(), wishlists.clone());
        let id = account_id.to_string();
        let profile = accounts.get_account(user::GetAccountRequest { account_id: id.clone() });
        let points = wallets.get_balance_of_account(payment::GetBalanceOfAccountRequest { account_id: id.clone() });
        let of_customer = coupon::ListUsableCouponsRequest { customer_id: id.clone(), page_size: COUPONS };
        let usable = coupons.list_usable_coupons(of_customer);
        let of_customer = item::GetWishlistOfCustomerRequest { customer_id: id, page_size: WISHES };
        let wishlist = wishlists.get_wishlist_of_customer(of_customer);
        let own = self.context.store.show(async move |tx: &mut Tx| -> Result<_, Error> {
            let open_orders = store::open_of_customer(tx, account_id, OPEN_ORDERS).await?;
            let of_customer = ParcelFilter { customer: Some(account_id), ..ParcelFilter::default() };
            Ok((open_orders, store::parcels(tx, &of_customer, None, RECENT_PARCELS).await?))
        });
        let until = self.wait_until(self.config.page_patience());
        let (profile, points, coupons, wishlist, own) = tokio::join!(
            part("profile", until, profile),
            part("points", until, points),
            part("coupons", until, usable),
            part("wishlist", until, wishlist),
            own,
        );
        let (open_orders, recent_parcels) = own?;
        Ok(MyPage {
            profile: profile.and_then(|answer| answer.account),
            points: points.and_then(|answer| answer.balance),
            coupons,
            wishlist,
            open_orders,
            recent_parcels,
        })
    }
}

/// A part of the page, unless it does not come in time. A page without it is better than none, so the reason goes to the log and no
/// further.
async fn part<T>(name: &str, until: Instant, call: impl Future<Output = Result<Response<T>, Status>>) -> Option<T> {
    let reason = match tokio::time::timeout_at(until.into(), deadline::scope(until, call)).await {
        Ok(Ok(response)) => return Some(response.into_inner()),
        Ok(Err(status)) => format!("{:?}: {}", status.code(), status.message()),
        Err(_) => "it did not come in time".to_owned(),
    };
    tracing::warn!(part = name, reason, "a page is shown without a part");
    None
}
