//! New passwords.

use std::time::Duration;

use bojagi_api::user::{
    AccountKind, ChangePasswordRequest, GetMeRequest, RequestPasswordResetRequest, ResetPasswordRequest,
};
use bojagi_testkit::{eventually, reason};
use tonic::{Code, Status};

use crate::shop::{PASSWORD, Shop, config};

const EMAIL: &str = "mi.ja@example.com";
const NEW: &str = "violet chair 31";

/// Asks for a link and answers its token.
async fn reset_token(shop: &Shop, mails: usize) -> String {
    shop.accounts().request_password_reset(RequestPasswordResetRequest { email: EMAIL.into() }).await.unwrap();
    let mail = shop.mail_to(EMAIL, mails).await;
    assert_eq!(mail.subject, "Set a new password");
    mail.token.unwrap()
}

async fn reset(shop: &Shop, token: &str, new_password: &str) -> Result<(), Status> {
    let request = ResetPasswordRequest { token: token.into(), new_password: new_password.into() };
    shop.accounts().reset_password(request).await.map(drop)
}

#[tokio::test]
async fn a_reset_ends_every_session_and_works_once() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let elsewhere = shop.another_verifier(&person.tokens.access_token).await;
    let first = reset_token(&shop, 2).await;
    let token = reset_token(&shop, 3).await;
    assert_eq!(reason(&reset(&shop, &first, NEW).await.unwrap_err()), "LINK_INVALID");
    assert_eq!(reason(&reset(&shop, &token, "password123").await.unwrap_err()), "INVALID_ARGUMENT");

    reset(&shop, &token, NEW).await.unwrap();
    let again = reset(&shop, &token, NEW).await.unwrap_err();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::FailedPrecondition, "LINK_INVALID"));
    eventually("the old token is void", async || elsewhere.verify(&person.tokens.access_token).is_err()).await;
    assert_eq!(reason(&shop.refresh(&person.tokens).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    assert_eq!(reason(&shop.sign_in(EMAIL, PASSWORD).await.err().unwrap()), "BAD_CREDENTIALS");

    // The clock has not moved: tokens from after the reset hold all the same.
    let back = shop.sign_in(EMAIL, NEW).await.unwrap();
    shop.accounts_of(&back).get_me(GetMeRequest {}).await.unwrap();
    assert!(elsewhere.verify(&back.tokens.access_token).is_ok());
}

#[tokio::test]
async fn a_reset_link_expires_and_does_not_verify() {
    let shop = Shop::open().await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    let sign_up_mail = shop.mail_to(EMAIL, 1).await;
    let token = reset_token(&shop, 2).await;
    reset(&shop, &token, NEW).await.unwrap();
    assert_eq!(reason(&shop.sign_in(EMAIL, NEW).await.err().unwrap()), "EMAIL_NOT_VERIFIED");
    shop.verify(&sign_up_mail).await.unwrap();
    shop.sign_in(EMAIL, NEW).await.unwrap();
    let token = reset_token(&shop, 3).await;
    shop.rig.clock.advance(Duration::from_secs(3_600));
    assert_eq!(reason(&reset(&shop, &token, NEW).await.unwrap_err()), "LINK_INVALID");
}

#[tokio::test]
async fn a_change_ends_the_other_sessions_only() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let other = shop.sign_in(EMAIL, PASSWORD).await.unwrap();
    let change = async |current: &str, new: &str| {
        let request = ChangePasswordRequest { current_password: current.into(), new_password: new.into() };
        shop.accounts_of(&person).change_password(request).await.map(drop)
    };
    let wrong = change("not this one", NEW).await.unwrap_err();
    assert_eq!((wrong.code(), reason(&wrong).as_str()), (Code::FailedPrecondition, "WRONG_PASSWORD"));
    assert_eq!(reason(&change(PASSWORD, "short").await.unwrap_err()), "INVALID_ARGUMENT");
    change(PASSWORD, NEW).await.unwrap();

    eventually("the other session is over", async || {
        shop.accounts_of(&other).get_me(GetMeRequest {}).await.is_err_and(|status| reason(&status) == "TOKEN_REVOKED")
    })
    .await;
    assert_eq!(reason(&shop.refresh(&other.tokens).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    shop.accounts_of(&person).get_me(GetMeRequest {}).await.unwrap();
    shop.refresh(&person.tokens).await.unwrap();
    assert_eq!(reason(&shop.sign_in(EMAIL, PASSWORD).await.err().unwrap()), "BAD_CREDENTIALS");
    shop.sign_in(EMAIL, NEW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_at_once_one_password_holds() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let changes = (0..5).map(|number| {
        let mut accounts = shop.accounts_of(&person);
        let new_password = format!("{NEW} {number}");
        let request = ChangePasswordRequest { current_password: PASSWORD.into(), new_password: new_password.clone() };
        async move { accounts.change_password(request).await.is_ok().then_some(new_password) }
    });
    let changed: Vec<_> = futures::future::join_all(changes).await.into_iter().flatten().collect();
    assert_eq!(changed.len(), 1);
    shop.sign_in(EMAIL, &changed[0]).await.unwrap();
}

#[tokio::test]
async fn a_password_is_hashed_as_it_is_configured_now_when_it_is_used() {
    let shop = Shop::open().await;
    shop.customer(EMAIL).await;
    let dearer = {
        let mut config = config();
        config.hashing.passes = 2;
        shop.beside(config).await
    };
    let anew = "SELECT count(*) FROM account WHERE password_hash LIKE '$argon2id$v=19$m=64,t=2,p=1$%'";
    assert_eq!(reason(&dearer.sign_in(EMAIL, "a guess").await.err().unwrap()), "BAD_CREDENTIALS");
    assert_eq!(shop.count(anew).await, 0);
    dearer.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(shop.count(anew).await, 1);
    dearer.sign_in(EMAIL, PASSWORD).await.unwrap();
    shop.sign_in(EMAIL, PASSWORD).await.unwrap();
}
