//! A mesh of its own behind its gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use bojagi::{Mesh, MeshSettings, Options};
use bojagi_api::coupon::{Coupon, CreateCouponRequest};
use bojagi_api::item::{
    CreateCategoryRequest, CreateItemRequest, CreateStoreRequest, GetStockRequest, OptionDraft, Stock,
};
use bojagi_api::policy::Role;
use bojagi_api::settlement::{CloseStatementsRequest, CloseStatementsResponse};
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, SystemClock};
use bojagi_testkit::{TestAccount, TestKey, eventually};
use bojagi_verify::{Report, Scope};
use rusqlite::Connection;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use crate::broker::Broker;
use crate::noon::SinceNoon;
use crate::person::Person;
use crate::won;

/// A mesh in a temporary folder, called through its gateway over the wire.
pub struct Shop {
    mesh: Option<Mesh>,
    folder: Arc<TempDir>,
    gateway: Channel,
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    key: TestKey,
    broker: Option<Broker>,
}

/// Something that can be bought.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The option.
    pub option_id: String,
    /// The item.
    pub item_id: String,
    /// The store.
    pub store_id: String,
    /// Won for one.
    pub price: i64,
}

impl Shop {
    /// Opens an empty shop.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn open() -> Self {
        Self::open_in(Arc::new(TempDir::new().unwrap())).await
    }

    /// Opens an empty shop in which no day ends by itself while a test looks.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn open_at_noon() -> Self {
        Self::open_at(Arc::new(TempDir::new().unwrap()), Arc::new(SinceNoon::begin()), |_| ()).await
    }

    /// Opens an empty shop with other settings than the defaults.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn open_with(change: impl FnOnce(&mut MeshSettings)) -> Self {
        Self::open_at(Arc::new(TempDir::new().unwrap()), Arc::new(SystemClock), change).await
    }

    /// Opens a shop on a folder that may have been used before.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn open_in(folder: Arc<TempDir>) -> Self {
        Self::open_at(folder, Arc::new(SystemClock), |_| ()).await
    }

    /// Opens a shop on a folder that may have been used before, at the time of a clock, with other settings than the defaults.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn open_at(folder: Arc<TempDir>, clock: Arc<dyn Clock>, change: impl FnOnce(&mut MeshSettings)) -> Self {
        let mut settings = MeshSettings::defaults().unwrap();
        // Nothing is left out or given up because a busy machine was slow.
        settings.order.page_patience_milliseconds = 20_000;
        settings.order.compare_timeout_milliseconds = 20_000;
        settings.order.deadline_seconds = 600;
        settings.mesh.stop_seconds = 60;
        let broker = Broker::for_shop_in(folder.path());
        if let Some(broker) = &broker {
            broker.carries_facts_of(&mut settings);
        }
        change(&mut settings);
        let options = Options {
            data: folder.path().to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Arc::clone(&clock),
            settings,
        };
        let mesh = Mesh::start(options).await.unwrap();
        let address = mesh.address();
        Self { mesh: Some(mesh), broker, ..Self::attach_at(folder, address, clock).await }
    }

    /// A shop that another process runs on a folder.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn attach(folder: Arc<TempDir>, address: SocketAddr) -> Self {
        Self::attach_at(folder, address, Arc::new(SystemClock)).await
    }

    async fn attach_at(folder: Arc<TempDir>, address: SocketAddr, clock: Arc<dyn Clock>) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let gateway = endpoint.connect().await.unwrap();
        let key = signing_key(folder.path());
        let shop = Self { mesh: None, folder, gateway, address, clock, key, broker: None };
        // Tokens hold as soon as the verifier has fetched the keys.
        let somebody = shop.person(&[Role::Customer]);
        eventually("the keys are known", async || somebody.balance().await.is_ok()).await;
        shop
    }

    /// Where the gateway listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The broker that its facts travel over, if they do.
    #[must_use]
    pub const fn broker(&self) -> Option<&Broker> {
        self.broker.as_ref()
    }

    /// The channel to the gateway, without a token.
    #[must_use]
    pub fn gateway(&self) -> Channel {
        self.gateway.clone()
    }

    /// The mesh.
    ///
    /// # Panics
    /// After it was closed.
    #[must_use]
    pub fn mesh(&self) -> &Mesh {
        self.mesh.as_ref().unwrap()
    }

    /// The key that the shop signs access tokens with.
    #[must_use]
    pub const fn key(&self) -> &TestKey {
        &self.key
    }

    /// A new account with a token that the shop's own key has signed, so that a thousand people need no sign-up.
    #[must_use]
    pub fn person(&self, roles: &[Role]) -> Person {
        let account =
            TestAccount { account_id: AccountId::generate(), session_id: Uuid::now_v7(), roles: roles.to_vec() };
        self.returning(&account)
    }

    /// Somebody with a fresh token, such as after the shop was closed and opened again.
    #[must_use]
    pub fn returning(&self, account: &TestAccount) -> Person {
        self.with_token(account, &self.key.token(account, self.clock.now()))
    }

    /// Somebody with whatever token.
    #[must_use]
    pub fn with_token(&self, account: &TestAccount, token: &str) -> Person {
        Person::new(account.clone(), token.to_owned(), self.gateway())
    }

    /// A customer with points.
    ///
    /// # Panics
    /// When the points cannot be bought.
    pub async fn buyer(&self, points: i64) -> Person {
        let buyer = self.person(&[Role::Customer]);
        let card = buyer.card("tok_approve").await;
        buyer.charge(points, &card).await;
        buyer
    }

    /// Something of a new store of a new seller.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn offer(&self, price: i64, stock: i64) -> (Person, Offer) {
        let seller = self.person(&[Role::Seller]);
        let offer = self.offer_of(&seller, price, stock).await;
        (seller, offer)
    }

    /// Something of a new store of this seller.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn offer_of(&self, seller: &Person, price: i64, stock: i64) -> Offer {
        let name = Uuid::now_v7().to_string();
        let request_id = || Uuid::now_v7().to_string();
        let store =
            CreateStoreRequest { request_id: request_id(), name: format!("Store {name}"), ..Default::default() };
        let store_id = seller.stores().create_store(store).await.unwrap().into_inner().store.unwrap().store_id;
        let admin = self.person(&[Role::Admin]);
        let category = CreateCategoryRequest { request_id: request_id(), name: format!("Category {name}") };
        let category = admin.catalogue().create_category(category).await.unwrap().into_inner().category.unwrap();
        let option = OptionDraft { name: "one".into(), price: Some(won(price)), stock, ..Default::default() };
        let item = CreateItemRequest {
            request_id: request_id(),
            store_id: store_id.clone(),
            category_id: category.category_id,
            name: format!("Item {name}"),
            options: vec![option],
            ..Default::default()
        };
        let item = seller.catalogue().create_item(item).await.unwrap().into_inner().item.unwrap();
        Offer { option_id: item.options[0].option_id.clone(), item_id: item.item_id, store_id, price }
    }

    /// Makes a coupon.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn coupon(&self, coupon: Coupon) -> String {
        let request = CreateCouponRequest { request_id: Uuid::now_v7().to_string(), coupon: Some(coupon) };
        let admin = self.person(&[Role::Admin]);
        admin.coupons().create_coupon(request).await.unwrap().into_inner().coupon.unwrap().coupon_id
    }

    /// Closes what was booked so far.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn close_day(&self) -> CloseStatementsResponse {
        let request = CloseStatementsRequest { request_id: Uuid::now_v7().to_string(), cut_off: None };
        let admin = self.person(&[Role::Admin]);
        admin.settlements().close_statements(request).await.unwrap().into_inner()
    }

    /// The stock of an option, exactly.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn stock(&self, offer: &Offer) -> Stock {
        let request = GetStockRequest { option_id: offer.option_id.clone() };
        self.person(&[]).stock().get_stock(request).await.unwrap().into_inner().stock.unwrap()
    }

    /// Waits until nothing is under way any more, and checks every invariant.
    ///
    /// # Panics
    /// When an invariant does not hold at rest.
    pub async fn verify(&self) {
        let check = || bojagi_verify::check(self.data(), Scope::AtRest).unwrap();
        eventually("the shop is at rest and all invariants hold", async || check().holds()).await;
    }

    /// What the checker says right now about what holds at any moment.
    ///
    /// # Panics
    /// When the files cannot be read.
    #[must_use]
    pub fn check_moving(&self) -> Report {
        bojagi_verify::check(self.data(), Scope::AnyMoment).unwrap()
    }

    /// Closes the shop; the folder can be opened again.
    ///
    /// # Panics
    /// When it does not end cleanly.
    pub async fn close(mut self) -> Arc<TempDir> {
        assert!(self.mesh.take().unwrap().stop().await, "the mesh ends cleanly");
        Arc::clone(&self.folder)
    }
}

/// The key that signs now, out of the store of user: the first one that is not at rest.
fn signing_key(data: &Path) -> TestKey {
    let users = Connection::open(data.join("user.sqlite")).unwrap();
    let sql = "SELECT kid, seed FROM signing_key WHERE seed IS NOT NULL ORDER BY generation LIMIT 1";
    let (kid, seed): (String, [u8; 32]) = users.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    TestKey::new(&kid, &seed)
}
