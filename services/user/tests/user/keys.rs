//! Signing keys over time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bojagi_api::user::{GetJwksRequest, JsonWebKey};
use bojagi_testkit::eventually;

use crate::shop::{PASSWORD, Shop};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

async fn keys(shop: &Shop) -> Vec<JsonWebKey> {
    shop.sessions().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().keys
}

pub(crate) fn kid_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header = String::from_utf8(header).unwrap();
    header.split("\"kid\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_kept_until_its_last_token_is_over() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let first = keys(&shop).await;
    assert_eq!(first.len(), 1);
    let key = &first[0];
    assert_eq!(
        (key.kty.as_str(), key.alg.as_str(), key.r#use.as_str(), key.crv.as_str()),
        ("OKP", "EdDSA", "sig", "Ed25519")
    );
    assert_eq!(kid_of(&person.tokens.access_token), key.kid);

    // An hour before the first key has signed for thirty days.
    shop.rig.clock.advance(30 * DAY - 60 * MINUTE);
    eventually("the successor is published", async || keys(&shop).await.len() == 2).await;
    let both = keys(&shop).await;
    assert_eq!(both[0], first[0]);
    let before = shop.sign_in(&person.email, PASSWORD).await.unwrap();
    assert_eq!(kid_of(&before.tokens.access_token), both[0].kid);

    shop.rig.clock.advance(60 * MINUTE);
    let after = shop.sign_in(&person.email, PASSWORD).await.unwrap();
    assert_eq!(kid_of(&after.tokens.access_token), both[1].kid);
    assert_eq!(keys(&shop).await, both);

    shop.rig.clock.advance(2 * MINUTE);
    eventually("the private part of the first key is erased", async || {
        shop.count("SELECT count(*) FROM signing_key WHERE seed IS NOT NULL").await == 1
    })
    .await;
    assert_eq!(keys(&shop).await, both);
    shop.rig.clock.advance(16 * MINUTE);
    eventually("the first key is gone", async || keys(&shop).await == both[1..]).await;
}

#[tokio::test]
async fn keys_and_revocations_survive_a_crash() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let gone = shop.sign_in(&person.email, PASSWORD).await.unwrap();
    shop.sessions_of(&gone).sign_out(bojagi_api::user::SignOutRequest {}).await.unwrap();
    let before = keys(&shop).await;

    let shop = shop.crash().await;
    assert_eq!(keys(&shop).await, before);
    let elsewhere = shop.another_verifier(&person.tokens.access_token).await;
    eventually("the revocation is replayed", async || elsewhere.verify(&gone.tokens.access_token).is_err()).await;
    assert!(elsewhere.verify(&person.tokens.access_token).is_ok());
    shop.refresh(&person.tokens).await.unwrap();
}
