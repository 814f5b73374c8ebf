//! R24: card numbers, tokens, passwords, e-mail addresses, telephone numbers and postal addresses reach no span, no line of
//! the log, no fact, no record of a broker and no metric, whatever is done with them and however much is logged.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bojagi::client::GatewayClient;
use bojagi::people;
use bojagi_api::order::{
    AddCartLineRequest, CheckOutCartRequest, ConfirmDraftRequest, CreateDraftRequest, DeliveryAddress,
    GetMyPageRequest, Order, OrderState, PlaceOrderRequest,
};
use bojagi_api::payment::{AddPaymentMethodRequest, PaymentMethodType};
use bojagi_api::user::{
    AccountKind, AddAddressRequest, Address, ChangePasswordRequest, CloseAccountRequest, GetMeRequest,
    RefreshSessionRequest, RequestPasswordResetRequest, ResetPasswordRequest, SignInRequest, SignUpRequest,
    UpdateMeRequest, VerifyEmailRequest,
};
use bojagi_e2e::{Broker, Offer, Shop, Wish};
use bojagi_telemetry::TraceContext;
use bojagi_testkit::eventually;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use uuid::Uuid;

use super::Watched;

const EMAIL: &str = "canary.sparrow@aviary.example";
const PASSWORD: &str = "canary-Perch-And-Seed-77";
const WRONG_PASSWORD: &str = "canary-Wrong-Perch-78";
const NEW_PASSWORD: &str = "canary-New-Perch-79";
const PHONE: &str = "010-7777-3141";
const RECIPIENT: &str = "Canary Recipient";
const STREET: &str = "Canary Street 4711";
const FLAT: &str = "Canary Flat 42";
const CARD: &str = "4929000000000006";
const PROVIDER_TOKEN: &str = "tok_canary_4929000000000006";
const FORGED_TOKEN: &str = "canary.forged.token";
const DEVICE: &str = "Canary Telephone";
/// No secret: it is written to be passed on with a trace. It has no business anywhere else.
const STATE: &str = "vendor=canary-4712";

const CONTEXTS: [&str; 6] = ["user", "item", "coupon", "order", "payment", "settlement"];
/// How long a broker may take to answer.
const BROKERS_PATIENCE: Duration = Duration::from_secs(30);

/// What may be told nowhere.
struct Secrets(Vec<String>);

impl Secrets {
    fn known() -> Self {
        let known =
            [EMAIL, PASSWORD, WRONG_PASSWORD, NEW_PASSWORD, PHONE, RECIPIENT, STREET, FLAT, CARD, FORGED_TOKEN, DEVICE];
        // Numbers may lose their dashes on the way, and addresses their letter case.
        let other_forms = [PHONE.replace('-', ""), EMAIL.to_uppercase()];
        Self(known.into_iter().map(str::to_owned).chain(other_forms).collect())
    }

    fn add(&mut self, secret: &str) {
        assert!(!secret.is_empty(), "an empty secret is found everywhere");
        self.0.push(secret.to_owned());
    }

    /// Fails when `text` holds any of them.
    fn absent_from(&self, place: &str, text: &str) {
        for secret in &self.0 {
            let Some(found) = text.find(secret.as_str()) else { continue };
            let around = text[..found].char_indices().rev().nth(300).map_or(0, |(start, _)| start);
            let end = text[found..].char_indices().nth(secret.len() + 100).map_or(text.len(), |(end, _)| found + end);
            panic!("{place} holds {secret}: …{}…", &text[around..end]);
        }
    }
}

/// Every line that this process logs, from the first test on, as much as there is.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn of_process() -> &'static Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone());
            let everything = tracing_subscriber::filter::LevelFilter::TRACE;
            tracing_subscriber::registry().with(everything).with(lines).init();
            log
        });
        &LOG
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_secrets_reach_no_span_no_log_no_fact_and_no_metric() {
    let log = Log::of_process();
    let watched = Watched::begin().await;
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(1_000, 10).await;
    let gateway = GatewayClient::new(&format!("http://{}", shop.address())).unwrap();
    let mut secrets = Secrets::known();

    let customer = join(&shop, &gateway, &mut secrets).await;
    let card = keep_house(&customer).await;
    order(&customer, &offer, &card).await;
    be_refused(&gateway, &customer, &offer).await;
    break_down(shop.data(), &gateway, &customer).await;
    eventually("the failure was logged", async || log.text().contains("no such table")).await;

    let facts = facts(shop.data());
    if let Some(broker) = shop.broker() {
        let told = told(shop.data());
        assert!(told > 0);
        eventually("all facts are published", async || reader(broker).1 >= told).await;
        secrets.absent_from("a record", &records(broker, told));
    }
    shop.close().await;
    let (collector, metrics) = watched.end().await;
    let (spans, logged) = (format!("{:#?}", collector.spans()), log.text());
    assert!(
        spans.contains("bojagi.user.v1.SessionService/SignIn") && logged.contains("TRACE") && facts.contains("Order")
    );
    secrets.absent_from("a span", &spans);
    secrets.absent_from("a fact", &facts);
    assert!(spans.contains(STATE) && facts.contains(STATE), "what belongs to a trace goes with it");
    secrets.add(STATE);
    secrets.absent_from("a reported metric", &format!("{:#?}", collector.metrics()));
    secrets.absent_from("a metric", &metrics.text().unwrap());
    secrets.absent_from("the log", &logged);
}

/// Signs up, in, and in again; answers the customer.
async fn join(shop: &Shop, gateway: &GatewayClient, secrets: &mut Secrets) -> GatewayClient {
    let sign_up = SignUpRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        name: RECIPIENT.into(),
        phone: PHONE.into(),
        kind: AccountKind::Customer.into(),
    };
    gateway.accounts().sign_up(sign_up).await.unwrap();
    let mailbox = shop.data().join("mailbox");
    let link = people::link_in_mail(&mailbox, EMAIL, 0).await.unwrap();
    secrets.add(&link);
    people::verify_email(gateway, &link).await.unwrap();

    let sign_in =
        |password: &str| SignInRequest { email: EMAIL.into(), password: password.into(), device_name: DEVICE.into() };
    let tokens = gateway.sessions().sign_in(sign_in(PASSWORD)).await.unwrap().into_inner().tokens.unwrap();
    let refresh = RefreshSessionRequest { refresh_token: tokens.refresh_token.clone() };
    let renewed = gateway.sessions().refresh_session(refresh).await.unwrap().into_inner().tokens.unwrap();
    for token in [&tokens.access_token, &tokens.refresh_token, &renewed.access_token, &renewed.refresh_token] {
        secrets.add(token);
        // The signature alone is enough to find a token that was cut at a dot.
        secrets.add(token.rsplit('.').next().unwrap());
    }

    gateway.accounts().request_password_reset(RequestPasswordResetRequest { email: EMAIL.into() }).await.unwrap();
    let reset = people::link_in_mail(&mailbox, EMAIL, 1).await.unwrap();
    secrets.add(&reset);
    gateway.signed_in(&renewed.access_token).unwrap()
}

/// Keeps an address and a card; answers the card.
async fn keep_house(customer: &GatewayClient) -> String {
    let address = Address {
        label: STREET.into(),
        recipient_name: RECIPIENT.into(),
        phone: PHONE.into(),
        postal_code: "04524".into(),
        line1: STREET.into(),
        line2: FLAT.into(),
        ..Address::default()
    };
    let request_id = Uuid::now_v7().to_string();
    let request = AddAddressRequest { request_id, address: Some(address), make_default: true };
    customer.addresses().add_address(request).await.unwrap();
    let answer = customer.payment_methods().add_payment_method(method("tok_approve", "0006", RECIPIENT)).await.unwrap();
    answer.into_inner().payment_method.unwrap().id
}

fn method(provider_token: &str, last_four: &str, issuer: &str) -> AddPaymentMethodRequest {
    AddPaymentMethodRequest {
        request_id: Uuid::now_v7().to_string(),
        provider_token: provider_token.into(),
        r#type: PaymentMethodType::CreditCard.into(),
        issuer: issuer.into(),
        last_four: last_four.into(),
    }
}

fn wish(offer: &Offer, quantity: i64, card: &str) -> PlaceOrderRequest {
    let delivery_address = DeliveryAddress {
        recipient: RECIPIENT.into(),
        phone: PHONE.into(),
        postal_code: "04524".into(),
        line1: STREET.into(),
        line2: FLAT.into(),
    };
    PlaceOrderRequest { delivery_address: Some(delivery_address), ..Wish::of(offer, quantity, card).request() }
}

/// One order that goes well, and one that fails on its way.
async fn order(customer: &GatewayClient, offer: &Offer, card: &str) {
    for (quantity, failure) in [(1, None), (999, Some("OUT_OF_STOCK"))] {
        let trace = TraceContext::root().with_tracestate(STATE);
        let placed = trace.scope(async { customer.orders().place_order(wish(offer, quantity, card)).await }).await;
        let order = placed.unwrap().into_inner().order.unwrap();
        // One that fails may have given everything back by the time it is shown.
        let ends: &[_] =
            if failure.is_none() { &[OrderState::Confirmed] } else { &[OrderState::Failed, OrderState::Cancelled] };
        assert!(ends.contains(&order.state()), "{order:?}");
        assert_eq!(order.failure.as_ref().map(|failure| &*failure.reason), failure);
    }
    let line =
        AddCartLineRequest { request_id: Uuid::now_v7().to_string(), option_id: offer.option_id.clone(), quantity: 1 };
    customer.carts().add_cart_line(line).await.unwrap();
    let checked_out = customer.carts().check_out_cart(check_out(wish(offer, 1, card))).await.unwrap().into_inner();
    assert_eq!(checked_out.order.unwrap().state(), OrderState::Confirmed);
    let lines = wish(offer, 1, card).lines;
    let draft = CreateDraftRequest { request_id: Uuid::now_v7().to_string(), lines };
    let draft = customer.orders().create_draft(draft).await.unwrap().into_inner().order.unwrap();
    let confirmed = customer.orders().confirm_draft(confirm(&draft, wish(offer, 1, card))).await.unwrap().into_inner();
    assert_eq!(confirmed.order.unwrap().state(), OrderState::Confirmed);
    // Her own page is where order knows an address.
    let page = customer.pages().get_my_page(GetMyPageRequest {}).await.unwrap().into_inner();
    assert_eq!(page.profile.map(|profile| profile.email), Some(EMAIL.to_owned()));
}

/// The same order, of a draft.
fn confirm(draft: &Order, wish: PlaceOrderRequest) -> ConfirmDraftRequest {
    let PlaceOrderRequest { request_id, expected_discount, tender, delivery_address, wait, .. } = wish;
    ConfirmDraftRequest {
        request_id,
        order_id: draft.id.clone(),
        seen_version: draft.version,
        expected_discount,
        tender,
        delivery_address,
        wait,
        ..Default::default()
    }
}

/// The same order, of the cart.
fn check_out(wish: PlaceOrderRequest) -> CheckOutCartRequest {
    let PlaceOrderRequest { request_id, expected_discount, tender, delivery_address, wait, .. } = wish;
    CheckOutCartRequest {
        request_id,
        seen_revision: 1,
        expected_discount,
        tender,
        delivery_address,
        wait,
        ..Default::default()
    }
}

/// Everything that is refused: wrong passwords, forged tokens, fields that hold what they must not.
async fn be_refused(gateway: &GatewayClient, customer: &GatewayClient, offer: &Offer) {
    let refused = |what: &str, refused: bool| assert!(refused, "{what} went through");
    let sign_in = SignInRequest { email: EMAIL.into(), password: WRONG_PASSWORD.into(), device_name: DEVICE.into() };
    refused("a wrong password", gateway.sessions().sign_in(sign_in).await.is_err());
    let change = ChangePasswordRequest { current_password: WRONG_PASSWORD.into(), new_password: NEW_PASSWORD.into() };
    refused("a wrong password", customer.accounts().change_password(change).await.is_err());
    let verify = VerifyEmailRequest { token: FORGED_TOKEN.into() };
    refused("a forged link", gateway.accounts().verify_email(verify).await.is_err());
    let reset = ResetPasswordRequest { token: FORGED_TOKEN.into(), new_password: NEW_PASSWORD.into() };
    refused("a forged link", gateway.accounts().reset_password(reset).await.is_err());
    let refresh = RefreshSessionRequest { refresh_token: FORGED_TOKEN.into() };
    refused("a forged token", gateway.sessions().refresh_session(refresh).await.is_err());
    let stranger = gateway.signed_in(FORGED_TOKEN).unwrap();
    refused("a forged token", stranger.accounts().get_me(GetMeRequest {}).await.is_err());

    let update = UpdateMeRequest { name: String::new(), phone: format!("{PHONE} {CARD}"), update_mask: None };
    refused("a telephone number with a card", customer.accounts().update_me(update).await.is_err());
    for method in [method(PROVIDER_TOKEN, CARD, CARD), method(CARD, CARD, EMAIL), method("", CARD, EMAIL)] {
        refused("a card number", customer.payment_methods().add_payment_method(method).await.is_err());
    }
    let mut order = wish(offer, -1, CARD);
    order.order_issued_coupon_id = EMAIL.into();
    order.request_id = PASSWORD.into();
    refused("an order of nothing", customer.orders().place_order(order).await.is_err());
    let sign_up = SignUpRequest { email: format!("{EMAIL} {CARD}"), password: "canary".into(), ..Default::default() };
    refused("a sign-up", gateway.accounts().sign_up(sign_up).await.is_err());
    // Too late for an answer.
    let hurried = customer.with_timeout(Duration::from_millis(1));
    let _answer = hurried.orders().place_order(wish(offer, 1, CARD)).await;
    // A method that is not there, with a secret behind it.
    let path = format!("http://{}/bojagi.user.v1.AccountService/NoSuchMethod?key={PASSWORD}", gateway.authority());
    let mut stranger =
        tonic::client::Grpc::new(tonic::transport::Endpoint::from_shared(path.clone()).unwrap().connect_lazy());
    stranger.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = path.parse::<http::Uri>().unwrap().path_and_query().unwrap().clone();
    refused("an unknown method", stranger.unary(tonic::Request::new(()), path, codec).await.is_err());
}

/// The database of user breaks in the middle of everything.
async fn break_down(data: &Path, gateway: &GatewayClient, customer: &GatewayClient) {
    let users = Connection::open(data.join("user.sqlite")).unwrap();
    users.busy_timeout(Duration::from_secs(10)).unwrap();
    users.execute_batch("ALTER TABLE account RENAME TO account_gone").unwrap();
    let sign_in = SignInRequest { email: EMAIL.into(), password: PASSWORD.into(), device_name: DEVICE.into() };
    assert_eq!(gateway.sessions().sign_in(sign_in).await.unwrap_err().code(), tonic::Code::Internal);
    let sign_up = SignUpRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        name: RECIPIENT.into(),
        phone: PHONE.into(),
        kind: AccountKind::Customer.into(),
    };
    assert!(gateway.accounts().sign_up(sign_up).await.is_err());
    assert!(customer.accounts().close_account(CloseAccountRequest::default()).await.is_err());
    users.execute_batch("ALTER TABLE account_gone RENAME TO account").unwrap();
}

/// How many facts were told, in all stores.
fn told(data: &Path) -> i64 {
    let facts = |context: &str| {
        let store = Connection::open(data.join(format!("{context}.sqlite"))).unwrap();
        store.query_row("SELECT count(*) FROM outbox", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    CONTEXTS.into_iter().map(facts).sum()
}

/// Somebody who reads all that a shop has told over a broker from its beginning, and how many records that is.
fn reader(broker: &Broker) -> (BaseConsumer, i64) {
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &broker.bootstrap)
        .set("group.id", format!("{}reader", broker.prefix))
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = reader.fetch_metadata(None, BROKERS_PATIENCE).unwrap();
    let (mut partitions, mut records) = (TopicPartitionList::new(), 0);
    for topic in metadata.topics().iter().filter(|topic| topic.name().starts_with(&broker.prefix)) {
        for partition in topic.partitions() {
            partitions.add_partition_offset(topic.name(), partition.id(), Offset::Beginning).unwrap();
            records += reader.fetch_watermarks(topic.name(), partition.id(), BROKERS_PATIENCE).unwrap().1;
        }
    }
    reader.assign(&partitions).unwrap();
    (reader, records)
}

/// The keys, headers and messages of so many records, as their bytes.
fn records(broker: &Broker, records: i64) -> String {
    let (reader, _) = reader(broker);
    let mut text = String::new();
    let mut take = |bytes: Option<&[u8]>| {
        text.push_str(&String::from_utf8_lossy(bytes.unwrap_or_default()));
        text.push('\n');
    };
    for _ in 0..records {
        let record = reader.poll(BROKERS_PATIENCE).unwrap().unwrap();
        take(record.key());
        take(record.payload());
        for header in record.headers().unwrap().iter() {
            take(Some(header.key.as_bytes()));
            take(header.value);
        }
    }
    text
}

/// All that was told, and what became of it, in every store: the columns as they are, the messages as their bytes.
fn facts(data: &Path) -> String {
    let mut facts = String::new();
    for context in CONTEXTS {
        let store = Connection::open(data.join(format!("{context}.sqlite"))).unwrap();
        for table in ["outbox", "set_aside", "inbox", "consumer_position"] {
            let mut rows = store.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = rows.column_count();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    match row.get_ref(column).unwrap() {
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                            facts.push_str(&String::from_utf8_lossy(bytes));
                            facts.push('\n');
                        }
                        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {}
                    }
                }
            }
        }
    }
    facts
}
