use bojagi_kernel::id::AccountId;
use bojagi_kernel::{ManualClock, Moment};
use bojagi_store::{Error, Store, Tx, params};
use bojagi_testkit::Place;
use uuid::Uuid;

use super::*;

const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

/// Enters an account with a password, in a state.
async fn account(tx: &mut Tx, email: &str, (state, before): (&str, Option<&str>)) -> Result<AccountId, Error> {
    let account_id = AccountId::generate();
    tx.execute(
        "INSERT INTO account (account_id, email, password_hash, name, phone, search_text, kind, is_admin, state,
             state_before_suspension, suspension_reason, address_count, token_time, created_at)
         VALUES (?1, ?2, 'hash', '', '', '', 'CUSTOMER', FALSE, ?3, ?4, '', 0, 0, ?5)",
        params![account_id, email, state, before, NOW],
    )
    .await?;
    Ok(account_id)
}

async fn link(tx: &mut Tx, account_id: AccountId, purpose: &str, password_hash: Option<&str>) -> Result<(), Error> {
    let token = Uuid::now_v7();
    tx.execute(
        "INSERT INTO link (token_hash, account_id, purpose, password_hash, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![token.as_bytes().as_slice(), account_id, purpose, password_hash, NOW],
    )
    .await?;
    Ok(())
}

/// Queues a mail; one without a subject is not written yet.
async fn mail(tx: &mut Tx, recipient: &str, subject: Option<&str>) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO mail (mail_id, recipient, occasion, subject, body, queued_at, attempts, next_attempt_at)
         VALUES (?1, ?2, 'SIGN_UP', ?3, ?3, ?4, 0, ?4)",
        params![Uuid::now_v7(), recipient, subject, NOW],
    )
    .await?;
    Ok(())
}

/// What there was before links carried no password any more.
async fn fill(tx: &mut Tx) -> Result<(), Error> {
    let signed_up = account(tx, "signed-up", ("UNVERIFIED", None)).await?;
    link(tx, signed_up, "VERIFY", Some("the owner's")).await?;
    link(tx, signed_up, "RESET", None).await?;
    for subject in [Some("Verify your address"), Some("Set a new password"), None] {
        mail(tx, "signed-up", subject).await?;
    }
    account(tx, "suspended-before", ("SUSPENDED", Some("UNVERIFIED"))).await?;
    account(tx, "suspended", ("SUSPENDED", Some("ACTIVE"))).await?;
    account(tx, "active", ("ACTIVE", None)).await?;
    let dormant = account(tx, "dormant", ("DORMANT", None)).await?;
    link(tx, dormant, "VERIFY", None).await?;
    mail(tx, "dormant", Some("Verify your address")).await
}

#[tokio::test]
async fn what_was_signed_up_before_is_verified_by_a_new_link_and_has_no_password_of_a_stranger() {
    let (place, clock) = (Place::as_configured(), ManualClock::at(NOW));
    let (last, before) = crate::MIGRATIONS.split_last().unwrap();
    assert_eq!(last.name, PLAIN_LINKS.name);
    let store = Store::open(&place.store("user"), before, &clock).await.unwrap();
    store.write(fill).await.unwrap();
    drop(store);

    let store = Store::open(&place.store("user"), crate::MIGRATIONS, &clock).await.unwrap();
    let look = async |tx: &mut Tx| {
        let keeping = "SELECT email FROM account WHERE password_hash = 'hash' ORDER BY email";
        let keeping: Vec<(String,)> = tx.fetch_all(keeping, &[]).await?;
        let links: Vec<(String,)> = tx.fetch_all("SELECT purpose FROM link ORDER BY purpose", &[]).await?;
        let mails = "SELECT recipient, coalesce(subject, '') FROM mail ORDER BY 1, 2";
        let mails: Vec<(String, String)> = tx.fetch_all(mails, &[]).await?;
        Ok::<_, Error>((keeping, links, mails))
    };
    let (keeping, links, mails) = store.read(look).await.unwrap();
    let one = |text: &str| (text.to_owned(),);
    assert_eq!(keeping, ["active", "dormant", "suspended"].map(one));
    assert_eq!(links, ["RESET", "VERIFY"].map(one));
    let pair = |(recipient, subject): (&str, &str)| (recipient.to_owned(), subject.to_owned());
    let left = [("dormant", "Verify your address"), ("signed-up", ""), ("signed-up", "Set a new password")];
    assert_eq!(mails, left.map(pair));
}
