//! Tokens that must not be taken.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bojagi_api::user::{GetJwksRequest, GetMeRequest, RefreshSessionRequest};
use bojagi_kernel::Clock;
use bojagi_testkit::{TestAccount, reason};
use tonic::Code;

use crate::shop::{Person, Shop};

/// The three parts of a token, the first two as JSON.
fn parts(token: &str) -> (String, String, String) {
    let mut parts = token.split('.');
    let mut next = || parts.next().unwrap();
    let json = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (json(next()), json(next()), next().to_owned())
}

fn token(header: &str, claims: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

async fn refusal_of(shop: &Shop, person: &Person, token: String) -> (Code, String) {
    let mut forged = person.tokens.clone();
    forged.access_token = token;
    let person = Person { email: person.email.clone(), account: person.account.clone(), tokens: forged };
    let status = shop.accounts_of(&person).get_me(GetMeRequest {}).await.unwrap_err();
    (status.code(), reason(&status))
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let (header, claims, signature) = parts(&person.tokens.access_token);
    let keys = shop.sessions().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().keys;
    let public = URL_SAFE_NO_PAD.decode(&keys[0].x).unwrap();

    let admin_claims = claims.replace("\"customer\"", "\"admin\"");
    assert_ne!(admin_claims, claims);
    let hmac_header = header.replace("EdDSA", "HS256");
    let hmac = jsonwebtoken::encode(
        &jsonwebtoken::Header {
            kid: Some(keys[0].kid.clone()),
            typ: Some("at+jwt".into()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
        },
        &bojagi_chassis::tokens::Claims {
            iss: "bojagi".into(),
            aud: "bojagi-api".into(),
            sub: person.account.account_id.clone(),
            sid: person.tokens.session_id.clone(),
            jti: "1".into(),
            iat_us: shop.rig.clock.now().micros(),
            iat: shop.rig.clock.now().seconds(),
            exp: shop.rig.clock.now().seconds() + 900,
            roles: vec!["admin".into()],
        },
        &jsonwebtoken::EncodingKey::from_secret(&public),
    )
    .unwrap();
    let account = TestAccount {
        account_id: person.account.account_id.parse().unwrap(),
        session_id: person.tokens.session_id.parse().unwrap(),
        roles: vec![bojagi_api::policy::Role::Admin],
    };
    let forged = [
        ("other claims", token(&header, &admin_claims, &signature)),
        ("no algorithm", token(&header.replace("EdDSA", "none"), &claims, "")),
        ("another algorithm, old signature", token(&hmac_header, &claims, &signature)),
        ("the public key as a shared secret", hmac),
        ("an unknown key", shop.rig.key.token(&account, shop.rig.clock.now())),
        ("another type", token(&header.replace("at+jwt", "JWT"), &claims, &signature)),
        ("a bent signature", token(&header, &claims, &signature.chars().rev().collect::<String>())),
        ("no signature", token(&header, &claims, "")),
        ("a refresh token", person.tokens.refresh_token.clone()),
        ("nothing", "x".into()),
    ];
    for (what, forged) in forged {
        let refused = refusal_of(&shop, &person, forged).await;
        assert_eq!(refused, (Code::Unauthenticated, "TOKEN_INVALID".to_owned()), "{what}");
    }
    shop.accounts_of(&person).get_me(GetMeRequest {}).await.unwrap();
}

#[tokio::test]
async fn an_access_token_refreshes_nothing() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let (_, _, signature) = parts(&person.tokens.access_token);
    let request = RefreshSessionRequest { refresh_token: signature };
    assert_eq!(reason(&shop.sessions().refresh_session(request).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    let request = RefreshSessionRequest { refresh_token: person.tokens.access_token.clone() };
    assert_eq!(reason(&shop.sessions().refresh_session(request).await.unwrap_err()), "INVALID_ARGUMENT");
    shop.refresh(&person.tokens).await.unwrap();
}
