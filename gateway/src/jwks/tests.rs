mod over_http;
mod over_https;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::identity::AuthenticationFailure::{Expired, Invalid, Unavailable};

const NOW: u64 = 1_800_000_000;

fn config() -> JwksConfig {
    JwksConfig { issuers: vec!["https://login".into()], audiences: vec!["shop".into()], ..JwksConfig::default() }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The public half of a key as it is published; its id is `key-` and the seed.
fn published(seed: u8) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key(seed).verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": format!("key-{seed}"), "x": x})
}

fn key_set(seeds: &[u8]) -> Vec<u8> {
    json!({"keys": seeds.iter().map(|seed| published(*seed)).collect::<Vec<_>>()}).to_string().into_bytes()
}

fn header(seed: u8) -> Header {
    Header { typ: Some("at+jwt".into()), kid: Some(format!("key-{seed}")), ..Header::new(Algorithm::EdDSA) }
}

fn claims() -> Value {
    json!({"iss": "https://login", "aud": "shop", "sub": "jiwoo", "exp": NOW + 600, "roles": ["customer", "seller"]})
}

fn signed(header: &Header, claims: &Value, seed: u8) -> String {
    let private = EncodingKey::from_ed_der(key(seed).to_pkcs8_der().unwrap().as_bytes());
    jsonwebtoken::encode(header, claims, &private).unwrap()
}

fn token(seed: u8) -> String {
    signed(&header(seed), &claims(), seed)
}

/// A source that the test plays.
#[derive(Clone)]
struct Played {
    name: &'static str,
    document: Arc<Mutex<Result<Vec<u8>, &'static str>>>,
    delay: Arc<Mutex<Duration>>,
    fetches: Arc<AtomicUsize>,
}

impl Played {
    fn new(seeds: &[u8]) -> Self {
        let document = Arc::new(Mutex::new(Ok(key_set(seeds))));
        Self { name: "played", document, delay: Arc::default(), fetches: Arc::default() }
    }

    fn named(name: &'static str, seeds: &[u8]) -> Self {
        Self { name, ..Self::new(seeds) }
    }

    fn publishes(&self, seeds: &[u8]) {
        *self.document.lock().unwrap() = Ok(key_set(seeds));
    }

    fn fails(&self) {
        *self.document.lock().unwrap() = Err("the source is down");
    }

    fn takes(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl KeySource for Played {
    fn name(&self) -> &str {
        self.name
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, SourceError>> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let (document, delay) = (self.document.lock().unwrap().clone(), *self.delay.lock().unwrap());
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            document.map(Bytes::from).map_err(|problem| SourceError(problem.to_owned()))
        })
    }
}

/// An authenticator, and the clock of its tokens.
async fn with_sources(config: &JwksConfig, sources: &[&Played]) -> (JwksAuthenticator, Arc<AtomicU64>) {
    after(None, config, sources).await
}

/// The same in the place of another.
async fn after(
    previous: Option<&JwksAuthenticator>,
    config: &JwksConfig,
    sources: &[&Played],
) -> (JwksAuthenticator, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(NOW));
    let clock = Arc::clone(&now);
    let sources = sources.iter().map(|source| Box::new(Played::clone(source)) as Box<dyn KeySource>).collect();
    let clock = Arc::new(move || clock.load(Ordering::SeqCst));
    let authenticator = JwksAuthenticator::with_sources_after(previous, config, sources, clock);
    if let Some(first_fetch) = authenticator.wait() {
        first_fetch.await;
    }
    (authenticator, now)
}

async fn knowing(seeds: &[u8]) -> JwksAuthenticator {
    with_sources(&config(), &[&Played::new(seeds)]).await.0
}

/// As the gateway asks: once more after the wait, if there is one.
async fn verify(authenticator: &JwksAuthenticator, token: &str) -> Result<Identity, AuthenticationFailure> {
    match (authenticator.verify(token), authenticator.wait()) {
        (Err(Unavailable), Some(wait)) => {
            wait.await;
            authenticator.verify(token)
        }
        (verdict, _) => verdict,
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_token_speaks_for_its_subject() {
    let authenticator = knowing(&[1, 2]).await;
    for seed in [1, 2, 1] {
        let identity = authenticator.verify(&token(seed)).unwrap();
        assert_eq!(identity, Identity { subject: "jiwoo".into(), roles: vec!["customer".into(), "seller".into()] });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_token() {
    let authenticator = knowing(&[1, 2]).await;
    let with = |name: &str, value: Value| {
        let mut changed = claims();
        changed[name] = value;
        signed(&header(1), &changed, 1)
    };
    let without = |name: &str| {
        let mut changed = claims();
        changed.as_object_mut().unwrap().remove(name);
        signed(&header(1), &changed, 1)
    };
    let typed = |typ: Option<&str>| signed(&Header { typ: typ.map(Into::into), ..header(1) }, &claims(), 1);
    let good = token(1);
    let (head, rest) = good.split_once('.').unwrap();
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed_signature = format!("{unsigned}.{first}{}", &signature[1..]);
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encode(json!({"alg": "none", "typ": "at+jwt", "kid": "key-1"}));
    let hs256 = Header { alg: Algorithm::HS256, ..header(1) };
    // The public key, passed off as a shared secret.
    let secret = EncodingKey::from_secret(key(1).verifying_key().as_bytes());
    let swapped = jsonwebtoken::encode(&hs256, &claims(), &secret).unwrap();
    let es256 = encode(json!({"alg": "ES256", "typ": "at+jwt", "kid": "key-1"}));

    let cases = [
        ("no token at all", String::new(), Invalid),
        ("two parts", format!("{head}.x"), Invalid),
        ("a changed signature", changed_signature, Invalid),
        ("the signature of another key", signed(&header(1), &claims(), 2), Invalid),
        ("no algorithm", format!("{none}.{rest}"), Invalid),
        ("no algorithm and no signature", format!("{none}.{}.", rest.split_once('.').unwrap().0), Invalid),
        ("an algorithm with shared secrets", swapped, Invalid),
        ("an algorithm of another kind of key", format!("{es256}.{rest}"), Invalid),
        ("no key id", signed(&Header { kid: None, ..header(1) }, &claims(), 1), Invalid),
        ("another type", typed(Some("JWT")), Invalid),
        ("no type", typed(None), Invalid),
        ("another issuer", with("iss", json!("https://elsewhere")), Invalid),
        ("no issuer", without("iss"), Invalid),
        ("another audience", with("aud", json!(["bank", "post"])), Invalid),
        ("no audience", without("aud"), Invalid),
        ("no subject", without("sub"), Invalid),
        ("no expiry", without("exp"), Invalid),
        ("an expiry that is no number", with("exp", json!("tomorrow")), Invalid),
        ("an expiry in the past", with("exp", json!(NOW - 6)), Expired),
        ("a beginning in the future", with("nbf", json!(NOW + 6)), Invalid),
        ("too many bytes", with("padding", json!("x".repeat(20_000))), Invalid),
    ];
    for (what, token, expected) in cases {
        assert_eq!(authenticator.verify(&token), Err(expected), "{what}");
    }
    for (what, token) in [
        ("within the leeway", with("exp", json!(NOW - 4))),
        ("within the leeway too", with("nbf", json!(NOW + 5))),
        ("one of several audiences", with("aud", json!(["bank", "shop"]))),
        ("a type with its prefix, in capitals", typed(Some("Application/AT+JWT"))),
    ] {
        assert!(authenticator.verify(&token).is_ok(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn roles_stand_where_the_configuration_says() {
    let nested = JwksConfig { roles_claim: "realm_access.roles".into(), ..config() };
    let (authenticator, _) = with_sources(&nested, &[&Played::new(&[1])]).await;
    for (roles, expected) in [
        (json!({"roles": ["seller"]}), &["seller"][..]),
        (json!({"roles": "seller  admin"}), &["seller", "admin"]),
        (json!({"roles": 7}), &[]),
        (json!("seller"), &[]),
    ] {
        let mut changed = claims();
        changed["realm_access"] = roles;
        assert_eq!(authenticator.verify(&signed(&header(1), &changed, 1)).unwrap().roles, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_remembered_token_expires_and_is_forgotten_with_its_key() {
    let source = Played::new(&[1, 2]);
    let (authenticator, now) = with_sources(&config(), &[&source]).await;
    assert!(authenticator.verify(&token(1)).is_ok());
    now.store(NOW + 605, Ordering::SeqCst);
    assert_eq!(authenticator.verify(&token(1)), Err(Expired));

    now.store(NOW, Ordering::SeqCst);
    assert!(authenticator.verify(&token(1)).is_ok());
    let published_before = authenticator.keys();
    source.publishes(&[2]);
    advance(Duration::from_secs(301)).await;
    while authenticator.keys() == published_before {
        tokio::task::yield_now().await;
    }
    assert_eq!(verify(&authenticator, &token(1)).await, Err(Invalid), "its key was taken back");
}

#[tokio::test(start_paused = true)]
async fn no_more_tokens_are_remembered_than_may_be() {
    let small = JwksConfig { max_tokens: 10, ..config() };
    let (authenticator, _) = with_sources(&small, &[&Played::new(&[1])]).await;
    for subject in 0..50 {
        let mut changed = claims();
        changed["sub"] = json!(subject.to_string());
        let token = signed(&header(1), &changed, 1);
        assert_eq!(authenticator.verify(&token).unwrap().subject, subject.to_string());
        assert!(authenticator.verified.memory().tokens <= 10);
    }
}

#[tokio::test(start_paused = true)]
async fn the_memory_is_counted() {
    let authenticator = knowing(&[1]).await;
    let (good, forged) = (token(1), signed(&header(1), &claims(), 2));
    for token in [&good, &good, &good, &forged, &forged] {
        let _verdict = authenticator.verify(token);
    }
    let memory = TokenMemory { tokens: 1, hits: 2, misses: 3 };
    assert_eq!(authenticator.memory(), Some(memory), "only what holds is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_fetched_at_once() {
    let source = Played::new(&[1]);
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    source.publishes(&[1, 2]);
    assert!(verify(&authenticator, &token(2)).await.is_ok(), "without a wait for the next regular fetch");
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_makes_one_fetch_in_half_a_minute() {
    let source = Played::new(&[1]);
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    for seconds in 1..=60 {
        for seed in 100..120 {
            assert_eq!(verify(&authenticator, &token(seed)).await, Err(Invalid));
        }
        assert!(authenticator.verify(&token(1)).is_ok(), "others are not held up");
        assert!(source.fetches() <= 1 + 1 + seconds / 30, "{} fetches after {seconds} s", source.fetches());
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(source.fetches(), 1 + 2);
}

#[tokio::test(start_paused = true)]
async fn keys_are_kept_through_outages_and_an_unknown_key_is_then_no_verdict() {
    let source = Played::new(&[1]);
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    source.fails();
    advance(Duration::from_secs(3600)).await;
    assert!(authenticator.verify(&token(1)).is_ok());
    assert_eq!(verify(&authenticator, &token(2)).await, Err(Unavailable), "it may be a key that nobody has seen yet");
    source.publishes(&[2]);
    advance(Duration::from_secs(31)).await;
    assert!(verify(&authenticator, &token(2)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_any_keys_nothing_is_known() {
    let source = Played::new(&[1]);
    source.fails();
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    assert_eq!(verify(&authenticator, &token(1)).await, Err(Unavailable));
    assert_eq!(authenticator.verify("forged"), Err(Invalid), "what is no token needs no keys");
    source.publishes(&[1]);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(authenticator.verify(&token(1)).is_ok(), "the source is asked again by itself");
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_holds_nobody_up_for_long() {
    let source = Played::new(&[1]);
    source.takes(Duration::from_secs(3600));
    let began = tokio::time::Instant::now();
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    assert_eq!(verify(&authenticator, &token(1)).await, Err(Unavailable));
    assert!(began.elapsed() <= Duration::from_millis(2 * 1000 + 10), "{:?}: a second for each wait", began.elapsed());
    source.takes(Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(authenticator.verify(&token(1)).is_ok(), "the slow answer was given up after five seconds");
}

#[tokio::test(start_paused = true)]
async fn keys_of_several_sources_count_together_and_fail_apart() {
    let (one, two) = (Played::new(&[1]), Played::new(&[2]));
    let (authenticator, _) = with_sources(&config(), &[&one, &two]).await;
    one.fails();
    two.publishes(&[3]);
    assert!(verify(&authenticator, &token(3)).await.is_ok());
    assert!(authenticator.verify(&token(1)).is_ok());
    assert_eq!(verify(&authenticator, &token(2)).await, Err(Unavailable), "one of them did not answer");
}

#[tokio::test(start_paused = true)]
async fn keys_hold_as_soon_as_their_source_has_answered() {
    let (slow, quick) = (Played::new(&[1]), Played::new(&[2]));
    slow.takes(Duration::from_secs(4));
    let (authenticator, _) = with_sources(&config(), &[&slow, &quick]).await;
    assert!(authenticator.verify(&token(2)).is_ok());
    assert_eq!(authenticator.verify(&token(1)), Err(Unavailable), "it is still being fetched");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(authenticator.verify(&token(1)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_comes_in_the_place_of_another_keeps_the_keys_of_sources_that_both_have() {
    let (one, two) = (Played::named("one", &[1]), Played::named("two", &[2]));
    let (before, _) = with_sources(&config(), &[&one, &two]).await;
    one.fails();
    let patient = JwksConfig { leeway_seconds: 60, ..config() };
    let (during, _) = after(Some(&before), &patient, &[&Played::named("new", &[3]), &one]).await;
    drop(before);
    for seed in [1, 3] {
        assert!(during.verify(&token(seed)).is_ok(), "{seed}");
    }
    assert_eq!(during.verify(&token(2)), Err(Unavailable), "nobody names its source any more, but one does not answer");
    let (still, _) = after(Some(&during), &config(), &[&one]).await;
    assert!(still.verify(&token(1)).is_ok(), "through several of them");
    one.publishes(&[4]);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(still.verify(&token(4)).is_ok());
    assert_eq!(verify(&still, &token(1)).await, Err(Invalid), "the source has the last word");
}

#[tokio::test(start_paused = true)]
async fn a_private_half_is_not_served() {
    let source = Played::new(&[]);
    let mut careless = published(1);
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        careless[member] = json!("c2VjcmV0");
    }
    *source.document.lock().unwrap() = Ok(json!({"keys": [careless]}).to_string().into_bytes());
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    let served: Value = serde_json::from_slice(&authenticator.keys().unwrap()).unwrap();
    assert_eq!(served, json!({"keys": [published(1)]}));
    assert!(authenticator.verify(&token(1)).is_ok(), "who signs with it is not locked out");
}

#[tokio::test(start_paused = true)]
async fn the_keys_are_served_as_they_were_published() {
    let source = Played::new(&[]);
    let secret = json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"});
    let other_use = json!({"kid": "encrypts", "use": "enc", "kty": "OKP", "crv": "Ed25519", "x": published(3)["x"]});
    let document = json!({"keys": [published(2), secret, other_use, {"kty": "new"}, published(1)]});
    *source.document.lock().unwrap() = Ok(document.to_string().into_bytes());
    let (authenticator, _) = with_sources(&config(), &[&source]).await;
    let served: Value = serde_json::from_slice(&authenticator.keys().unwrap()).unwrap();
    assert_eq!(served, json!({"keys": [published(1), published(2)]}), "what can check tokens, and nothing secret");
}

#[test]
fn what_is_no_key_set_is_refused() {
    let many: Vec<_> = (0..257).map(|_| json!({})).collect();
    for document in ["", "[]", "{}", "{\"keys\": {}}", "<html>", &json!({ "keys": many }).to_string()] {
        assert!(keys::read(document.as_bytes()).is_err(), "{document:.20}");
    }
}

#[tokio::test]
async fn a_configuration_that_would_let_anybody_in_is_refused() {
    let careless = JwksConfig { algorithms: Vec::new(), urls: vec!["ftp://keys".into()], ..JwksConfig::default() };
    let errors = JwksAuthenticator::new(&careless, "auth.jwks").unwrap_err();
    let options: Vec<_> = errors.mistakes().iter().map(|mistake| mistake.option().to_owned()).collect();
    assert_eq!(options, ["auth.jwks.issuers", "auth.jwks.audiences", "auth.jwks.algorithms", "auth.jwks.urls"]);
    let errors = JwksAuthenticator::new(&JwksConfig { file: PathBuf::new(), ..config() }, "auth.jwks").unwrap_err();
    assert_eq!(errors.to_string(), "auth.jwks: name urls or a file with the keys of the tokens");
}
