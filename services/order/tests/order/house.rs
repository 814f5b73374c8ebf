//! A process with order in it, and fakes around.

use std::time::Duration;

use bojagi_api::common;
use bojagi_api::coupon::coupon_service_server::CouponServiceServer;
use bojagi_api::item::option_service_server::OptionServiceServer;
use bojagi_api::item::stock_service_server::StockServiceServer;
use bojagi_api::order::delivery_service_client::DeliveryServiceClient;
use bojagi_api::order::my_page_service_client::MyPageServiceClient;
use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::order::refund_service_client::RefundServiceClient;
use bojagi_api::order::saga_service_client::SagaServiceClient;
use bojagi_api::order::{self as api, OrderState};
use bojagi_api::payment::payment_service_server::PaymentServiceServer;
use bojagi_api::policy::Role;
use bojagi_chassis::Service;
use bojagi_order::Config;
use bojagi_store::{Migration, idempotency};
use bojagi_testkit::{AccountChannel, Publisher, Rig, TestAccount, eventually};
use tonic::Status;
use uuid::Uuid;

use crate::peers::{Coupons, Payments, Stock};

const PEER_MIGRATIONS: &[Migration] = &[
    idempotency::MIGRATION,
    bojagi_events::MIGRATION,
    bojagi_events::RELAY_MIGRATION,
    bojagi_events::TRACESTATE_MIGRATION,
];

pub(crate) struct House {
    pub(crate) rig: Rig,
    pub(crate) stock: Stock,
    pub(crate) coupons: Coupons,
    pub(crate) payments: Payments,
    pub(crate) customer: TestAccount,
    pub(crate) sellers: [TestAccount; 2],
    pub(crate) accounts: Publisher,
    pub(crate) admin: TestAccount,
}

/// Everybody around order.
#[derive(Clone)]
pub(crate) struct Cast {
    pub(crate) stock: Stock,
    pub(crate) coupons: Coupons,
    pub(crate) payments: Payments,
    pub(crate) customer: TestAccount,
    pub(crate) sellers: [TestAccount; 2],
}

/// Settings for tests: patient with the order, and with its peers as a busy machine needs it; impatient with everything else.
/// While a test waits, its clock runs ten times as fast as a real one.
pub(crate) fn impatient() -> Config {
    Config {
        ask_timeout_milliseconds: 3_000,
        page_patience_milliseconds: 6_000,
        compare_timeout_milliseconds: 6_000,
        deadline_seconds: 36_000,
        sweep_milliseconds: 5,
        attempts_before_parking: 4,
        refusals_before_parking: 2,
        instance: "one".into(),
        ..Config::default()
    }
}

/// Settings for tests in which a peer hangs: nothing is taken for unanswered while they watch.
pub(crate) fn patient() -> Config {
    Config { ask_timeout_milliseconds: 600_000, lease_seconds: 1_800, ..impatient() }
}

impl Cast {
    pub(crate) fn new(rig: &Rig) -> Self {
        let sellers = [rig.account(&[Role::Seller]), rig.account(&[Role::Seller])];
        Self {
            stock: Stock::new(sellers.clone()),
            coupons: Coupons::default(),
            payments: Payments::new(rig.clock.clone()),
            customer: rig.account(&[Role::Customer]),
            sellers,
        }
    }

    /// The contexts that order asks, each with its topic.
    pub(crate) async fn peers(&self, rig: &Rig) -> [(Service, &'static str); 3] {
        let context = rig.context("item", PEER_MIGRATIONS).await;
        let item = Service::new("item", &context)
            .answers(StockServiceServer::new(self.stock.clone()))
            .answers(OptionServiceServer::new(self.stock.catalogue.clone()))
            .hears(self.stock.hears(), &[bojagi_order::TOPIC]);
        let context = rig.context("coupon", PEER_MIGRATIONS).await;
        let coupon = Service::new("coupon", &context)
            .answers(CouponServiceServer::new(self.coupons.clone()))
            .hears(self.coupons.hears(), &[bojagi_order::TOPIC]);
        let context = rig.context("payment", PEER_MIGRATIONS).await;
        *self.payments.store.lock().unwrap() = Some(context.store.clone());
        let payment = Service::new("payment", &context).answers(PaymentServiceServer::new(self.payments.clone()));
        [(item, "bojagi.item.v1"), (coupon, "bojagi.coupon.v1"), (payment, "bojagi.payment.v1")]
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(impatient()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let rig = Rig::new();
        let cast = Cast::new(&rig);
        Self::furnish(rig, cast, config).await
    }

    async fn furnish(rig: Rig, cast: Cast, config: Config) -> Self {
        let order = rig.context("order", bojagi_order::MIGRATIONS).await;
        let order = bojagi_order::build(order, rig.channel("order"), config).await.unwrap();
        let peers = cast.peers(&rig).await;
        let accounts = rig.publisher("bojagi.user.v1").await;
        rig.start([(order, bojagi_order::TOPIC)].into_iter().chain(peers)).await;
        Self::of(rig, cast, accounts)
    }

    pub(crate) fn of(rig: Rig, cast: Cast, accounts: Publisher) -> Self {
        let admin = rig.account(&[Role::Admin]);
        let Cast { stock, coupons, payments, customer, sellers } = cast;
        Self { rig, stock, coupons, payments, customer, sellers, accounts, admin }
    }

    /// The process dies and starts again on the same files; its peers keep what they know.
    pub(crate) async fn crash(self) -> Self {
        let Self { rig, stock, coupons, payments, customer, sellers, .. } = self;
        let cast = Cast { stock, coupons, payments, customer, sellers };
        Self::furnish(rig.crash().await, cast, impatient()).await
    }

    pub(crate) fn orders(&self) -> OrderServiceClient<AccountChannel> {
        OrderServiceClient::new(self.rig.calling_as(&self.customer))
    }

    pub(crate) fn orders_of(&self, account: &TestAccount) -> OrderServiceClient<AccountChannel> {
        OrderServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn deliveries(&self, account: &TestAccount) -> DeliveryServiceClient<AccountChannel> {
        DeliveryServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn pages(&self, account: &TestAccount) -> MyPageServiceClient<AccountChannel> {
        MyPageServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) async fn page_of(&self, account: &TestAccount) -> Result<api::GetMyPageResponse, Status> {
        Ok(self.pages(account).get_my_page(api::GetMyPageRequest {}).await?.into_inner())
    }

    pub(crate) fn refunds(&self, account: &TestAccount) -> RefundServiceClient<AccountChannel> {
        RefundServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn sagas(&self) -> SagaServiceClient<AccountChannel> {
        SagaServiceClient::new(self.rig.calling_as(&self.admin))
    }

    pub(crate) async fn place(&self, request: api::PlaceOrderRequest) -> Result<api::Order, Status> {
        Ok(self.orders().place_order(request).await?.into_inner().order.unwrap())
    }

    /// Places an order without waiting for it.
    pub(crate) async fn place_and_leave(&self) -> String {
        let request = api::PlaceOrderRequest { wait: api::Wait::None.into(), ..basket() };
        self.place(request).await.unwrap().id
    }

    pub(crate) async fn order(&self, order_id: &str) -> api::Order {
        let request = api::GetOrderRequest { order_id: order_id.into() };
        self.orders().get_order(request).await.unwrap().into_inner().order.unwrap()
    }

    pub(crate) async fn saga(&self, order_id: &str) -> api::Saga {
        let request = api::GetSagaRequest { order_id: order_id.into() };
        self.sagas().get_saga(request).await.unwrap().into_inner().saga.unwrap()
    }

    pub(crate) async fn history(&self, order_id: &str) -> Vec<(OrderState, String)> {
        let request = api::ListOrderHistoryRequest { order_id: order_id.into(), ..Default::default() };
        let entries = self.orders().list_order_history(request).await.unwrap().into_inner().entries;
        entries.into_iter().map(|entry| (entry.state(), entry.cause)).collect()
    }

    pub(crate) async fn cancel(&self, order_id: &str) -> Result<api::Order, Status> {
        let request = api::CancelOrderRequest { request_id: id(), order_id: order_id.into() };
        Ok(self.orders().cancel_order(request).await?.into_inner().order.unwrap())
    }

    /// Waits until the order is in a state; time flies meanwhile, so that attempts come due.
    pub(crate) async fn until(&self, order_id: &str, state: OrderState) -> api::Order {
        eventually(&format!("{order_id} is {state:?}"), async || {
            self.rig.clock.advance(Duration::from_millis(20));
            self.order(order_id).await.state() == state
        })
        .await;
        self.order(order_id).await
    }

    /// Waits until the saga is in a state; time flies meanwhile.
    pub(crate) async fn until_saga(&self, order_id: &str, state: api::SagaState) -> api::Saga {
        eventually(&format!("the saga of {order_id} is {state:?}"), async || {
            self.rig.clock.advance(Duration::from_millis(20));
            self.saga(order_id).await.state() == state
        })
        .await;
        self.saga(order_id).await
    }
}

pub(crate) fn id() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn won(minor_units: i64) -> common::Money {
    common::Money { currency_code: "KRW".into(), minor_units }
}

/// An option of one of the two stores.
pub(crate) fn option_of_store(which: u8) -> String {
    let mut bytes = *Uuid::now_v7().as_bytes();
    bytes[15] = (bytes[15] & !1) | which;
    Uuid::from_bytes(bytes).to_string()
}

pub(crate) fn line(which_store: u8, quantity: i64, price: i64) -> api::PlaceOrderLine {
    api::PlaceOrderLine { option_id: option_of_store(which_store), quantity, unit_price: Some(won(price)) }
}

pub(crate) fn address() -> api::DeliveryAddress {
    api::DeliveryAddress {
        recipient: "Kim Minji".into(),
        phone: "010-1234-5678".into(),
        postal_code: "04524".into(),
        line1: "110 Sejong-daero".into(),
        line2: "3F".into(),
    }
}

/// Two lines over two stores, 2,500 won, 300 of them off, 200 paid with points.
pub(crate) fn basket() -> api::PlaceOrderRequest {
    api::PlaceOrderRequest {
        request_id: id(),
        lines: vec![line(0, 2, 1_000), line(1, 1, 500)],
        order_issued_coupon_id: id(),
        expected_discount: Some(won(300)),
        tender: Some(api::Tender { points: Some(won(200)), payment_method_id: id() }),
        delivery_address: Some(address()),
        ..Default::default()
    }
}
