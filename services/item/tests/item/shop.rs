//! A shop to test with: one seller with a store and a category, buyers who ask as order does, and what was told.

use bojagi_api::common::{Money, TimeRange};
use bojagi_api::item as api;
use bojagi_api::item::catalog_service_client::CatalogServiceClient;
use bojagi_api::item::stock_service_client::StockServiceClient;
use bojagi_api::item::store_service_client::StoreServiceClient;
use bojagi_api::order as order_api;
use bojagi_api::policy::Role;
use bojagi_chassis::Channel;
use bojagi_item::Config;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{AccountChannel, Publisher, Rig, TestAccount, eventually};

/// Everything a test needs of a shop.
pub(crate) struct Shop {
    pub(crate) rig: Rig,
    pub(crate) seller: TestAccount,
    pub(crate) admin: TestAccount,
    pub(crate) orders: Publisher,
    pub(crate) users: Publisher,
    pub(crate) store_id: String,
    pub(crate) category_id: String,
}

/// A new request id.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// An amount in won.
pub(crate) fn won(minor_units: i64) -> Money {
    Money { currency_code: "KRW".into(), minor_units }
}

/// A new option as a seller describes it.
pub(crate) fn draft(name: &str, price: i64, stock: i64) -> api::OptionDraft {
    api::OptionDraft { name: name.into(), price: Some(won(price)), stock, ..Default::default() }
}

/// The draft that keeps an option as it is.
pub(crate) fn kept(option: &api::Option) -> api::OptionDraft {
    api::OptionDraft {
        option_id: option.option_id.clone(),
        name: option.name.clone(),
        price: option.price.clone(),
        stock: 0,
        sale_window: option.sale_window,
        per_customer_limit: option.per_customer_limit,
    }
}

/// A line that asks for pieces of an option at the price that it shows.
pub(crate) fn line(option: &api::Option, quantity: i64) -> api::ReserveStockLine {
    api::ReserveStockLine {
        order_line_id: new_id(),
        option_id: option.option_id.clone(),
        quantity,
        expected_unit_price: option.price.clone(),
    }
}

/// What a new order of a new customer asks for.
pub(crate) fn order(lines: Vec<api::ReserveStockLine>) -> api::ReserveStockRequest {
    api::ReserveStockRequest { order_id: new_id(), customer_id: new_id(), lines }
}

impl Shop {
    /// A shop whose store has no items yet.
    pub(crate) async fn open() -> Self {
        Self::on(Rig::new(), Config::default()).await
    }

    /// The same on a rig, with settings.
    pub(crate) async fn on(rig: Rig, config: Config) -> Self {
        let (orders, users) = (rig.publisher("bojagi.order.v1").await, rig.publisher("bojagi.user.v1").await);
        serve(&rig, config).await;
        let (seller, admin) = (rig.account(&[Role::Seller]), rig.account(&[Role::Admin]));
        let mut shop = Self { rig, seller, admin, orders, users, store_id: String::new(), category_id: String::new() };
        shop.store_id = shop.new_store("The kiln").await.store_id;
        shop.category_id = shop.new_category("Pottery").await.category_id;
        shop
    }

    /// Another process on the same store.
    pub(crate) async fn beside(&self, config: Config) -> Self {
        let rig = self.rig.beside();
        rig.follow(self.orders.log());
        rig.follow(self.users.log());
        serve(&rig, config).await;
        let (store_id, category_id) = (self.store_id.clone(), self.category_id.clone());
        let (seller, admin) = (self.seller.clone(), self.admin.clone());
        Self { rig, seller, admin, orders: self.orders.clone(), users: self.users.clone(), store_id, category_id }
    }

    /// Ends everything as `kill -9` would and starts it again.
    pub(crate) async fn crash(self) -> Self {
        let rig = self.rig.crash().await;
        let (orders, users) = (rig.publisher("bojagi.order.v1").await, rig.publisher("bojagi.user.v1").await);
        serve(&rig, Config::default()).await;
        Self { rig, orders, users, ..self }
    }

    pub(crate) fn stores(&self, account: &TestAccount) -> StoreServiceClient<AccountChannel> {
        StoreServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn catalog(&self, account: &TestAccount) -> CatalogServiceClient<AccountChannel> {
        CatalogServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn public_catalog(&self) -> CatalogServiceClient<AccountChannel> {
        CatalogServiceClient::new(self.rig.anonymous())
    }

    pub(crate) fn stock(&self, account: &TestAccount) -> StockServiceClient<AccountChannel> {
        StockServiceClient::new(self.rig.calling_as(account))
    }

    /// Stock as order asks it.
    pub(crate) fn reservations(&self) -> StockServiceClient<Channel> {
        StockServiceClient::new(self.rig.workload("order"))
    }

    pub(crate) async fn new_store(&self, name: &str) -> api::Store {
        let request = api::CreateStoreRequest { request_id: new_id(), name: name.into(), description: String::new() };
        self.stores(&self.seller).create_store(request).await.unwrap().into_inner().store.unwrap()
    }

    pub(crate) async fn new_category(&self, name: &str) -> api::Category {
        let request = api::CreateCategoryRequest { request_id: new_id(), name: name.into() };
        self.catalog(&self.admin).create_category(request).await.unwrap().into_inner().category.unwrap()
    }

    /// What creates an item in the shop's store.
    pub(crate) fn item_request(&self, name: &str, options: Vec<api::OptionDraft>) -> api::CreateItemRequest {
        api::CreateItemRequest {
            request_id: new_id(),
            store_id: self.store_id.clone(),
            category_id: self.category_id.clone(),
            name: name.into(),
            description: "Made by hand".into(),
            thumbnail_url: "https://example.com/mug.jpg".into(),
            options,
        }
    }

    pub(crate) async fn new_item(&self, name: &str, options: Vec<api::OptionDraft>) -> api::Item {
        let request = self.item_request(name, options);
        self.catalog(&self.seller).create_item(request).await.unwrap().into_inner().item.unwrap()
    }

    /// An option of an item of its own.
    pub(crate) async fn new_option(&self, stock: i64) -> api::Option {
        self.new_item(&new_id(), vec![draft("only", 5_000, stock)]).await.options.remove(0)
    }

    pub(crate) async fn update_options(&self, item: &api::Item, options: Vec<api::OptionDraft>) -> api::Item {
        let request = api::UpdateItemRequest {
            request_id: new_id(),
            item_id: item.item_id.clone(),
            options,
            ..Default::default()
        };
        self.catalog(&self.seller).update_item(request).await.unwrap().into_inner().item.unwrap()
    }

    /// The count of an option, whether it is active or not: available, reserved, sold, put in.
    pub(crate) async fn counts(&self, option_id: &str) -> (i64, i64, i64, i64) {
        let option_id: Uuid = option_id.parse().unwrap();
        let counts: Result<_, Error> = self
            .rig
            .store("item")
            .read(async move |tx: &mut Tx| {
                tx.fetch_one(
                    "SELECT available, reserved, sold, put_in FROM stock WHERE option_id = ?1",
                    params![option_id],
                )
                .await
            })
            .await;
        counts.unwrap()
    }

    /// The facts of a type that were told about an aggregate, in order.
    pub(crate) async fn told<M: prost::Message + prost::Name + Default>(&self, aggregate_id: &str) -> Vec<M> {
        let aggregate_id: Uuid = aggregate_id.parse().unwrap();
        let event_type = M::full_name();
        let payloads: Result<Vec<(Vec<u8>,)>, Error> = self
            .rig
            .store("item")
            .read(async move |tx: &mut Tx| {
                tx.fetch_all(
                    "SELECT payload FROM outbox WHERE aggregate_id = ?1 AND event_type = ?2 ORDER BY sequence",
                    params![aggregate_id, event_type],
                )
                .await
            })
            .await;
        payloads.unwrap().into_iter().map(|(payload,)| M::decode(payload.as_slice()).unwrap()).collect()
    }

    pub(crate) async fn confirm(&self, asked: &api::ReserveStockRequest) {
        let fact = order_api::OrderConfirmed { order_id: asked.order_id.clone(), ..Default::default() };
        self.orders.tell(asked.order_id.parse().unwrap(), &fact).await;
    }

    pub(crate) async fn fail(&self, asked: &api::ReserveStockRequest) {
        let fact = order_api::OrderFailed {
            order_id: asked.order_id.clone(),
            customer_id: asked.customer_id.clone(),
            ..Default::default()
        };
        self.orders.tell(asked.order_id.parse().unwrap(), &fact).await;
    }

    pub(crate) async fn cancel(&self, asked: &api::ReserveStockRequest) {
        let fact = order_api::OrderCancelled {
            order_id: asked.order_id.clone(),
            customer_id: asked.customer_id.clone(),
            ..Default::default()
        };
        self.orders.tell(asked.order_id.parse().unwrap(), &fact).await;
    }

    /// Waits until the release of an order is told, and answers it.
    pub(crate) async fn released(&self, asked: &api::ReserveStockRequest) -> api::StockReleased {
        let order_id = asked.order_id.as_str();
        eventually("the release is told", async || !self.told::<api::StockReleased>(order_id).await.is_empty()).await;
        self.told::<api::StockReleased>(order_id).await.remove(0)
    }

    /// Waits until the sale of an order is told.
    pub(crate) async fn sold(&self, asked: &api::ReserveStockRequest) -> api::StockSold {
        let order_id = asked.order_id.as_str();
        eventually("the sale is told", async || !self.told::<api::StockSold>(order_id).await.is_empty()).await;
        self.told::<api::StockSold>(order_id).await.remove(0)
    }
}

async fn serve(rig: &Rig, config: Config) {
    let context = rig.context("item", bojagi_item::MIGRATIONS).await;
    let service = bojagi_item::build(context, rig.channel("item"), config).await.unwrap();
    rig.start([(service, bojagi_item::TOPIC)]).await;
}

/// A sale window around the rig's clock.
pub(crate) fn window(opens_at: Option<i64>, closes_at: Option<i64>) -> TimeRange {
    let timestamp = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
    TimeRange { starts_at: opens_at.map(timestamp), ends_at: closes_at.map(timestamp) }
}
