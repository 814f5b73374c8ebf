//! A payment context with a simulated provider, and customers who pay.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::common::{LineAllocation, Money};
use bojagi_api::payment::payment_method_service_client::PaymentMethodServiceClient;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_api::payment::wallet_service_client::WalletServiceClient;
use bojagi_api::payment::*;
use bojagi_api::policy::Role;
use bojagi_chassis::Channel;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_payment::provider::{
    Connection, HttpProvider, Instruction, Knowledge, Outcome, Provider, ProviderKey, ProviderToken, Secret,
};
use bojagi_payment::simulator::{self, Simulator, SimulatorOptions, Statement};
use bojagi_payment::{Config, MIGRATIONS, TOPIC, build_with};
use bojagi_store::Tx;
use bojagi_testkit::{AccountChannel, Publisher, Rig, TestAccount};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tonic::Status;

pub(crate) const SECRET: &str = "a secret between shop and provider";

pub(crate) struct Shop {
    pub(crate) rig: Rig,
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) orders: Publisher,
    pub(crate) users: Publisher,
}

/// Everybody who pays has a wallet and a method.
pub(crate) struct Customer {
    pub(crate) account: TestAccount,
    pub(crate) methods: PaymentMethodServiceClient<AccountChannel>,
    pub(crate) wallet: WalletServiceClient<AccountChannel>,
    pub(crate) payments: PaymentServiceClient<AccountChannel>,
}

/// Settings under which the job looks often, and a busy machine has time to answer.
pub(crate) fn config() -> Config {
    Config { provider_timeout_ms: 19_000, recover_after_ms: 58_000, recover_every_ms: 5, ..Config::default() }
}

/// Settings under which a lost answer is soon known to be lost.
pub(crate) fn impatient() -> Config {
    Config { provider_timeout_ms: 150, simulator_slow_ms: 20, ..config() }
}

/// Settings under which a provider is waited for until the end of the test.
pub(crate) fn patient() -> Config {
    Config { provider_timeout_ms: 60_000, recover_after_ms: 181_000, ..config() }
}

pub(crate) fn simulator() -> (Arc<Simulator>, tokio::sync::mpsc::Receiver<bojagi_payment::provider::SignedEvent>) {
    Simulator::new(SimulatorOptions { slow: Duration::from_millis(20), webhook_secret: SECRET.into() })
}

impl Shop {
    /// The provider is in the process.
    pub(crate) async fn in_process() -> Self {
        Self::in_process_with(config()).await
    }

    pub(crate) async fn in_process_with(config: Config) -> Self {
        let (simulator, events) = simulator();
        let connection = Connection {
            provider: Arc::clone(&simulator) as Arc<dyn Provider>,
            webhook_secret: SECRET.into(),
            events: Some(events),
            webhook_listener: None,
        };
        Self::with(Rig::new(), config, connection, simulator).await
    }

    /// The provider is a peer on the network, and posts its events to the shop.
    pub(crate) async fn over_http() -> Self {
        Self::over_http_with(config()).await
    }

    pub(crate) async fn over_http_with(config: Config) -> Self {
        let rig = Rig::new();
        let (simulator, events) = simulator();
        let (peer, peer_url) = bound().await;
        let (listener, listener_url) = bound().await;
        let webhooks = format!("{listener_url}/provider-events");
        let (served, stop) = (Arc::clone(&simulator), rig.stop.clone());
        tokio::spawn(async move { simulator::serve(peer, served, events, &webhooks, stop).await.unwrap() });
        let connection = Connection {
            provider: Arc::new(HttpProvider::at(&peer_url).unwrap()),
            webhook_secret: SECRET.into(),
            events: None,
            webhook_listener: Some(listener),
        };
        Self::with(rig, config, connection, simulator).await
    }

    /// The provider is whatever a test needs.
    pub(crate) async fn with_provider(rig: Rig, config: Config, provider: Arc<dyn Provider>) -> Self {
        let connection = Connection { provider, webhook_secret: SECRET.into(), events: None, webhook_listener: None };
        Self::with(rig, config, connection, simulator().0).await
    }

    /// The same, with a listener for webhooks.
    pub(crate) async fn with_listener(rig: Rig, provider: Arc<dyn Provider>, listener: TcpListener) -> Self {
        let webhook_listener = Some(listener);
        let connection = Connection { provider, webhook_secret: SECRET.into(), events: None, webhook_listener };
        Self::with(rig, impatient(), connection, simulator().0).await
    }

    async fn with(rig: Rig, config: Config, connection: Connection, simulator: Arc<Simulator>) -> Self {
        assert_eq!(config.check(), Vec::<String>::new());
        let orders = rig.publisher("bojagi.order.v1").await;
        let users = rig.publisher("bojagi.user.v1").await;
        let context = rig.context("payment", MIGRATIONS).await;
        let service = build_with(context, config, connection).unwrap();
        rig.start([(service, TOPIC)]).await;
        Self { rig, simulator, orders, users }
    }

    /// Another process on the same store, which asks the provider by its own way.
    pub(crate) async fn beside(&self, config: Config, provider: Arc<dyn Provider>) -> Self {
        let rig = self.rig.beside();
        let connection = Connection { provider, webhook_secret: SECRET.into(), events: None, webhook_listener: None };
        let context = rig.context("payment", MIGRATIONS).await;
        let service = build_with(context, config, connection).unwrap();
        rig.follow(self.orders.log());
        rig.follow(self.users.log());
        rig.start([(service, TOPIC)]).await;
        let (orders, users) = (self.orders.clone(), self.users.clone());
        Self { rig, simulator: Arc::clone(&self.simulator), orders, users }
    }

    /// Its provider, for another process.
    pub(crate) fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.simulator) as Arc<dyn Provider>
    }

    pub(crate) fn order(&self) -> PaymentServiceClient<Channel> {
        PaymentServiceClient::new(self.rig.workload("order"))
    }

    pub(crate) fn admin(&self) -> PaymentServiceClient<AccountChannel> {
        PaymentServiceClient::new(self.rig.calling_as(&self.rig.account(&[Role::Admin])))
    }

    pub(crate) fn anybody(&self) -> PaymentServiceClient<AccountChannel> {
        PaymentServiceClient::new(self.rig.anonymous())
    }

    pub(crate) fn customer(&self) -> Customer {
        self.customer_again(&self.rig.account(&[Role::Customer]))
    }

    pub(crate) fn customer_again(&self, account: &TestAccount) -> Customer {
        Customer {
            account: account.clone(),
            methods: PaymentMethodServiceClient::new(self.rig.calling_as(account)),
            wallet: WalletServiceClient::new(self.rig.calling_as(account)),
            payments: PaymentServiceClient::new(self.rig.calling_as(account)),
        }
    }

    /// An authorised payment, mostly: whatever the token makes of it.
    pub(crate) async fn authorized(&self, customer: &mut Customer, token: &str, total: i64, points: i64) -> Payment {
        let method = if total > points { customer.method(token).await } else { String::new() };
        self.authorize(customer, &OrderId::generate().to_string(), &method, total, points).await.unwrap()
    }

    pub(crate) async fn authorize(
        &self,
        customer: &Customer,
        order_id: &str,
        method_id: &str,
        total: i64,
        points: i64,
    ) -> Result<Payment, Status> {
        let request = AuthorizeRequest {
            order_id: order_id.into(),
            customer_id: customer.account.account_id.to_string(),
            total: won(total),
            points: won(points),
            payment_method_id: method_id.into(),
        };
        Ok(self.order().authorize(request).await?.into_inner().payment.unwrap())
    }

    pub(crate) async fn capture(&self, payment: &Payment) -> Result<Payment, Status> {
        let net = payment.total.as_ref().unwrap().minor_units;
        let request = CaptureRequest { order_id: payment.order_id.clone(), allocations: vec![line(net)] };
        Ok(self.order().capture(request).await?.into_inner().payment.unwrap())
    }

    pub(crate) async fn captured(&self, customer: &mut Customer, token: &str, total: i64, points: i64) -> Payment {
        let payment = self.authorized(customer, token, total, points).await;
        self.capture(&payment).await.unwrap()
    }

    pub(crate) async fn void(&self, order_id: &str) -> VoidResponse {
        self.order().void(VoidRequest { order_id: order_id.into() }).await.unwrap().into_inner()
    }

    pub(crate) async fn refund(
        &self,
        payment: &Payment,
        refund_id: Uuid,
        amount: i64,
    ) -> Result<RefundResponse, Status> {
        let request = RefundRequest {
            order_id: payment.order_id.clone(),
            refund_id: refund_id.to_string(),
            amount: won(amount),
            allocations: vec![line(amount)],
            reason: "CANCELLED_BY_CUSTOMER".into(),
        };
        Ok(self.order().refund(request).await?.into_inner())
    }

    /// The payment as an admin sees it.
    pub(crate) async fn look(&self, order_id: &str) -> Payment {
        let key = Some(get_payment_request::Key::OrderId(order_id.into()));
        self.admin().get_payment(GetPaymentRequest { key }).await.unwrap().into_inner().payment.unwrap()
    }

    /// What the simulator says about an order's payment.
    pub(crate) fn statement(&self, order_id: &str) -> Statement {
        self.simulator.statement(&ProviderKey::Authorize(order_id.parse().unwrap())).unwrap_or_default()
    }

    /// Every fact of a type that was told, in order.
    pub(crate) async fn told<M: prost::Message + prost::Name + Default + 'static>(&self) -> Vec<M> {
        let payloads: Result<Vec<(Vec<u8>,)>, bojagi_store::Error> = self
            .rig
            .store("payment")
            .read(async |tx: &mut Tx| {
                let sql = "SELECT payload FROM outbox WHERE event_type = ?1 ORDER BY position";
                tx.fetch_all(sql, bojagi_store::params![M::full_name()]).await
            })
            .await;
        payloads.unwrap().iter().map(|(payload,)| M::decode(payload.as_slice()).unwrap()).collect()
    }
}

impl Customer {
    /// Adds a method and answers its id; one that is there already is found.
    pub(crate) async fn method(&mut self, token: &str) -> String {
        let request = AddPaymentMethodRequest {
            // The same request for the same token: the same method.
            request_id: Uuid::new_v5(self.account.account_id.as_uuid(), token.as_bytes()).to_string(),
            provider_token: token.into(),
            r#type: PaymentMethodType::CreditCard.into(),
            issuer: "First Bank".into(),
            last_four: "4242".into(),
        };
        self.methods.add_payment_method(request).await.unwrap().into_inner().payment_method.unwrap().id
    }

    pub(crate) async fn charge(&mut self, points: i64) -> PointsCharge {
        let method = self.method("tok_approve").await;
        self.charge_as(Uuid::now_v7(), points, &method).await.unwrap().charge.unwrap()
    }

    pub(crate) async fn charge_as(
        &mut self,
        request_id: Uuid,
        points: i64,
        method_id: &str,
    ) -> Result<ChargePointsResponse, Status> {
        let request = ChargePointsRequest {
            request_id: request_id.to_string(),
            amount: won(points),
            payment_method_id: method_id.into(),
        };
        Ok(self.wallet.charge_points(request).await?.into_inner())
    }

    /// What the wallet can spend, and what it holds.
    pub(crate) async fn points(&mut self) -> (i64, i64) {
        let balance = self.wallet.get_balance(GetBalanceRequest {}).await.unwrap().into_inner().balance.unwrap();
        (minor(&balance.available), minor(&balance.held))
    }

    /// Kind, amount and balance after each movement, newest first.
    pub(crate) async fn entries(&mut self) -> Vec<(WalletEntryKind, i64, i64)> {
        let request = ListEntriesRequest { page_size: 100, ..Default::default() };
        let entries = self.wallet.list_entries(request).await.unwrap().into_inner().entries;
        entries.iter().map(|entry| (entry.kind(), minor(&entry.amount), minor(&entry.balance_after))).collect()
    }
}

async fn bound() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) fn won(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "KRW".into(), minor_units })
}

pub(crate) fn minor(money: &Option<Money>) -> i64 {
    money.as_ref().unwrap().minor_units
}

/// A line that costs 10 more than the customer pays for it.
pub(crate) fn line(net: i64) -> LineAllocation {
    LineAllocation {
        order_line_id: Uuid::max().to_string(),
        option_id: Uuid::max().to_string(),
        store_id: Uuid::max().to_string(),
        seller_id: Uuid::max().to_string(),
        quantity: 1,
        gross: won(net + 10),
        net: won(net),
        platform_discount: won(7),
        seller_discount: won(3),
    }
}

pub(crate) fn signed(key: &ProviderKey, outcome: Outcome) -> IngestProviderEventRequest {
    let event = bojagi_payment::provider::ProviderEvent { key: *key, outcome };
    let signed = event.signed(&Secret::from(SECRET)).unwrap();
    IngestProviderEventRequest { body: signed.body, signature: signed.signature }
}

pub(crate) fn approved() -> Outcome {
    Outcome::Approved { reference: "provider-1".into() }
}

/// A provider that says yes to what a test lets it, and otherwise never answers.
pub(crate) struct Silent {
    pub(crate) answers: fn(&ProviderKey) -> bool,
}

impl Provider for Silent {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        if (self.answers)(&instruction.key) {
            return Box::pin(std::future::ready(approved()));
        }
        Box::pin(std::future::pending())
    }

    fn look_up<'a>(&'a self, _: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        Box::pin(std::future::pending())
    }

    fn knows<'a>(&'a self, _: &'a ProviderToken) -> BoxFuture<'a, Result<bool, bojagi_kernel::Failure>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

/// Runs each test with the provider in the process, and with the provider as a peer on the network.
#[macro_export]
macro_rules! on_both_providers {
    ($($test:ident),+ $(,)?) => {
        mod in_process {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($crate::shop::Shop::in_process().await).await;
                }
            )+
        }

        mod over_http {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($crate::shop::Shop::over_http().await).await;
                }
            )+
        }
    };
}
