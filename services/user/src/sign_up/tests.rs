use super::*;
use crate::shared::bench::{Bench, EMAIL, PASSWORD, new_account};

const STRANGERS: &str = "the stranger's";

async fn has_password(bench: &Bench, password: &str) -> bool {
    let known = bench.shared.read(async |tx: &mut Tx| accounts::credentials_by_email(tx, EMAIL).await).await.unwrap();
    bench.hasher.verify(password, known.unwrap().usable_hash()).await.unwrap()
}

/// Two who sign an address up at once: the second is not entered before it has looked once more.
async fn sign_up_at_once(bench: &Bench, passwords: [&str; 2]) {
    let [first, second] = passwords.map(|password| password.parse::<Password>().unwrap());
    let shared = &bench.shared;
    let looks = [look(shared, &new_account(), &first).await, look(shared, &new_account(), &second).await];
    let [first_look, second_look] = looks.map(Result::unwrap);
    assert!(enter(shared, new_account(), first_look, IfTouched::Leave).await.unwrap());
    assert!(!enter(shared, new_account(), second_look, IfTouched::Leave).await.unwrap());
    let look = look(shared, &new_account(), &second).await.unwrap();
    assert!(enter(shared, new_account(), look, IfTouched::Enter).await.unwrap());
}

#[tokio::test]
async fn two_sign_ups_at_once_leave_the_password_that_both_brought() {
    let bench = Bench::open().await;
    sign_up_at_once(&bench, [PASSWORD; 2]).await;
    assert!(has_password(&bench, PASSWORD).await);
    // The address is there now, and not verified.
    sign_up_at_once(&bench, [PASSWORD; 2]).await;
    assert!(has_password(&bench, PASSWORD).await);
}

#[tokio::test]
async fn two_sign_ups_at_once_with_different_passwords_leave_none() {
    let bench = Bench::open().await;
    sign_up_at_once(&bench, [STRANGERS, PASSWORD]).await;
    assert!(!has_password(&bench, PASSWORD).await && !has_password(&bench, STRANGERS).await);
}

#[tokio::test]
async fn who_comes_second_hashes_once_more_also_when_the_address_is_an_owners() {
    let bench = Bench::open().await;
    bench.customer().await;
    sign_up_at_once(&bench, [STRANGERS; 2]).await;
    assert!(has_password(&bench, PASSWORD).await);
}
