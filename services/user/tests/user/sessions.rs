//! Sessions: signing in, refreshing, ending.

use std::time::{Duration, Instant};

use bojagi_api::user::{
    GetMeRequest, ListSessionsRequest, RevokeSessionRequest, SessionTokens, SignInRequest, SignOutRequest,
};
use bojagi_kernel::Clock;
use bojagi_testkit::{eventually, reason};
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{PASSWORD, Person, Shop, config};

const EMAIL: &str = "mi.ja@example.com";
/// A revocation reaches every service within a second. A busy machine may need longer, but not as long as it takes until a stream
/// that brings nothing is given up.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

/// The ids of a person's sessions, read in pages of two.
async fn listed(shop: &Shop, person: &Person) -> Vec<String> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListSessionsRequest { page_size: 2, page_token };
        let page = shop.sessions_of(person).list_sessions(request).await.unwrap().into_inner();
        assert!(page.sessions.iter().all(|session| {
            session.current == (session.session_id == person.tokens.session_id) && session.device_name == "telephone"
        }));
        ids.extend(page.sessions.into_iter().map(|session| session.session_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

fn is_invalid(outcome: &Result<SessionTokens, tonic::Status>) -> bool {
    outcome.as_ref().is_err_and(|status| {
        (status.code(), reason(status).as_str()) == (Code::Unauthenticated, "REFRESH_TOKEN_INVALID")
    })
}

#[tokio::test]
async fn tokens_live_as_long_as_they_say() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let now = shop.rig.clock.now().seconds();
    let seconds = |timestamp: Option<prost_types::Timestamp>| timestamp.unwrap().seconds - now;
    assert_eq!(seconds(person.tokens.access_token_expires_at), 15 * 60);
    assert_eq!(seconds(person.tokens.refresh_token_expires_at), 7 * 24 * 60 * 60);

    shop.rig.clock.advance(Duration::from_secs(15 * 60 + 5));
    let expired = shop.accounts_of(&person).get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!((expired.code(), reason(&expired).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    let refreshed = shop.refresh(&person.tokens).await.unwrap();
    assert_eq!(refreshed.session_id, person.tokens.session_id);
    shop.rig.clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    assert!(is_invalid(&shop.refresh(&refreshed).await));
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_session_for_everybody() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let elsewhere = shop.another_verifier(&person.tokens.access_token).await;
    let second = shop.refresh(&person.tokens).await.unwrap();
    let third = shop.refresh(&second).await.unwrap();
    assert!(elsewhere.verify(&third.access_token).is_ok());

    assert!(is_invalid(&shop.refresh(&person.tokens).await));
    let void = eventually("the last access token is void", async || elsewhere.verify(&third.access_token).is_err());
    tokio::time::timeout(WITHIN, void).await.unwrap();
    assert!(is_invalid(&shop.refresh(&third).await));
    assert!(is_invalid(&shop.refresh(&SessionTokens { refresh_token: "made up".into(), ..third }).await));

    let again = shop.sign_in(EMAIL, PASSWORD).await.unwrap();
    shop.refresh(&again.tokens).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_refreshes_with_one_token_have_one_winner_at_most() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let outcomes = futures::future::join_all((0..64).map(|_| shop.refresh(&person.tokens))).await;
    let (winners, losers): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 1);
    assert!(losers.iter().all(is_invalid));
    let winner = winners.into_iter().flatten().next().unwrap();
    assert!(is_invalid(&shop.refresh(&winner).await));
}

#[tokio::test]
async fn sign_out_voids_the_access_token_elsewhere_within_a_second() {
    let shop = Shop::open().await;
    let mut person = shop.customer(EMAIL).await;
    let elsewhere = shop.another_verifier(&person.tokens.access_token).await;
    // A busy machine may make it longer now and then, but not each time.
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let other = shop.sign_in(EMAIL, PASSWORD).await.unwrap();
        let begins = Instant::now();
        shop.sessions_of(&person).sign_out(SignOutRequest {}).await.unwrap();
        let void = eventually("the token is void", async || elsewhere.verify(&person.tokens.access_token).is_err());
        tokio::time::timeout(WITHIN, void).await.unwrap();
        fastest = fastest.min(begins.elapsed());
        assert!(is_invalid(&shop.refresh(&person.tokens).await));
        assert!(elsewhere.verify(&other.tokens.access_token).is_ok());
        shop.refresh(&other.tokens).await.unwrap();
        if fastest < Duration::from_secs(1) {
            return;
        }
        person = other;
    }
    panic!("the fastest of five took {fastest:?}");
}

#[tokio::test]
async fn one_lists_and_ends_ones_own_sessions() {
    let shop = Shop::open().await;
    let first = shop.customer(EMAIL).await;
    let mut ids = vec![first.tokens.session_id.clone()];
    for _ in 0..2 {
        shop.rig.clock.advance(Duration::from_secs(1));
        ids.insert(0, shop.sign_in(EMAIL, PASSWORD).await.unwrap().tokens.session_id);
    }
    assert_eq!(listed(&shop, &first).await, ids);
    shop.rig.clock.advance(Duration::from_secs(1));
    shop.refresh(&first.tokens).await.unwrap();
    assert_eq!(listed(&shop, &first).await, [ids[2].as_str(), &ids[0], &ids[1]]);

    let stranger = shop.customer("stranger@example.com").await;
    let revoke = RevokeSessionRequest { session_id: ids[0].clone() };
    let refused = shop.sessions_of(&stranger).revoke_session(revoke.clone()).await.unwrap_err();
    let unknown = RevokeSessionRequest { session_id: uuid::Uuid::now_v7().to_string() };
    let unknown = shop.sessions_of(&stranger).revoke_session(unknown).await.unwrap_err();
    assert_eq!(crate::shop::told(&refused), crate::shop::told(&unknown));
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "SESSION_NOT_FOUND"));

    let mut sessions = shop.sessions_of(&first);
    sessions.revoke_session(revoke.clone()).await.unwrap();
    sessions.revoke_session(revoke).await.unwrap();
    assert_eq!(listed(&shop, &first).await, [ids[2].as_str(), &ids[1]]);
    let malformed = RevokeSessionRequest { session_id: "mine".into() };
    assert_eq!(reason(&sessions.revoke_session(malformed).await.unwrap_err()), "INVALID_ARGUMENT");
}

#[tokio::test]
async fn one_session_too_many_ends_the_one_used_least_recently() {
    let mut config = config();
    config.sessions_per_account = 2;
    let shop = Shop::open_with(config).await;
    let first = shop.customer(EMAIL).await;
    shop.rig.clock.advance(Duration::from_secs(1));
    let second = shop.sign_in(EMAIL, PASSWORD).await.unwrap();
    shop.rig.clock.advance(Duration::from_secs(1));
    let first = Person { tokens: shop.refresh(&first.tokens).await.unwrap(), ..first };
    shop.rig.clock.advance(Duration::from_secs(1));
    let third = shop.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert!(is_invalid(&shop.refresh(&second.tokens).await));
    assert_eq!(listed(&shop, &third).await, [third.tokens.session_id.as_str(), &first.tokens.session_id]);
}

#[tokio::test]
async fn a_malformed_sign_in_is_refused_with_every_field_that_is_wrong() {
    let shop = Shop::open().await;
    let request = SignInRequest { email: "x".into(), password: String::new(), device_name: "x".repeat(101) };
    let status = shop.sessions().sign_in(request).await.unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["email", "password", "device_name"]);
    let empty = SessionTokens::default();
    assert_eq!(reason(&shop.refresh(&empty).await.unwrap_err()), "INVALID_ARGUMENT");
}
