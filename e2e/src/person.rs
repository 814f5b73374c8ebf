//! Somebody who calls the shop.

use std::sync::Arc;

use bojagi_api::coupon::IssueCouponRequest;
use bojagi_api::coupon::coupon_service_client::CouponServiceClient;
use bojagi_api::item::catalog_service_client::CatalogServiceClient;
use bojagi_api::item::stock_service_client::StockServiceClient;
use bojagi_api::item::store_service_client::StoreServiceClient;
use bojagi_api::order::delivery_service_client::DeliveryServiceClient;
use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::order::saga_service_client::SagaServiceClient;
use bojagi_api::order::{
    CancelOrderRequest, DeliveryAddress, GetOrderRequest, ItemCouponUse, Order, OrderState, PlaceOrderLine,
    PlaceOrderRequest, Tender, Wait,
};
use bojagi_api::payment::payment_method_service_client::PaymentMethodServiceClient;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_api::payment::wallet_service_client::WalletServiceClient;
use bojagi_api::payment::{
    AddPaymentMethodRequest, ChargePointsRequest, GetBalanceRequest, PaymentMethodType, WalletBalance,
};
use bojagi_api::settlement::ledger_service_client::LedgerServiceClient;
use bojagi_api::settlement::settlement_service_client::SettlementServiceClient;
use bojagi_testkit::{TestAccount, eventually};
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::shop::{Offer, Shop};
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

/// One line of a wish.
#[derive(Debug, Clone)]
pub struct Line {
    /// What.
    pub offer: Offer,
    /// How many.
    pub quantity: i64,
    /// Issued item coupons for it.
    pub coupons: Vec<String>,
}

/// What somebody wants to order, and how they pay.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The lines.
    pub lines: Vec<Line>,
    /// An issued order coupon.
    pub coupon: String,
    /// Won that the coupons take off, as the customer was shown.
    pub discount: i64,
    /// Points to pay with.
    pub points: i64,
    /// A payment method for the rest.
    pub card: String,
    /// Take the PENDING order at once.
    pub at_once: bool,
    /// The key; a new one when empty.
    pub request_id: String,
}

impl Wish {
    /// `quantity` of one thing, paid by card.
    #[must_use]
    pub fn of(offer: &Offer, quantity: i64, card: &str) -> Self {
        let line = Line { offer: offer.clone(), quantity, coupons: Vec::new() };
        Self { lines: vec![line], card: card.to_owned(), ..Self::default() }
    }

    /// The same with one more line.
    #[must_use]
    pub fn and(mut self, offer: &Offer, quantity: i64) -> Self {
        self.lines.push(Line { offer: offer.clone(), quantity, coupons: Vec::new() });
        self
    }

    /// As the request of an order.
    #[must_use]
    pub fn request(&self) -> PlaceOrderRequest {
        let lines = self.lines.iter().map(|line| PlaceOrderLine {
            option_id: line.offer.option_id.clone(),
            quantity: line.quantity,
            unit_price: Some(won(line.offer.price)),
        });
        let item_coupons = self.lines.iter().zip(0..).flat_map(|(line, index)| {
            line.coupons.iter().map(move |coupon| ItemCouponUse { line_index: index, issued_coupon_id: coupon.clone() })
        });
        let request_id = if self.request_id.is_empty() { Uuid::now_v7().to_string() } else { self.request_id.clone() };
        PlaceOrderRequest {
            request_id,
            lines: lines.collect(),
            item_coupons: item_coupons.collect(),
            order_issued_coupon_id: self.coupon.clone(),
            expected_discount: Some(won(self.discount)),
            quote_hash: String::new(),
            tender: Some(Tender {
                points: (self.points > 0).then(|| won(self.points)),
                payment_method_id: self.card.clone(),
            }),
            delivery_address: Some(DeliveryAddress {
                recipient: "김보자".into(),
                phone: "010-1234-5678".into(),
                postal_code: "04524".into(),
                line1: "서울 중구 세종대로 110".into(),
                line2: String::new(),
            }),
            wait: if self.at_once { Wait::None } else { Wait::Unspecified }.into(),
        }
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

    /// The same somebody, calling a shop that was started again.
    #[must_use]
    pub fn reconnected(&self, shop: &Shop) -> Self {
        Self { channel: shop.gateway(), ..self.clone() }
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
        coupons -> CouponServiceClient,
        orders -> OrderServiceClient,
        deliveries -> DeliveryServiceClient,
        sagas -> SagaServiceClient,
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

    /// Takes a coupon, first come.
    ///
    /// # Errors
    /// What the call answers.
    pub async fn take_coupon(&self, coupon_id: &str) -> Result<String, Status> {
        let request = IssueCouponRequest { request_id: Uuid::now_v7().to_string(), coupon_id: coupon_id.into() };
        let answer = self.coupons().issue_coupon(request).await?.into_inner();
        Ok(answer.issued_coupon.unwrap_or_default().issued_coupon_id)
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
}
