//! The tour over a mesh of its own, and over the sample shop.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bojagi::client::GatewayClient;
use bojagi::demo::{self, DemoAccount, DemoAccounts, DemoError, DemoRole};
use bojagi::people::{self, Person};
use bojagi::tour::{self, Admin, Stage, Timeline};
use bojagi::{Mesh, MeshSettings, Options};
use bojagi_api::coupon::ListCouponsRequest;
use bojagi_api::item::{ListCategoriesRequest, SearchItemsRequest, SearchStoresRequest};
use bojagi_api::user::{AccountKind, CloseAccountRequest};
use bojagi_kernel::SystemClock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;

async fn start(data: &Path) -> (Mesh, GatewayClient) {
    let mut settings = MeshSettings::defaults().unwrap();
    settings.mesh.stop_seconds = 60;
    let options = Options {
        data: data.to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        clock: Arc::new(SystemClock),
        settings,
    };
    let mesh = Mesh::start(options).await.unwrap();
    let gateway = GatewayClient::new(&format!("http://{}", mesh.address())).unwrap();
    (mesh, gateway)
}

async fn walk(mesh: &Mesh, gateway: &GatewayClient, admin: Admin<'_>) -> Timeline {
    let mut timeline = Timeline::silent();
    let stage = Stage { gateway: gateway.clone(), mailbox: mesh.data().join("mailbox"), admin };
    let outcome = movable(tour::run(stage, &mut timeline)).await;
    assert!(outcome.is_ok(), "{outcome:?}\n{:#?}", timeline.steps());
    timeline
}

/// The logs of stores that somebody has open; who closes a store last takes its log into the file.
fn open_stores(data: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.to_str().unwrap().ends_with("-wal")).collect()
}

/// A tour may be walked in a task of its own.
fn movable<F: Future + Send>(walk: F) -> F {
    walk
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_passes_twice_on_the_same_data_and_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;
    for _ in 0..2 {
        let granted = Admin::granted(|email: String| {
            let mesh = &mesh;
            async move { mesh.grant_admin(&email).await }
        });
        let timeline = walk(&mesh, &gateway, granted).await;
        assert!(timeline.steps().iter().all(|step| step.passed));
    }
    assert!(mesh.stop().await);
    assert_eq!(open_stores(data.path()), Vec::<PathBuf>::new());

    let (mesh, gateway) = start(data.path()).await;
    let granted = Admin::granted(|email: String| {
        let mesh = &mesh;
        async move { mesh.grant_admin(&email).await }
    });
    let timeline = walk(&mesh, &gateway, granted).await;
    let json = timeline.to_json(&Ok(()));
    assert_eq!(json["outcome"], "passed");
    assert!(json["steps"].as_array().unwrap().len() > 20);
    assert!(mesh.stop().await);
}

/// How many categories, stores, items and coupons there are.
async fn counts(gateway: &GatewayClient) -> [usize; 4] {
    let page_size = 100;
    let categories = ListCategoriesRequest { page_size, ..Default::default() };
    let stores = SearchStoresRequest { page_size, ..Default::default() };
    let items = SearchItemsRequest { page_size, ..Default::default() };
    let coupons = ListCouponsRequest { page_size, ..Default::default() };
    [
        gateway.catalog().list_categories(categories).await.unwrap().into_inner().categories.len(),
        gateway.stores().search_stores(stores).await.unwrap().into_inner().stores.len(),
        gateway.catalog().search_items(items).await.unwrap().into_inner().items.len(),
        gateway.coupons().list_coupons(coupons).await.unwrap().into_inner().coupons.len(),
    ]
}

async fn sample_shop(mesh: &Mesh, gateway: &GatewayClient) -> Result<DemoAccounts, DemoError> {
    let mailbox = mesh.data().join("mailbox");
    demo::ensure(gateway, mesh.data(), &mailbox, async |email: &str| mesh.grant_admin(email).await).await
}

/// What the sample shop leaves in a data directory beside the stores.
const LEFT: [&str; 2] = ["demo-accounts.txt", "demo-complete"];

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_shop_is_made_in_other_stores_too_and_known_again_in_each() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mesh, gateway) = start(data.path()).await;
    let accounts = sample_shop(&mesh, &gateway).await.unwrap();

    // The same data directory, as far as the sample shop knows, and empty stores.
    for file in LEFT {
        std::fs::copy(data.path().join(file), elsewhere.path().join(file)).unwrap();
    }
    let (other, other_gateway) = start(elsewhere.path()).await;
    assert_eq!(sample_shop(&other, &other_gateway).await.unwrap(), accounts);
    assert_eq!(counts(&other_gateway).await, [15, 5, 45, 9]);
    assert!(other.stop().await);

    std::fs::copy(elsewhere.path().join(LEFT[1]), data.path().join(LEFT[1])).unwrap();
    let mailbox = data.path().join("mailbox");
    let nobody = async |_: &str| panic!("nobody is made an admin");
    assert_eq!(demo::ensure(&gateway, data.path(), &mailbox, nobody).await.unwrap(), accounts);
    assert!(mesh.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_whose_passwords_are_elsewhere_stays_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;
    sample_shop(&mesh, &gateway).await.unwrap();
    for file in LEFT {
        std::fs::remove_file(data.path().join(file)).unwrap();
    }
    let taken = sample_shop(&mesh, &gateway).await.unwrap_err();
    assert!(matches!(&taken, DemoError::Taken { email } if email == "admin@bojagi.example"), "{taken}");
    assert!(
        LEFT.iter().all(|file| !data.path().join(file).exists()),
        "passwords that open nothing are not written down"
    );
    assert_eq!(counts(&gateway).await, [15, 5, 45, 9]);
    assert!(mesh.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_by_which_somebody_has_joined_stays() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;
    let haneul = Person {
        email: "haneul@bojagi.example".to_owned(),
        password: "a-password-of-her-own".to_owned(),
        name: "Haneul".to_owned(),
        kind: AccountKind::Seller,
    };
    people::join(&gateway, &data.path().join("mailbox"), &haneul).await.unwrap();

    let taken = sample_shop(&mesh, &gateway).await.unwrap_err();
    assert!(matches!(&taken, DemoError::Taken { email } if *email == haneul.email), "{taken}");
    let accounts = DemoAccounts::in_data(data.path()).unwrap();
    let admin = accounts.first(DemoRole::Admin).unwrap();
    people::sign_in(&gateway, &admin.email, &admin.password).await.unwrap();
    assert!(mesh.stop().await);
}

async fn close_account(gateway: &GatewayClient, account: &DemoAccount) {
    let member = people::sign_in(gateway, &account.email, &account.password).await.unwrap();
    let request = CloseAccountRequest { password: account.password.clone() };
    member.gateway.accounts().close_account(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_shop_whose_people_have_gone_stays_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;
    let accounts = sample_shop(&mesh, &gateway).await.unwrap();
    let mailbox = data.path().join("mailbox");
    let nobody = async |_: &str| panic!("nobody is made an admin");
    let (admin, others) = accounts.list().split_first().unwrap();

    close_account(&gateway, admin).await;
    assert_eq!(demo::ensure(&gateway, data.path(), &mailbox, nobody).await.unwrap(), accounts);
    assert_eq!(counts(&gateway).await, [15, 5, 45, 9]);

    for account in others {
        close_account(&gateway, account).await;
    }
    let settled = demo::ensure(&gateway, data.path(), &mailbox, nobody).await.unwrap_err();
    assert!(matches!(settled, DemoError::Settled(_)), "{settled}");
    for account in accounts.list() {
        let refused = people::sign_in(&gateway, &account.email, &account.password).await.unwrap_err();
        assert_eq!(refused.reason(), "BAD_CREDENTIALS");
    }
    assert!(mesh.stop().await);
}

/// A way to the mesh on which the first connection breaks.
async fn broken_at_first(mesh: &Mesh) -> GatewayClient {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let way = GatewayClient::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let gateway = mesh.address();
    tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(gateway).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    way
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_does_not_answer_for_a_moment_is_not_taken_for_another() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;
    let accounts = sample_shop(&mesh, &gateway).await.unwrap();

    let broken = broken_at_first(&mesh).await;
    let failed = sample_shop(&mesh, &broken).await.unwrap_err();
    assert!(matches!(&failed, DemoError::Join { email, .. } if email == "admin@bojagi.example"), "{failed}");
    assert_eq!(sample_shop(&mesh, &broken).await.unwrap(), accounts);
    assert!(mesh.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_shop_is_made_once_however_often_it_is_begun() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;

    // Cut short while everything is under way, several times.
    for patience in [150, 300, 450] {
        drop(tokio::time::timeout(std::time::Duration::from_millis(patience), sample_shop(&mesh, &gateway)).await);
    }
    let accounts = sample_shop(&mesh, &gateway).await.unwrap();
    assert_eq!(counts(&gateway).await, [15, 5, 45, 9]);

    // It is complete: nobody is made anything any more.
    let nobody = OnceCell::new();
    let mailbox = mesh.data().join("mailbox");
    let again = demo::ensure(&gateway, mesh.data(), &mailbox, async |_: &str| {
        drop(nobody.set(()));
        Ok(())
    });
    assert_eq!(again.await.unwrap(), accounts);
    assert!(!nobody.initialized());

    let admin = accounts.first(DemoRole::Admin).unwrap().clone();
    walk(&mesh, &gateway, Admin::SignsIn { email: admin.email, password: admin.password }).await;
    assert!(mesh.stop().await);
}
