use bojagi_kernel::id::AccountId;
use uuid::Uuid;

use super::*;
use crate::profile;
use crate::shared::bench::{Bench, PASSWORD};

const NEW: &str = "violet chair 31";

fn bearer(account_id: AccountId) -> Bearer {
    Bearer { account_id, session_id: Uuid::nil(), roles: vec![] }
}

fn assert_wrong(outcome: Result<(), Failure>) {
    assert_eq!(outcome.unwrap_err().refusal().unwrap().reason, "WRONG_PASSWORD");
}

#[tokio::test]
async fn a_password_that_a_sign_in_hashes_anew_can_be_changed() {
    let bench = Bench::open().await;
    let caller = bearer(bench.customer().await);
    let changing = change(&bench.shared, &caller, PASSWORD, NEW.parse().unwrap());
    bench.meanwhile(changing, bench.hash_anew(caller.account_id, PASSWORD)).await.unwrap();
    profile::close(&bench.shared, &caller, NEW).await.unwrap();
}

#[tokio::test]
async fn an_account_whose_password_a_sign_in_hashes_anew_can_be_closed() {
    let bench = Bench::open().await;
    let caller = bearer(bench.customer().await);
    let closing = profile::close(&bench.shared, &caller, PASSWORD);
    bench.meanwhile(closing, bench.hash_anew(caller.account_id, PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn a_password_that_is_another_by_the_time_it_is_proven_changes_and_closes_nothing() {
    let bench = Bench::open().await;
    let caller = bearer(bench.customer().await);
    let changing = change(&bench.shared, &caller, PASSWORD, "green river 12".parse().unwrap());
    assert_wrong(bench.meanwhile(changing, bench.hash_anew(caller.account_id, NEW)).await);
    let closing = profile::close(&bench.shared, &caller, NEW);
    assert_wrong(bench.meanwhile(closing, bench.hash_anew(caller.account_id, PASSWORD)).await);
}
