//! Tokens that must not be taken: run out, forged, cut, confused, or saying what no token of the shop says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bojagi_api::policy::Role;
use bojagi_chassis::tokens::Claims;
use bojagi_e2e::Shop;
use bojagi_kernel::{Clock, SystemClock};
use bojagi_testkit::{TestAccount, TestKey, reason};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tonic::Code;

/// What has to be wrong with a token, and the token.
pub(crate) type Forgery = (String, String);

/// Every one of them claims to be an account with all roles.
pub(crate) fn forgeries(shop: &Shop) -> Vec<Forgery> {
    let account = shop.person(&Role::ALL).account().clone();
    let claims = TestKey::claims(&account, SystemClock.now());
    [
        run_out(shop, &claims),
        cut_and_pasted(shop, &account, &claims),
        other_algorithms(shop, &claims),
        other_keys(shop, &claims),
        other_types(shop, &claims),
        other_claims(shop, &claims),
    ]
    .concat()
}

fn named(what: impl Into<String>, token: impl Into<String>) -> Forgery {
    (what.into(), token.into())
}

fn encoded(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn run_out(shop: &Shop, claims: &Claims) -> Vec<Forgery> {
    // The clocks of two machines may differ by five seconds.
    let ago = |seconds: i64| {
        let exp = SystemClock.now().seconds() - seconds;
        shop.key().sign(&shop.key().header(), &Claims { exp, ..claims.clone() })
    };
    vec![named("expired just now", ago(6)), named("expired a year ago", ago(31_536_000))]
}

fn cut_and_pasted(shop: &Shop, account: &TestAccount, claims: &Claims) -> Vec<Forgery> {
    let token = shop.key().sign(&shop.key().header(), claims);
    let [head, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let customer = TestAccount { roles: vec![Role::Customer], ..account.clone() };
    let other = shop.key().token(&customer, SystemClock.now());
    let of_another = other.rsplit('.').next().unwrap();
    vec![
        named("no token", "nonsense"),
        named("dots", ".."),
        named("half a token", &token[..token.len() / 2]),
        named("no signature", format!("{head}.{body}.")),
        named("a signature of nothing", format!("{head}.{body}.{}", "A".repeat(signature.len()))),
        named("the signature of another token", format!("{head}.{body}.{of_another}")),
        named(
            "a signature from back to front",
            format!("{head}.{body}.{}", signature.chars().rev().collect::<String>()),
        ),
        named("four parts", format!("{token}.{signature}")),
        named("claims that are no JSON", format!("{head}.{}.{signature}", encoded("admin"))),
        named("a header that is no JSON", format!("{}.{body}.{signature}", encoded("EdDSA"))),
        named("longer than any token", format!("{head}.{}.{signature}", "A".repeat(8_000))),
    ]
}

fn other_algorithms(shop: &Shop, claims: &Claims) -> Vec<Forgery> {
    let token = shop.key().sign(&shop.key().header(), claims);
    let [_, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let kid = shop.key().header().kid.unwrap();
    let mut forgeries: Vec<_> = ["none", "None", "NONE", "HS256", "RS256", "ES256", "PS512", "", "EdDSA "]
        .into_iter()
        .flat_map(|algorithm| {
            let head = encoded(json!({"alg": algorithm, "typ": "at+jwt", "kid": kid}).to_string());
            [
                named(format!("{algorithm:?}, signed as before"), format!("{head}.{body}.{signature}")),
                named(format!("{algorithm:?}, not signed"), format!("{head}.{body}.")),
            ]
        })
        .collect();
    // The public key is known to everybody, so it must never count as a shared secret.
    let header = Header { alg: Algorithm::HS256, ..shop.key().header() };
    let public = shop.key().public();
    for (form, secret) in [("bytes", URL_SAFE_NO_PAD.decode(public).unwrap()), ("text", public.as_bytes().to_vec())] {
        let hmac = jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&secret)).unwrap();
        forgeries.push(named(format!("the public key as a shared secret, as {form}"), hmac));
    }
    forgeries
}

fn other_keys(shop: &Shop, claims: &Claims) -> Vec<Forgery> {
    let ours = shop.key().header();
    let kid = ours.kid.clone().unwrap();
    let theirs = TestKey::new(&kid, &[66; 32]);
    let mut forgeries = vec![named("another key under our id", theirs.sign(&ours, claims))];
    let tricks = ["", "unknown", "../../../../dev/null", "' OR '1'='1", "\u{0}", "https://evil.example/key"];
    for trick in tricks.into_iter().chain([kid.to_uppercase().as_str(), "x".repeat(1_000).as_str()]) {
        let header = Header { kid: Some(trick.to_owned()), ..ours.clone() };
        forgeries.push(named(format!("the key {trick:.20?}"), theirs.sign(&header, claims)));
        forgeries.push(named(format!("our key as {trick:.20?}"), shop.key().sign(&header, claims)));
    }
    forgeries.push(named("our key without its id", shop.key().sign(&Header { kid: None, ..ours.clone() }, claims)));
    let places = [
        Header { jku: Some("http://127.0.0.1:9/jwks.json".into()), ..ours.clone() },
        Header { x5u: Some("http://127.0.0.1:9/chain.pem".into()), ..ours.clone() },
    ];
    for header in places {
        forgeries.push(named("another key, and where to fetch it", theirs.sign(&header, claims)));
    }
    // RFC 7515 lets a token bring its own key; whoever believes that believes everybody.
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": theirs.public(), "kid": kid});
    let bringing = Header { jwk: Some(serde_json::from_value(jwk).unwrap()), ..ours };
    forgeries.push(named("another key that the token brings along", theirs.sign(&bringing, claims)));
    forgeries
}

fn other_types(shop: &Shop, claims: &Claims) -> Vec<Forgery> {
    [None, Some(""), Some("JWT"), Some("at"), Some("rt+jwt"), Some("AT+JWT "), Some("id_token")]
        .into_iter()
        .map(|typ| {
            let header = Header { typ: typ.map(str::to_owned), ..shop.key().header() };
            named(format!("of the type {typ:?}"), shop.key().sign(&header, claims))
        })
        .collect()
}

/// Claims that the shop itself would never sign, signed by its own key.
fn other_claims(shop: &Shop, claims: &Claims) -> Vec<Forgery> {
    let good = serde_json::to_value(claims).unwrap();
    let exp_as_text = Value::String(claims.exp.to_string());
    let values: [(&str, Vec<Value>); 9] = [
        ("iss", vec![json!("evil"), json!(""), json!(1), json!(["bojagi"])]),
        ("aud", vec![json!("another-api"), json!(""), json!(["another-api", "bojagi-api"]), json!({})]),
        ("sub", vec![json!(""), json!("admin"), json!(1), json!([]), json!("00000000")]),
        ("sid", vec![json!(""), json!("mine"), json!(7)]),
        ("jti", vec![json!(7)]),
        ("iat", vec![json!("now")]),
        ("iat_us", vec![json!("now"), json!(1.5)]),
        ("exp", vec![exp_as_text, json!("never"), json!(1e30), json!([claims.exp]), json!(-1)]),
        ("roles", vec![json!("admin"), json!({"admin": true}), json!([1]), json!([["admin"]])]),
    ];
    let changed = |name: &str, value: Option<Value>| {
        let mut bent = good.clone();
        let fields = bent.as_object_mut().unwrap();
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
        shop.key().sign(&shop.key().header(), &bent)
    };
    let mut forgeries = Vec::new();
    for (name, values) in values {
        forgeries.push(named(format!("without {name}"), changed(name, None)));
        forgeries.push(named(format!("{name} is null"), changed(name, Some(Value::Null))));
        for value in values {
            let what = format!("{name} is {value}");
            forgeries.push(named(what, changed(name, Some(value))));
        }
    }
    forgeries.push(named("claims that are a list", shop.key().sign(&shop.key().header(), &json!([good]))));
    forgeries
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_hold_is_refused_with_its_reason() {
    let shop = Shop::open().await;
    let account = shop.person(&Role::ALL).account().clone();
    for (what, token) in forgeries(&shop) {
        let refused = shop.with_token(&account, &token).balance().await.unwrap_err();
        let why = if what.starts_with("expired") { "TOKEN_EXPIRED" } else { "TOKEN_INVALID" };
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, why), "{what}");
    }
    shop.returning(&account).balance().await.unwrap();
}
