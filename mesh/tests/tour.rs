//! The tour over a mesh of its own, and over the sample shop.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use bojagi::client::GatewayClient;
use bojagi::demo::{self, DemoRole};
use bojagi::tour::{self, Admin, Stage, Timeline};
use bojagi::{Mesh, MeshSettings, Options};
use bojagi_api::coupon::ListCouponsRequest;
use bojagi_api::item::{ListCategoriesRequest, SearchItemsRequest, SearchStoresRequest};
use bojagi_kernel::SystemClock;
use tokio::sync::OnceCell;

async fn start(data: &Path) -> (Mesh, GatewayClient) {
    let options = Options {
        data: data.to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        clock: Arc::new(SystemClock),
        settings: MeshSettings::defaults().unwrap(),
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

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_shop_is_made_once_however_often_it_is_begun() {
    let data = tempfile::tempdir().unwrap();
    let (mesh, gateway) = start(data.path()).await;

    // Cut short while everything is under way, several times.
    for patience in [150, 300, 450] {
        let begun = demo::ensure(&gateway, mesh.data(), async |email: &str| mesh.grant_admin(email).await);
        drop(tokio::time::timeout(std::time::Duration::from_millis(patience), begun).await);
    }
    let accounts =
        demo::ensure(&gateway, mesh.data(), async |email: &str| mesh.grant_admin(email).await).await.unwrap();
    assert_eq!(counts(&gateway).await, [15, 5, 45, 9]);

    // It is complete: nothing is asked of anybody any more.
    let nobody = OnceCell::new();
    let again = demo::ensure(&gateway, mesh.data(), async |_: &str| {
        drop(nobody.set(()));
        Ok(())
    });
    assert_eq!(again.await.unwrap(), accounts);
    assert!(!nobody.initialized());

    let admin = accounts.first(DemoRole::Admin).unwrap().clone();
    walk(&mesh, &gateway, Admin::SignsIn { email: admin.email, password: admin.password }).await;
    assert!(mesh.stop().await);
}
