//! Somebody who calls the shop.

use std::sync::Arc;

use bojagi_api::coupon::coupon_service_client::CouponServiceClient;
use bojagi_api::coupon::{IssueCouponRequest, IssuedCouponState, ListMyCouponsRequest};
use bojagi_api::item::catalog_service_client::CatalogServiceClient;
use bojagi_api::item::ranking_service_client::RankingServiceClient;
use bojagi_api::item::stock_service_client::StockServiceClient;
use bojagi_api::item::store_service_client::StoreServiceClient;
use bojagi_api::item::wishlist_service_client::WishlistServiceClient;
use bojagi_api::item::{FollowStoreRequest, HeartItemRequest, UnfollowStoreRequest, UnheartItemRequest};
use bojagi_api::order::cart_service_client::CartServiceClient;
use bojagi_api::order::delivery_service_client::DeliveryServiceClient;
use bojagi_api::order::my_page_service_client::MyPageServiceClient;
use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::order::refund_service_client::RefundServiceClient;
use bojagi_api::order::saga_service_client::SagaServiceClient;
use bojagi_api::order::{CancelOrderRequest, GetOrderRequest, Order, OrderState};
use bojagi_api::payment::get_payment_request::Key;
use bojagi_api::payment::payment_method_service_client::PaymentMethodServiceClient;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_api::payment::wallet_service_client::WalletServiceClient;
use bojagi_api::payment::{
    AddPaymentMethodRequest, ChargePointsRequest, GetBalanceRequest, GetPaymentRequest, Payment, PaymentMethodType,
    Refund, WalletBalance,
};
use bojagi_api::settlement::ledger_service_client::LedgerServiceClient;
use bojagi_api::settlement::settlement_service_client::SettlementServiceClient;
use bojagi_api::settlement::{
    GetPayoutRequest, GetSellerBalanceRequest, GetStatementRequest, ListStatementsRequest, Payout, PayoutState,
    RegisterPayoutAccountRequest, RequestSettlementRequest, SellerBalance, Settlement, Statement, StatementEntry,
};
use bojagi_testkit::{TestAccount, eventually};
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::shop::Offer;
use crate::wish::Wish;
use crate::won;

/// Somebody with a token.
#[derive(Clone)]
pub struct Person {
    account: TestAccount,
    channel: Channel,
    bearer: Bearer,
}

/// Puts the token into every call.
#[derive(Clone)]
pub struct Bearer(Arc<str>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = MetadataValue::try_from(format!("Bearer {}", self.0)).unwrap();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

macro_rules! clients {
    ($($name:ident -> $client:ident),+ $(,)?) => {$(
        #[doc = concat!("Calls by `", stringify!($client), "`.")]
        #[must_use]
        pub fn $name(&self) -> $client<InterceptedService<Channel, Bearer>> {
            $client::with_interceptor(self.channel.clone(), self.bearer.clone())
        }
    )+};
}

impl Person {
    pub(crate) fn new(account: TestAccount, token: String, channel: Channel) -> Self {
        Self { account, channel, bearer: Bearer(token.into()) }
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &TestAccount {
        &self.account
    }

    /// The access token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.bearer.0
    }

    clients! {
        stores -> StoreServiceClient,
        catalogue -> CatalogServiceClient,
        stock -> StockServiceClient,
        wishes -> WishlistServiceClient,
        rankings -> RankingServiceClient,
        coupons -> CouponServiceClient,
        carts -> CartServiceClient,
        orders -> OrderServiceClient,
        deliveries -> DeliveryServiceClient,
        refunds -> RefundServiceClient,
        sagas -> SagaServiceClient,
        pages -> MyPageServiceClient,
        payments -> PaymentServiceClient,
        methods -> PaymentMethodServiceClient,
        wallet -> WalletServiceClient,
        settlements -> SettlementServiceClient,
        ledger -> LedgerServiceClient,
    }

    /// Adds a payment method of the simulated provider, such as `tok_approve`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn card(&self, provider_token: &str) -> String {
        let request = AddPaymentMethodRequest {
            request_id: Uuid::now_v7().to_string(),
            provider_token: provider_token.into(),
            r#type: PaymentMethodType::CreditCard.into(),
            issuer: "Demo Card".into(),
            last_four: "4242".into(),
        };
        self.methods().add_payment_method(request).await.unwrap().into_inner().payment_method.unwrap().id
    }

    /// Charges points.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn charge(&self, points: i64, card: &str) {
        let request = ChargePointsRequest {
            request_id: Uuid::now_v7().to_string(),
            amount: Some(won(points)),
            payment_method_id: card.into(),
        };
        self.wallet().charge_points(request).await.unwrap();
    }

    /// The wallet.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn balance(&self) -> Result<WalletBalance, Status> {
        let answer = self.wallet().get_balance(GetBalanceRequest {}).await?.into_inner();
        Ok(answer.balance.unwrap_or_default())
    }

    /// The points that can be spent, and those that are held.
    ///
    /// # Panics
    /// When the wallet cannot be read.
    pub async fn points(&self) -> (i64, i64) {
        let balance = self.balance().await.unwrap();
        (balance.available.unwrap_or_default().minor_units, balance.held.unwrap_or_default().minor_units)
    }

    /// The state of a coupon that was issued to this account.
    ///
    /// # Panics
    /// When the coupons cannot be listed, or it is not among them.
    pub async fn coupon_state(&self, issued_coupon_id: &str) -> IssuedCouponState {
        let request = ListMyCouponsRequest { page_size: 100, ..Default::default() };
        let listed = self.coupons().list_my_coupons(request).await.unwrap().into_inner().issued_coupons;
        listed.iter().find(|coupon| coupon.issued_coupon_id == issued_coupon_id).unwrap().state()
    }

    /// The payment of an order, and its refunds.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn payment(&self, order_id: &str) -> (Payment, Vec<Refund>) {
        let request = GetPaymentRequest { key: Some(Key::OrderId(order_id.into())) };
        let answer = self.payments().get_payment(request).await.unwrap().into_inner();
        (answer.payment.unwrap(), answer.refunds)
    }

    /// Takes a coupon, first come.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn take_coupon(&self, coupon_id: &str) -> Result<String, Status> {
        let request = IssueCouponRequest { request_id: Uuid::now_v7().to_string(), coupon_id: coupon_id.into() };
        let answer = self.coupons().issue_coupon(request).await?.into_inner();
        Ok(answer.issued_coupon.unwrap_or_default().issued_coupon_id)
    }

    /// Gives an item a heart or takes it back, and answers how many it has.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn hearts(&self, offer: &Offer, is_given: bool) -> Result<i64, Status> {
        let (request_id, item_id) = (Uuid::now_v7().to_string(), offer.item_id.clone());
        let mut catalogue = self.catalogue();
        Ok(if is_given {
            catalogue.heart_item(HeartItemRequest { request_id, item_id }).await?.into_inner().hearts
        } else {
            catalogue.unheart_item(UnheartItemRequest { request_id, item_id }).await?.into_inner().hearts
        })
    }

    /// Follows a store or no longer, and answers how many do.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn follows(&self, offer: &Offer, is_given: bool) -> Result<i64, Status> {
        let (request_id, store_id) = (Uuid::now_v7().to_string(), offer.store_id.clone());
        let mut stores = self.stores();
        Ok(if is_given {
            stores.follow_store(FollowStoreRequest { request_id, store_id }).await?.into_inner().followers
        } else {
            stores.unfollow_store(UnfollowStoreRequest { request_id, store_id }).await?.into_inner().followers
        })
    }

    /// Places an order.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn place(&self, wish: &Wish) -> Result<Order, Status> {
        let answer = self.orders().place_order(wish.request()).await?.into_inner();
        Ok(answer.order.unwrap_or_default())
    }

    /// An order as it stands.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn order(&self, order_id: &str) -> Order {
        let request = GetOrderRequest { order_id: order_id.into() };
        self.orders().get_order(request).await.unwrap().into_inner().order.unwrap()
    }

    /// Asks for a cancellation.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn cancel(&self, order_id: &str) -> Result<Order, Status> {
        let request = CancelOrderRequest { request_id: Uuid::now_v7().to_string(), order_id: order_id.into() };
        Ok(self.orders().cancel_order(request).await?.into_inner().order.unwrap_or_default())
    }

    /// Waits until an order is in a state.
    ///
    /// # Panics
    /// When it does not get there.
    pub async fn wait_for(&self, order_id: &str, state: OrderState) -> Order {
        eventually(&format!("the order is {state:?}"), async || self.order(order_id).await.state() == state).await;
        self.order(order_id).await
    }

    /// Has a bank account of the simulated bank registered for payouts, such as `bank_ok`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn register_bank_account(&self, bank_token: &str) {
        let request = RegisterPayoutAccountRequest {
            request_id: Uuid::now_v7().to_string(),
            bank_token: bank_token.into(),
            bank_name: "Hana".into(),
            last_four: "1234".into(),
        };
        self.settlements().register_payout_account(request).await.unwrap();
    }

    /// Asks for everything to be settled.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn settle(&self) -> Result<Vec<Settlement>, Status> {
        let request = RequestSettlementRequest {
            request_id: Uuid::now_v7().to_string(),
            first_business_date: "2000-01-01".into(),
            last_business_date: "2100-01-01".into(),
        };
        Ok(self.settlements().request_settlement(request).await?.into_inner().settlements)
    }

    /// The seller's statements, newest first.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn statements(&self) -> Vec<Statement> {
        let request = ListStatementsRequest { page_size: 100, ..Default::default() };
        self.settlements().list_statements(request).await.unwrap().into_inner().statements
    }

    /// What a statement is made of.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn entries(&self, statement_id: &str) -> Vec<StatementEntry> {
        let request = GetStatementRequest { statement_id: statement_id.into(), page_size: 100, ..Default::default() };
        self.settlements().get_statement(request).await.unwrap().into_inner().entries
    }

    /// The seller's balance in won.
    ///
    /// # Panics
    /// When it cannot be read, or there is money of another currency.
    pub async fn seller_balance(&self) -> SellerBalance {
        let request = GetSellerBalanceRequest {};
        let mut balances = self.settlements().get_seller_balance(request).await.unwrap().into_inner().balances;
        assert_eq!(balances.len(), 1);
        balances.remove(0)
    }

    /// Waits until a payout is in a state.
    ///
    /// # Panics
    /// When it does not get there.
    pub async fn wait_for_payout(&self, payout_id: &str, state: PayoutState) -> Payout {
        let payout = async || {
            let request = GetPayoutRequest { payout_id: payout_id.into() };
            self.settlements().get_payout(request).await.unwrap().into_inner().payout.unwrap()
        };
        eventually(&format!("the payout is {state:?}"), async || payout().await.state() == state).await;
        payout().await
    }
}
