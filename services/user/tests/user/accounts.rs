//! Signing up, verifying, one's own account, closing it.

use bojagi_api::options::Role;
use bojagi_api::user::account_service_client::AccountServiceClient;
use bojagi_api::user::{
    AccountClosed, AccountKind, AccountState, AccountVerified, CloseAccountRequest, GetAccountRequest, GetMeRequest,
    RequestPasswordResetRequest, ResendVerificationRequest, ResetPasswordRequest, SignUpRequest, UpdateMeRequest,
    VerifyEmailRequest,
};
use bojagi_store::{Tx, params};
use bojagi_testkit::{eventually, reason};
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::shop::{PASSWORD, Shop, sign_up_request};

const EMAIL: &str = "mi.ja@example.com";
const STRANGERS: &str = "the stranger's";

#[tokio::test]
async fn from_sign_up_to_the_first_sign_in() {
    let shop = Shop::open().await;
    shop.accounts().sign_up(sign_up_request("Mi.Ja@Example.com", AccountKind::Seller)).await.unwrap();
    assert_eq!(reason(&shop.sign_in(EMAIL, PASSWORD).await.err().unwrap()), "EMAIL_NOT_VERIFIED");

    let mail = shop.mail_to(EMAIL, 1).await;
    assert_eq!(mail.subject, "Verify your address");
    assert!(mail.link.as_deref().unwrap().starts_with("http://127.0.0.1:8080/verify-email#token="));
    let account_id = shop.verify(&mail).await.unwrap();

    let person = shop.sign_in("MI.JA@example.com", PASSWORD).await.unwrap();
    let account = &person.account;
    assert_eq!((&account.account_id, account.email.as_str(), account.name.as_str()), (&account_id, EMAIL, "김미자"));
    assert_eq!((account.kind(), account.state()), (AccountKind::Seller, AccountState::Active));
    assert_eq!(account.roles, [i32::from(Role::Seller)]);
    let me = shop.accounts_of(&person).get_me(GetMeRequest {}).await.unwrap().into_inner().account.unwrap();
    assert_eq!(me, person.account);
    // Order puts it on the page of its owner.
    let mut for_order = AccountServiceClient::new(shop.rig.workload("order"));
    let shown = for_order.get_account(GetAccountRequest { account_id: account_id.clone() }).await.unwrap().into_inner();
    assert_eq!(shown.account.as_ref(), Some(account));
    let unknown =
        for_order.get_account(GetAccountRequest { account_id: Uuid::now_v7().to_string() }).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "ACCOUNT_NOT_FOUND"));
    assert_eq!(
        facts::<AccountVerified>(&shop).await,
        [AccountVerified { account_id, kind: AccountKind::Seller.into() }]
    );
    // What was mailed is wiped from the queue.
    shop.mails_have_left().await;
}

#[tokio::test]
async fn a_link_is_used_once_and_in_time() {
    let shop = Shop::open().await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    let mail = shop.mail_to(EMAIL, 1).await;
    shop.verify(&mail).await.unwrap();
    let used = shop.verify(&mail).await.unwrap_err();

    shop.sign_up("late@example.com", AccountKind::Customer).await;
    let mail = shop.mail_to("late@example.com", 1).await;
    shop.rig.clock.advance(Duration::from_secs(3_600));
    let expired = shop.verify(&mail).await.unwrap_err();

    let made_up = VerifyEmailRequest { token: "A".repeat(43) };
    let unknown = shop.accounts().verify_email(made_up).await.unwrap_err();
    for status in [&used, &expired, &unknown] {
        assert_eq!((status.code(), reason(status).as_str()), (Code::FailedPrecondition, "LINK_INVALID"));
        assert_eq!(status.message(), used.message());
    }
}

#[tokio::test]
async fn a_new_link_voids_the_one_before() {
    let shop = Shop::open().await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    let first = shop.mail_to(EMAIL, 1).await;
    shop.accounts().resend_verification(ResendVerificationRequest { email: EMAIL.into() }).await.unwrap();
    let second = shop.mail_to(EMAIL, 2).await;
    assert_eq!(reason(&shop.verify(&first).await.unwrap_err()), "LINK_INVALID");
    shop.verify(&second).await.unwrap();
}

/// Signs the owner's address up with another password, from somewhere else each time.
async fn strangers_sign_up(shop: &Shop, how_often: u32) {
    for number in 0..how_often {
        let stranger = SignUpRequest { password: STRANGERS.into(), ..sign_up_request(EMAIL, AccountKind::Customer) };
        let origin = format!("198.51.100.{number}");
        shop.accounts().sign_up(crate::shop::from(&origin, stranger)).await.unwrap();
    }
}

/// Nobody signs in to the account before the owner has set a password by the mailbox, and then the owner alone does.
async fn assert_that_a_reset_decides(shop: &Shop) {
    for password in [STRANGERS, PASSWORD] {
        assert_eq!(reason(&shop.sign_in(EMAIL, password).await.err().unwrap()), "BAD_CREDENTIALS");
    }
    let mails = shop.mails_to(EMAIL).len();
    shop.accounts().request_password_reset(RequestPasswordResetRequest { email: EMAIL.into() }).await.unwrap();
    let token = shop.mail_to(EMAIL, mails + 1).await.token.unwrap();
    let reset = ResetPasswordRequest { token, new_password: PASSWORD.into() };
    shop.accounts().reset_password(reset).await.unwrap();
    assert_eq!(reason(&shop.sign_in(EMAIL, STRANGERS).await.err().unwrap()), "BAD_CREDENTIALS");
    shop.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn who_signed_an_address_up_first_does_not_choose_the_password_of_its_owner() {
    let shop = Shop::open().await;
    strangers_sign_up(&shop, 1).await;
    let first = shop.mail_to(EMAIL, 1).await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    let second = shop.mail_to(EMAIL, 2).await;
    assert_eq!(reason(&shop.verify(&first).await.unwrap_err()), "LINK_INVALID");
    assert!(!first.text.contains("No password holds") && second.text.contains("No password holds"));
    shop.verify(&second).await.unwrap();
    assert_that_a_reset_decides(&shop).await;
}

#[tokio::test]
async fn who_signs_an_address_up_last_does_not_choose_it_either() {
    let shop = Shop::open().await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    shop.mail_to(EMAIL, 1).await;
    strangers_sign_up(&shop, 1).await;
    let newest = shop.mail_to(EMAIL, 2).await;
    shop.verify(&newest).await.unwrap();
    assert_that_a_reset_decides(&shop).await;
}

#[tokio::test]
async fn a_flood_of_sign_ups_gives_the_account_of_the_owner_to_nobody() {
    let mut config = crate::shop::config();
    config.limits.mail_per_address = bojagi_user::Rate { burst: 1, every_seconds: 3_600 };
    // The owner's mail is held back; what there is to open is the stranger's.
    let shop = Shop::open_with(config.clone()).await;
    strangers_sign_up(&shop, 3).await;
    shop.mails_have_left().await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    shop.mails_have_left().await;
    shop.verify(&shop.mail_to(EMAIL, 1).await).await.unwrap();
    assert_that_a_reset_decides(&shop).await;

    // The stranger's mails are held back; what there is to open is the owner's.
    let shop = Shop::open_with(config).await;
    shop.sign_up(EMAIL, AccountKind::Customer).await;
    let mail = shop.mail_to(EMAIL, 1).await;
    strangers_sign_up(&shop, 3).await;
    shop.mails_have_left().await;
    shop.verify(&mail).await.unwrap();
    assert_that_a_reset_decides(&shop).await;
}

#[tokio::test]
async fn who_signs_up_twice_with_one_password_keeps_it() {
    let shop = Shop::open().await;
    for mails in 1..=2 {
        shop.sign_up(EMAIL, AccountKind::Customer).await;
        shop.mail_to(EMAIL, mails).await;
    }
    shop.verify(&shop.mail_to(EMAIL, 2).await).await.unwrap();
    shop.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let shop = Shop::open().await;
    let owner = shop.customer(EMAIL).await;
    // Both would be refused or lost if an answer depended on the address.
    let again = SignUpRequest { password: "the stranger's".into(), ..sign_up_request(EMAIL, AccountKind::Seller) };
    shop.accounts().sign_up(again).await.unwrap();
    for email in [EMAIL, "nobody@example.com"] {
        let mut accounts = shop.accounts();
        accounts.resend_verification(ResendVerificationRequest { email: email.into() }).await.unwrap();
        accounts.request_password_reset(RequestPasswordResetRequest { email: email.into() }).await.unwrap();
    }
    shop.mails_have_left().await;

    let subjects: Vec<_> = shop.mails_to(EMAIL).into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects.len(), 3, "the verification, and then: {subjects:?}");
    assert!(subjects.contains(&"You have an account already".to_owned()));
    assert!(subjects.contains(&"Set a new password".to_owned()));
    assert!(shop.mails_to("nobody@example.com").is_empty());
    assert_eq!(shop.count("SELECT count(*) FROM account").await, 1);

    let unchanged = shop.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(unchanged.account.kind(), AccountKind::Customer);
    let wrong_password = shop.sign_in(EMAIL, "the stranger's").await.err().unwrap();
    let wrong_address = shop.sign_in("nobody@example.com", PASSWORD).await.err().unwrap();
    assert_eq!(crate::shop::told(&wrong_password), crate::shop::told(&wrong_address));
    assert_eq!((wrong_address.code(), reason(&wrong_address).as_str()), (Code::Unauthenticated, "BAD_CREDENTIALS"));
    assert_eq!(owner.account.account_id, unchanged.account.account_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_sign_ups_of_one_address_make_one_account() {
    let shop = Shop::open().await;
    let signing_up = (0..64).map(|number| {
        let mut accounts = shop.accounts();
        let email = if number % 2 == 0 { EMAIL } else { "MI.JA@EXAMPLE.COM" };
        let request = crate::shop::from(&format!("198.51.100.{number}"), sign_up_request(email, AccountKind::Customer));
        async move { accounts.sign_up(request).await.map(drop) }
    });
    for outcome in futures::future::join_all(signing_up).await {
        outcome.unwrap();
    }
    assert_eq!(shop.count("SELECT count(*) FROM account").await, 1);
    shop.mails_have_left().await;
    // Of the links that were mailed exactly one holds.
    let mut verified = 0;
    for mail in &shop.mails_to(EMAIL) {
        verified += i32::from(shop.verify(mail).await.is_ok());
    }
    assert_eq!(verified, 1);
    // All of them brought the same password, which is the account's.
    shop.sign_in(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_bad_sign_up_is_refused_with_every_field_that_is_wrong() {
    let shop = Shop::open().await;
    let good = sign_up_request(EMAIL, AccountKind::Customer);
    let long = "x".repeat(101);
    let table = [
        (SignUpRequest { email: "no address".into(), ..good.clone() }, vec!["email"]),
        (SignUpRequest { email: format!("{}@example.com", "a".repeat(250)), ..good.clone() }, vec!["email"]),
        (SignUpRequest { password: "short".into(), ..good.clone() }, vec!["password"]),
        (SignUpRequest { password: "x".repeat(129), ..good.clone() }, vec!["password"]),
        (SignUpRequest { password: "Password123".into(), ..good.clone() }, vec!["password"]),
        (SignUpRequest { name: "  ".into(), ..good.clone() }, vec!["name"]),
        (SignUpRequest { name: long, ..good.clone() }, vec!["name"]),
        (SignUpRequest { name: "a\nb".into(), ..good.clone() }, vec!["name"]),
        (SignUpRequest { phone: "02-123-4567".into(), ..good.clone() }, vec!["phone"]),
        (SignUpRequest { kind: 0, ..good.clone() }, vec!["kind"]),
        (SignUpRequest { kind: 99, ..good.clone() }, vec!["kind"]),
        (SignUpRequest::default(), vec!["email", "password", "name", "kind"]),
    ];
    for (request, wrong) in table {
        let status = shop.accounts().sign_up(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(), wrong);
    }
    assert_eq!(shop.count("SELECT count(*) FROM account").await, 0);
    let without_phone = SignUpRequest { phone: String::new(), ..good };
    shop.accounts().sign_up(without_phone).await.unwrap();
}

#[tokio::test]
async fn one_changes_ones_own_name_and_phone() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    let mut accounts = shop.accounts_of(&person);
    let mut update = async |name: &str, phone: &str, mask: Option<&[&str]>| {
        let update_mask =
            mask.map(|paths| prost_types::FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() });
        let request = UpdateMeRequest { name: name.into(), phone: phone.into(), update_mask };
        let updated = accounts.update_me(request).await?.into_inner().account.unwrap();
        Ok::<_, tonic::Status>((updated.name, updated.phone))
    };
    let pair = |name: &str, phone: &str| (name.to_owned(), phone.to_owned());
    assert_eq!(update(" 이영희 ", "", None).await.unwrap(), pair("이영희", "010-1234-5678"));
    assert_eq!(update("ignored", "0111234567", Some(&["phone"])).await.unwrap(), pair("이영희", "0111234567"));
    assert_eq!(update("", "", Some(&["phone"])).await.unwrap(), pair("이영희", ""));
    assert_eq!(update("", "", None).await.unwrap(), pair("이영희", ""));
    for (name, phone, mask) in [("", "", vec!["name"]), ("a", "1", vec!["phone"]), ("a", "", vec!["email"])] {
        let refused = update(name, phone, Some(&mask)).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn a_closed_account_is_erased_and_its_address_free() {
    let shop = Shop::open().await;
    let person = shop.customer(EMAIL).await;
    crate::addresses::add(&shop, &person, "home").await;
    let mut accounts = shop.accounts_of(&person);

    let wrong = accounts.close_account(CloseAccountRequest { password: "not this one".into() }).await.unwrap_err();
    assert_eq!((wrong.code(), reason(&wrong).as_str()), (Code::FailedPrecondition, "WRONG_PASSWORD"));
    accounts.close_account(CloseAccountRequest { password: PASSWORD.into() }).await.unwrap();

    assert_eq!(reason(&shop.refresh(&person.tokens).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    assert_eq!(reason(&shop.sign_in(EMAIL, PASSWORD).await.err().unwrap()), "BAD_CREDENTIALS");
    eventually("the tokens are void", async || {
        let answer = shop.accounts_of(&person).get_me(GetMeRequest {}).await;
        answer.is_err_and(|status| reason(&status) == "TOKEN_REVOKED")
    })
    .await;
    let account_id = person.account.account_id.clone();
    assert_eq!(facts::<AccountClosed>(&shop).await, [AccountClosed { account_id, kind: AccountKind::Customer.into() }]);
    assert_eq!(shop.count("SELECT count(*) FROM address").await, 0);
    assert_no_trace_of(&shop, &[EMAIL, "김미자", "010-1234-5678", "telephone", "Sejong-daero"]).await;

    shop.rig.clock.advance(Duration::from_secs(1));
    shop.sign_up(EMAIL, AccountKind::Seller).await;
    let mail = shop.mail_to(EMAIL, 2).await;
    assert_ne!(shop.verify(&mail).await.unwrap(), person.account.account_id);
}

/// Looks for texts in every table of the store.
async fn assert_no_trace_of(shop: &Shop, texts: &'static [&'static str]) {
    let store = shop.rig.in_sqlite(bojagi_user::NAME, bojagi_user::MIGRATIONS).await;
    let found: Vec<String> = store
        .read(async move |tx: &mut Tx| {
            let columns: Vec<(String, String)> = tx
                .fetch_all(
                    "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                     WHERE t.type = 'table' AND t.name <> 'migration'",
                    &[],
                )
                .await?;
            let mut found = Vec::new();
            for (table, column) in columns {
                for text in texts {
                    let sql = format!(
                        "SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), CAST(?1 AS BLOB)) > 0"
                    );
                    let (count,): (i64,) = tx.fetch_one(&sql, params![*text]).await?;
                    if count > 0 {
                        found.push(format!("{text} in {table}.{column}"));
                    }
                }
            }
            Ok::<_, bojagi_store::Error>(found)
        })
        .await
        .unwrap();
    assert_eq!(found, Vec::<String>::new());
}

/// The facts of one type that were told, in order.
pub(crate) async fn facts<M: prost::Message + prost::Name + Default + 'static>(shop: &Shop) -> Vec<M> {
    let store = shop.rig.store(bojagi_user::NAME);
    let payloads: Vec<(Vec<u8>,)> = store
        .read(async |tx: &mut Tx| {
            let sql = "SELECT payload FROM outbox WHERE event_type = ?1 ORDER BY position";
            tx.fetch_all(sql, params![M::full_name()]).await
        })
        .await
        .unwrap();
    payloads.into_iter().map(|(payload,)| M::decode(payload.as_slice()).unwrap()).collect()
}
