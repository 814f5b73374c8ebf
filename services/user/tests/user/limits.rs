//! Floods.

use std::time::{Duration, Instant};

use bojagi_api::user::{AccountKind, CloseAccountRequest, RequestPasswordResetRequest};
use bojagi_testkit::reason;
use bojagi_user::Rate;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::shop::{PASSWORD, Shop, config, from, sign_up_request};

const EMAIL: &str = "mi.ja@example.com";

fn assert_too_many(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "TOO_MANY_ATTEMPTS"));
    assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
}

async fn attempt(shop: &Shop, origin: &str, password: &str) -> Result<(), Status> {
    shop.sign_in_from(origin, EMAIL, password).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_stopped_and_the_owner_gets_in() {
    let shop = Shop::open().await;
    shop.customer(EMAIL).await;
    // One attacker, who is stopped even with the right password.
    for _ in 0..10 {
        assert_eq!(reason(&attempt(&shop, "203.0.113.1", "guess").await.unwrap_err()), "BAD_CREDENTIALS");
    }
    assert_too_many(&attempt(&shop, "203.0.113.1", PASSWORD).await.unwrap_err());
    // Many attackers.
    let attackers: Vec<_> = (1..=80).map(|number| format!("198.51.100.{number}")).collect();
    let attacks = attackers.iter().flat_map(|origin| (0..3).map(|_| attempt(&shop, origin, "guess")));
    let outcomes = futures::future::join_all(attacks).await;
    let guesses = outcomes.into_iter().filter_map(Result::err);
    let judged = guesses.filter(|status| reason(status) == "BAD_CREDENTIALS").count();
    // 40 are left of the account's burst of 50; after that each origin has one attempt.
    assert!(judged <= 40 + 80, "{judged} guesses were judged");

    attempt(&shop, "192.0.2.7", PASSWORD).await.unwrap();
    shop.rig.clock.advance(Duration::from_secs(600));
    attempt(&shop, "203.0.113.1", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_address_is_limited_like_a_known_one() {
    let shop = Shop::open().await;
    for _ in 0..10 {
        assert_eq!(reason(&attempt(&shop, "203.0.113.1", "guess").await.unwrap_err()), "BAD_CREDENTIALS");
    }
    assert_too_many(&attempt(&shop, "203.0.113.1", "guess").await.unwrap_err());
}

/// How long a sign-in takes that is refused for its credentials.
async fn refused_after(shop: &Shop, email: &str) -> Duration {
    let began = Instant::now();
    let refused = shop.sign_in(email, "guess").await.err().unwrap();
    assert_eq!(reason(&refused), "BAD_CREDENTIALS");
    began.elapsed()
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    // Hashed as in a shop, for which what is left out when nobody has the address would be a hundred times faster.
    let mut config = config();
    config.hashing = bojagi_user::Config::default().hashing;
    let shop = Shop::open_with(config).await;
    shop.customer(EMAIL).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..9 {
        known.push(refused_after(&shop, EMAIL).await);
        unknown.push(refused_after(&shop, &format!("nobody-{number}@example.com")).await);
    }
    known.sort();
    unknown.sort();
    let (known, unknown) = (known[4], unknown[4]);
    assert!(known < unknown * 10 && unknown < known * 10, "known {known:?}, unknown {unknown:?}");
}

#[tokio::test]
async fn one_origin_cannot_fill_the_mailbox_of_another() {
    let mut config = config();
    config.limits.mail_per_address = Rate { burst: 3, every_seconds: 600 };
    let shop = Shop::open_with(config).await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    shop.mail_to(EMAIL, 1).await;
    for origin in ["192.0.2.1", "192.0.2.2"] {
        for number in 0..6 {
            let request = RequestPasswordResetRequest { email: EMAIL.into() };
            let outcome = shop.accounts().request_password_reset(from(origin, request)).await;
            assert_eq!(outcome.is_ok(), number < 5);
            outcome.err().iter().for_each(assert_too_many);
        }
    }
    shop.mails_have_left().await;
    let resets = shop.mails_to(EMAIL).into_iter().filter(|mail| mail.subject == "Set a new password").count();
    assert!(resets <= 3, "{resets}");
}

#[tokio::test]
async fn a_flood_of_sign_ups_keeps_nobody_from_setting_a_new_password() {
    let mut config = config();
    config.limits.mail_per_address = Rate { burst: 2, every_seconds: 600 };
    let shop = Shop::open_with(config).await;
    shop.customer(EMAIL).await;
    for number in 0..6 {
        let request = sign_up_request(EMAIL, AccountKind::Customer);
        let outcome = shop.accounts().sign_up(from("203.0.113.1", request.clone())).await;
        assert_eq!(outcome.is_ok(), number < 5);
        outcome.err().iter().for_each(assert_too_many);
        shop.accounts().sign_up(from(&format!("198.51.100.{number}"), request)).await.unwrap();
    }
    shop.mails_have_left().await;
    // The link that was sent first, and of the flood no more than the limit lets through.
    assert_eq!(shop.mails_to(EMAIL).len(), 2);
    shop.accounts().request_password_reset(RequestPasswordResetRequest { email: EMAIL.into() }).await.unwrap();
    assert_eq!(shop.mail_to(EMAIL, 3).await.subject, "Set a new password");
}

#[tokio::test]
async fn sign_ups_of_one_origin_are_limited() {
    let mut config = config();
    config.limits.mail_per_origin = Rate { burst: 2, every_seconds: 60 };
    let shop = Shop::open_with(config).await;
    for number in 0..3 {
        let request = sign_up_request(&format!("{number}@example.com"), AccountKind::Customer);
        let outcome = shop.accounts().sign_up(request).await;
        assert_eq!(outcome.is_ok(), number < 2);
        outcome.err().iter().for_each(assert_too_many);
    }
}

#[tokio::test]
async fn a_stolen_session_cannot_try_passwords_without_end() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let mut accounts = shop.accounts_of(&person);
    for _ in 0..5 {
        let wrong = accounts.close_account(CloseAccountRequest { password: "guess".into() }).await.unwrap_err();
        assert_eq!(reason(&wrong), "WRONG_PASSWORD");
    }
    assert_too_many(&accounts.close_account(CloseAccountRequest { password: PASSWORD.into() }).await.unwrap_err());
    shop.rig.clock.advance(Duration::from_secs(60));
    accounts.close_account(CloseAccountRequest { password: PASSWORD.into() }).await.unwrap();
}
