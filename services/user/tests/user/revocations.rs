//! The stream of revocations.

use bojagi_api::user::session_service_client::SessionServiceClient;
use bojagi_api::user::watch_revocations_response::Revocation;
use bojagi_api::user::{SignOutRequest, SuspendUserRequest, WatchRevocationsRequest, WatchRevocationsResponse};
use bojagi_chassis::Channel;
use bojagi_chassis::tokens::TokenFault;
use bojagi_testkit::{eventually, reason};
use bojagi_user::Config;
use std::time::Duration;
use tonic::{Code, Streaming};

use crate::shop::{PASSWORD, Person, Shop, config};

fn gateway(shop: &Shop) -> SessionServiceClient<Channel> {
    SessionServiceClient::new(shop.rig.workload("gateway"))
}

async fn watch(shop: &Shop, cursor: &str) -> Streaming<WatchRevocationsResponse> {
    let request = WatchRevocationsRequest { cursor: cursor.to_owned() };
    gateway(shop).watch_revocations(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchRevocationsResponse>) -> WatchRevocationsResponse {
    tokio::time::timeout(Duration::from_secs(10), stream.message()).await.unwrap().unwrap().unwrap()
}

fn session(person: &Person) -> Option<Revocation> {
    Some(Revocation::SessionId(person.tokens.session_id.clone()))
}

async fn sign_out(shop: &Shop, person: &Person) {
    shop.sessions_of(person).sign_out(SignOutRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_watcher_hears_everything_once_over_a_reconnect() {
    let shop = Shop::open().await;
    let first = shop.customer("mi.ja@example.com").await;
    let second = shop.sign_in(&first.email, PASSWORD).await.unwrap();
    let third = shop.sign_in(&first.email, PASSWORD).await.unwrap();

    let mut stream = watch(&shop, "").await;
    assert_eq!(next(&mut stream).await.revocation, None);
    sign_out(&shop, &first).await;
    let heard = next(&mut stream).await;
    assert_eq!(heard.revocation, session(&first));
    assert!(heard.expires_at.unwrap().seconds > first.tokens.access_token_expires_at.unwrap().seconds);
    drop(stream);

    sign_out(&shop, &second).await;
    let mut stream = watch(&shop, &heard.cursor).await;
    assert_eq!(next(&mut stream).await.revocation, session(&second));
    let sign_of_life = next(&mut stream).await;
    assert_eq!((sign_of_life.revocation, sign_of_life.expires_at), (None, None));
    sign_out(&shop, &third).await;
    assert_eq!(next(&mut stream).await.revocation, session(&third));

    let mut from_the_start = watch(&shop, "").await;
    for person in [&first, &second, &third] {
        assert_eq!(next(&mut from_the_start).await.revocation, session(person));
    }
    // What concerned tokens that have expired meanwhile does not matter any more.
    shop.rig.clock.advance(Duration::from_secs(62 * 60));
    assert_eq!(next(&mut watch(&shop, "").await).await.revocation, None);
}

#[tokio::test]
async fn tokens_that_hold_for_less_from_now_on_bring_no_longer_one_back() {
    let for_minutes = |minutes| Config { access_token_minutes: minutes, ..config() };
    let before = Shop::open_with(for_minutes(60)).await;
    let gone = before.customer("mi.ja@example.com").await;
    let shop = before.beside(for_minutes(1)).await;
    sign_out(&shop, &gone).await;

    shop.rig.clock.advance(Duration::from_secs(59 * 60));
    let again = shop.sign_in(&gone.email, PASSWORD).await.unwrap();
    let elsewhere = shop.another_verifier(&again.tokens.access_token).await;
    eventually("the token is void", async || {
        matches!(elsewhere.verify(&gone.tokens.access_token), Err(TokenFault::Revoked))
    })
    .await;
}

#[tokio::test]
async fn suspension_voids_an_account_by_one_revocation() {
    let shop = Shop::open().await;
    let admin = shop.admin().await;
    let person = shop.customer("mi.ja@example.com").await;
    let mut stream = watch(&shop, "").await;
    while next(&mut stream).await.revocation.is_some() {}

    let account_id = person.account.account_id.clone();
    let suspend = SuspendUserRequest { account_id: account_id.clone(), reason: "fraud".into() };
    shop.accounts_of(&admin).suspend_user(suspend).await.unwrap();
    let Some(Revocation::Account(revoked)) = next(&mut stream).await.revocation else { panic!("no account") };
    assert_eq!(revoked.account_id, account_id);
}

#[tokio::test]
async fn a_damaged_cursor_and_an_outsider_are_refused() {
    let shop = Shop::open().await;
    for cursor in ["x", "-1", "99", "1e3", "9223372036854775808"] {
        let request = WatchRevocationsRequest { cursor: cursor.to_owned() };
        let status = gateway(&shop).watch_revocations(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"), "{cursor}");
    }
    let admin = shop.admin().await;
    let request = WatchRevocationsRequest { cursor: String::new() };
    let status = shop.sessions_of(&admin).watch_revocations(request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}
