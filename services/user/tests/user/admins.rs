//! What admins do.

use std::time::Duration;

use bojagi_api::options::Role;
use bojagi_api::user::{
    Account, AccountKind, AccountReinstated, AccountState, AccountSuspended, CloseAccountRequest, GetMeRequest,
    ListUsersRequest, ReinstateUserRequest, SuspendUserRequest,
};
use bojagi_testkit::{eventually, reason};
use bojagi_user::{Granted, grant_admin};
use tonic::{Code, Status};

use crate::accounts::facts;
use crate::sessions::WITHIN;
use crate::shop::{PASSWORD, Person, Shop};

async fn suspend(shop: &Shop, admin: &Person, account_id: &str, why: &str) -> Result<Account, Status> {
    let request = SuspendUserRequest { account_id: account_id.into(), reason: why.into() };
    Ok(shop.accounts_of(admin).suspend_user(request).await?.into_inner().account.unwrap())
}

async fn reinstate(shop: &Shop, admin: &Person, account_id: &str) -> Result<Account, Status> {
    let request = ReinstateUserRequest { account_id: account_id.into() };
    Ok(shop.accounts_of(admin).reinstate_user(request).await?.into_inner().account.unwrap())
}

#[tokio::test]
async fn a_granted_role_shows_at_the_next_refresh() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let (store, clock) = (shop.rig.store(bojagi_user::NAME), shop.rig.clock.clone());
    let account_id = person.account.account_id.parse().unwrap();
    assert_eq!(grant_admin(&store, clock.as_ref(), "Mi.Ja@example.com").await.unwrap(), Granted::Now(account_id));
    assert_eq!(grant_admin(&store, clock.as_ref(), "mi.ja@example.com").await.unwrap(), Granted::Before(account_id));
    for (email, expected) in [("nobody@example.com", "ACCOUNT_NOT_FOUND"), ("no address", "INVALID_ARGUMENT")] {
        let refused = grant_admin(&store, clock.as_ref(), email).await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().reason, expected);
    }
    eventually("the old token is void", async || {
        shop.accounts_of(&person).get_me(GetMeRequest {}).await.is_err_and(|status| reason(&status) == "TOKEN_REVOKED")
    })
    .await;
    let person = Person { tokens: shop.refresh(&person.tokens).await.unwrap(), ..person };
    let me = shop.accounts_of(&person).get_me(GetMeRequest {}).await.unwrap().into_inner().account.unwrap();
    assert_eq!(me.roles, [i32::from(Role::Customer), i32::from(Role::Admin)]);
    shop.accounts_of(&person).list_users(ListUsersRequest::default()).await.unwrap();
}

#[tokio::test]
async fn accounts_are_found_and_paged_while_others_sign_up() {
    let shop = Shop::open().await;
    let admin = shop.admin().await;
    for number in 0..5 {
        shop.rig.clock.advance(Duration::from_secs(1));
        let kind = if number % 2 == 0 { AccountKind::Customer } else { AccountKind::Seller };
        shop.sign_up(&format!("p{number}@example.com"), kind).await;
    }
    let list = async |request: ListUsersRequest| {
        let answer = shop.accounts_of(&admin).list_users(request).await.unwrap().into_inner();
        (answer.accounts.into_iter().map(|account| account.email).collect::<Vec<_>>(), answer.next_page_token)
    };
    let all = ListUsersRequest { page_size: 2, ..ListUsersRequest::default() };
    let (first, page_token) = list(all.clone()).await;
    assert_eq!(first, ["p4@example.com", "p3@example.com"]);
    shop.sign_up("late@example.com", AccountKind::Customer).await;
    let (second, next) = list(ListUsersRequest { page_token: page_token.clone(), ..all.clone() }).await;
    assert_eq!(second, ["p2@example.com", "p1@example.com"]);
    let (third, end) = list(ListUsersRequest { page_token: next, ..all }).await;
    assert_eq!(third, ["p0@example.com", "admin@example.com"]);
    assert_eq!(end, "");

    let filtered = async |request| list(request).await.0;
    let sellers = ListUsersRequest { kind: AccountKind::Seller.into(), ..ListUsersRequest::default() };
    assert_eq!(filtered(sellers.clone()).await, ["p3@example.com", "p1@example.com"]);
    let active = ListUsersRequest { state: AccountState::Active.into(), ..ListUsersRequest::default() };
    assert_eq!(filtered(active).await, ["admin@example.com"]);
    let keyword = |keyword: &str| ListUsersRequest { keyword: keyword.into(), ..ListUsersRequest::default() };
    assert_eq!(filtered(keyword("P3@EXAMPLE")).await, ["p3@example.com"]);
    assert_eq!(filtered(keyword("미자")).await.len(), 7);
    assert_eq!(filtered(keyword("%")).await, Vec::<String>::new());
    assert_eq!(filtered(keyword("_")).await, Vec::<String>::new());

    let of_another_query = ListUsersRequest { page_token, ..sellers };
    for bad in [
        of_another_query,
        ListUsersRequest { page_size: -1, ..ListUsersRequest::default() },
        ListUsersRequest { kind: 9, ..ListUsersRequest::default() },
    ] {
        let refused = shop.accounts_of(&admin).list_users(bad).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
    }
}

#[tokio::test]
async fn a_suspended_account_is_out_until_it_is_reinstated() {
    let shop = Shop::open().await;
    let admin = shop.admin().await;
    let person = shop.newcomer("mi.ja@example.com", AccountKind::Seller).await;
    let account_id = person.account.account_id.clone();
    let elsewhere = shop.another_verifier(&person.tokens.access_token).await;

    let suspended = suspend(&shop, &admin, &account_id, " sells fakes ").await.unwrap();
    assert_eq!((suspended.state(), suspended.suspension_reason.as_str()), (AccountState::Suspended, "sells fakes"));
    assert_eq!(suspend(&shop, &admin, &account_id, "again").await.unwrap(), suspended);
    let void = eventually("its tokens are void", async || elsewhere.verify(&person.tokens.access_token).is_err());
    tokio::time::timeout(WITHIN, void).await.unwrap();
    assert_eq!(reason(&shop.refresh(&person.tokens).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    let refused = shop.sign_in(&person.email, PASSWORD).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ACCOUNT_SUSPENDED"));
    assert_eq!(reason(&shop.sign_in(&person.email, "a guess").await.err().unwrap()), "BAD_CREDENTIALS");

    let reinstated = reinstate(&shop, &admin, &account_id).await.unwrap();
    assert_eq!((reinstated.state(), reinstated.suspension_reason.as_str()), (AccountState::Active, ""));
    assert_eq!(reinstate(&shop, &admin, &account_id).await.unwrap(), reinstated);
    assert_eq!(reason(&shop.refresh(&person.tokens).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    let back = shop.sign_in(&person.email, PASSWORD).await.unwrap();
    assert!(elsewhere.verify(&back.tokens.access_token).is_ok());

    let kind = AccountKind::Seller.into();
    let told = AccountSuspended { account_id: account_id.clone(), kind };
    assert_eq!(facts::<AccountSuspended>(&shop).await, [told]);
    assert_eq!(facts::<AccountReinstated>(&shop).await, [AccountReinstated { account_id, kind }]);
}

#[tokio::test]
async fn a_reinstated_account_has_the_state_that_it_had() {
    let shop = Shop::open().await;
    let admin = shop.admin().await;
    shop.sign_up("mi.ja@example.com", AccountKind::Customer).await;
    let mail = shop.mail_to("mi.ja@example.com", 1).await;
    let keyword = ListUsersRequest { keyword: "mi.ja".into(), ..ListUsersRequest::default() };
    let listed = shop.accounts_of(&admin).list_users(keyword).await.unwrap().into_inner().accounts;
    let account_id = &listed[0].account_id;
    suspend(&shop, &admin, account_id, "strange").await.unwrap();
    assert_eq!(reason(&shop.verify(&mail).await.unwrap_err()), "LINK_INVALID");
    assert_eq!(reinstate(&shop, &admin, account_id).await.unwrap().state(), AccountState::Unverified);
    shop.verify(&mail).await.unwrap();
}

#[tokio::test]
async fn what_admins_cannot_do() {
    let shop = Shop::open().await;
    let admin = shop.admin().await;
    let person = shop.customer("mi.ja@example.com").await;
    let unknown = uuid::Uuid::now_v7().to_string();
    let account_id = person.account.account_id.clone();
    assert_eq!(
        reason(&suspend(&shop, &admin, &admin.account.account_id, "me").await.unwrap_err()),
        "CANNOT_SUSPEND_SELF"
    );
    assert_eq!(reason(&suspend(&shop, &admin, &unknown, "x").await.unwrap_err()), "ACCOUNT_NOT_FOUND");
    assert_eq!(reason(&reinstate(&shop, &admin, &unknown).await.unwrap_err()), "ACCOUNT_NOT_FOUND");
    assert_eq!(reason(&suspend(&shop, &admin, "x", " ").await.unwrap_err()), "INVALID_ARGUMENT");
    assert_eq!(reason(&suspend(&shop, &admin, &account_id, &"x".repeat(501)).await.unwrap_err()), "INVALID_ARGUMENT");

    assert_eq!(reason(&suspend(&shop, &person, &admin.account.account_id, "x").await.unwrap_err()), "ROLE_REQUIRED");
    assert_eq!(reason(&reinstate(&shop, &person, &account_id).await.unwrap_err()), "ROLE_REQUIRED");
    let list = shop.accounts_of(&person).list_users(ListUsersRequest::default()).await.unwrap_err();
    assert_eq!((list.code(), reason(&list).as_str()), (Code::PermissionDenied, "ROLE_REQUIRED"));
    let anonymous = shop.accounts().list_users(ListUsersRequest::default()).await.unwrap_err();
    assert_eq!((anonymous.code(), reason(&anonymous).as_str()), (Code::Unauthenticated, "TOKEN_MISSING"));

    shop.accounts_of(&person).close_account(CloseAccountRequest { password: PASSWORD.into() }).await.unwrap();
    assert_eq!(reason(&suspend(&shop, &admin, &account_id, "x").await.unwrap_err()), "ACCOUNT_CLOSED");
    assert_eq!(reason(&reinstate(&shop, &admin, &account_id).await.unwrap_err()), "ACCOUNT_CLOSED");
}
