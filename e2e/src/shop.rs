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
use bojagi_kernel::SystemClock;
use bojagi_kernel::id::AccountId;
use bojagi_testkit::{TestAccount, eventually};
use bojagi_verify::{Report, Scope};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use crate::mint::Mint;
use crate::person::Person;
use crate::won;

/// A mesh in a temporary folder, called through its gateway over the wire.
pub struct Shop {
    mesh: Option<Mesh>,
    folder: Arc<TempDir>,
    gateway: Channel,
    address: SocketAddr,
    mint: Mint,
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

    /// Opens a shop on a folder that may have been used before.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn open_in(folder: Arc<TempDir>) -> Self {
        let options = Options {
            data: folder.path().to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Arc::new(SystemClock),
            settings: MeshSettings::defaults().unwrap(),
        };
        let mesh = Mesh::start(options).await.unwrap();
        let address = mesh.address();
        Self { mesh: Some(mesh), ..Self::attach(folder, address).await }
    }

    /// A shop that another process runs on a folder.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn attach(folder: Arc<TempDir>, address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let gateway = endpoint.connect().await.unwrap();
        let mint = Mint::of(folder.path());
        let shop = Self { mesh: None, folder, gateway, address, mint };
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

    /// A new account with a token that the shop's own key has signed.
    #[must_use]
    pub fn person(&self, roles: &[Role]) -> Person {
        let account =
            TestAccount { account_id: AccountId::generate(), session_id: Uuid::now_v7(), roles: roles.to_vec() };
        let token = self.mint.token(&account);
        Person::new(account, token, self.gateway())
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
