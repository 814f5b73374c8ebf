//! Accounts that nobody uses.

use std::time::Duration;

use bojagi_api::user::{AccountState, AccountVerified, ResendVerificationRequest};
use bojagi_testkit::{eventually, reason};
use tonic::Code;

use crate::accounts::facts;
use crate::shop::{PASSWORD, Shop};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_year_without_use_asks_for_a_new_proof_of_the_address() {
    let shop = Shop::open().await;
    let sleeper = shop.customer("sleeper@example.com").await;
    let user = shop.customer("user@example.com").await;
    shop.rig.clock.advance(6 * DAY);
    shop.refresh(&user.tokens).await.unwrap();
    shop.rig.clock.advance(360 * DAY);
    let dormant = "SELECT count(*) FROM account WHERE state = 'DORMANT'";
    eventually("the unused account is dormant", async || shop.count(dormant).await == 1).await;

    shop.sign_in(&user.email, PASSWORD).await.unwrap();
    let refused = shop.sign_in(&sleeper.email, PASSWORD).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ACCOUNT_DORMANT"));
    assert_eq!(reason(&shop.sign_in(&sleeper.email, "a guess").await.err().unwrap()), "BAD_CREDENTIALS");

    shop.accounts().resend_verification(ResendVerificationRequest { email: sleeper.email.clone() }).await.unwrap();
    let mail = shop.mail_to(&sleeper.email, 2).await;
    assert_eq!(shop.verify(&mail).await.unwrap(), sleeper.account.account_id);
    // Awake before the first use, it stays so when the job comes again.
    shop.rig.clock.advance(DAY);
    eventually("the job has come again", async || {
        shop.count("SELECT count(*) FROM job WHERE done_for > (SELECT max(active_since) FROM account)").await == 1
    })
    .await;
    let awake = shop.sign_in(&sleeper.email, PASSWORD).await.unwrap();
    assert_eq!(awake.account.state(), AccountState::Active);
    assert_eq!(facts::<AccountVerified>(&shop).await.len(), 3);
}
