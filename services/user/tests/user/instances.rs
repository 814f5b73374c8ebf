//! Two processes on one store: what one has signed or revoked the other knows, and what is to be done once is done once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bojagi_api::user::session_service_client::SessionServiceClient;
use bojagi_api::user::watch_revocations_response::Revocation;
use bojagi_api::user::{
    AccountKind, AccountVerified, GetJwksRequest, JsonWebKey, ListSessionsRequest, SignOutRequest,
    WatchRevocationsRequest,
};
use bojagi_store::{Error, LockKey, Tx};
use bojagi_testkit::{eventually, reason};
use bojagi_user::{Config, Encryption};
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tonic::{Code, Status};

use crate::accounts::facts;
use crate::keys::kid_of;
use crate::shop::{PASSWORD, Person, Shop, config};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn two() -> (Shop, Shop) {
    let one = Shop::open().await;
    let other = one.beside(config()).await;
    (one, other)
}

async fn keys(shop: &Shop) -> Vec<JsonWebKey> {
    shop.sessions().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().keys
}

async fn sessions(shop: &Shop, person: &Person) -> Result<usize, Status> {
    let listed = shop.sessions_of(person).list_sessions(ListSessionsRequest::default()).await?;
    Ok(listed.into_inner().sessions.len())
}

#[tokio::test]
async fn each_publishes_the_keys_of_both_and_a_successor_is_made_once() {
    let (one, other) = two().await;
    let first = keys(&one).await;
    assert_eq!((first.len(), keys(&other).await), (1, first.clone()));
    let person = one.customer("mi.ja@example.com").await;
    assert_eq!(sessions(&other, &person).await.unwrap(), 1);

    // An hour before the first key has signed for thirty days.
    one.rig.clock.advance(30 * DAY - Duration::from_secs(3_600));
    eventually("both publish the successor", async || {
        let (here, there) = (keys(&one).await, keys(&other).await);
        here.len() == 2 && here == there
    })
    .await;
    assert_eq!(one.count("SELECT count(*) FROM signing_key").await, 2);
    // Both sign with it from the same moment on.
    one.rig.clock.advance(Duration::from_secs(3_600));
    let successor = keys(&one).await.remove(1);
    for shop in [&one, &other] {
        let person = shop.sign_in("mi.ja@example.com", PASSWORD).await.unwrap();
        assert_eq!(kid_of(&person.tokens.access_token), successor.kid);
    }
}

#[tokio::test]
async fn an_account_waits_for_nothing_that_another_process_does_elsewhere() {
    let (one, other) = two().await;
    if !one.rig.store(bojagi_user::NAME).is_shared() {
        eprintln!("skipped: a file has one writer, whatever a unit is about");
        return;
    }
    let person = one.customer("mi.ja@example.com").await;
    one.mails_have_left().await;

    let ((let_go, held), (begins, begun)) = (mpsc::channel(), oneshot::channel());
    let store = other.rig.store(bojagi_user::NAME);
    let elsewhere = tokio::spawn(async move {
        let unit = async move |tx: &mut Tx| {
            tx.fetch_one::<(i64,)>("SELECT count(*) FROM account", &[]).await?;
            begins.send(()).unwrap();
            // The server ends the transaction of a process that says nothing for long.
            while held.try_recv() == Err(mpsc::TryRecvError::Empty) {
                tx.fetch_one::<(i64,)>("SELECT count(*) FROM pg_sleep(0.01)", &[]).await?;
            }
            Ok::<_, Error>(())
        };
        store.write_locking([LockKey::named("test", "elsewhere")], unit).await
    });
    begun.await.unwrap();
    let again = one.sign_in(&person.email, PASSWORD).await.unwrap();
    let refreshed = one.refresh(&again.tokens).await.unwrap();
    one.sessions_with(&refreshed).sign_out(SignOutRequest {}).await.unwrap();
    one.customer("bo.ra@example.com").await;
    let_go.send(()).unwrap();
    elsewhere.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_signs_out_at_one_is_out_at_the_other_within_its_time() {
    let (one, other) = two().await;
    let person = one.customer("mi.ja@example.com").await;
    assert_eq!(sessions(&other, &person).await.unwrap(), 1);
    let mut watched = SessionServiceClient::new(other.rig.workload("gateway"))
        .watch_revocations(WatchRevocationsRequest { cursor: String::new() })
        .await
        .unwrap()
        .into_inner();
    let mut next = async || {
        let message = tokio::time::timeout(Duration::from_secs(10), watched.message()).await;
        message.unwrap().unwrap().unwrap().revocation
    };
    assert_eq!(next().await, None);
    one.sessions_of(&person).sign_out(SignOutRequest {}).await.unwrap();
    assert_eq!(next().await, Some(Revocation::SessionId(person.tokens.session_id.clone())));
    eventually("the token is void there", async || {
        sessions(&other, &person).await.is_err_and(|status| status.code() == Code::Unauthenticated)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_both_are_shown_is_exchanged_once_and_ends_its_session() {
    let (one, other) = two().await;
    for number in 0..8 {
        let person = one.customer(&format!("mi.ja{number}@example.com")).await;
        let (here, there) = tokio::join!(one.refresh(&person.tokens), other.refresh(&person.tokens));
        let (Ok(got), Err(refused)) = (if here.is_ok() { (here, there) } else { (there, here) }) else {
            panic!("it was exchanged twice");
        };
        assert_eq!(reason(&refused), "REFRESH_TOKEN_INVALID");
        assert_eq!(reason(&other.refresh(&got).await.unwrap_err()), "REFRESH_TOKEN_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_that_signs_up_at_both_is_one_account() {
    let (one, other) = two().await;
    let email = "mi.ja@example.com";
    tokio::join!(one.sign_up(email, AccountKind::Customer), other.sign_up(email, AccountKind::Customer));
    one.mails_have_left().await;
    // Only the link that was written last holds; it is used once, wherever it is shown.
    let mut verified = 0;
    for mail in one.mails_to(email) {
        let shown = [one.verify(&mail).await, other.verify(&mail).await];
        verified += shown.iter().filter(|verified| verified.is_ok()).count();
    }
    assert_eq!(verified, 1);
    assert_eq!(one.count("SELECT count(*) FROM account").await, 1);
    assert_eq!(facts::<AccountVerified>(&other).await.len(), 1);
}

#[tokio::test]
async fn an_account_that_nobody_uses_becomes_dormant_for_both() {
    let (one, other) = two().await;
    let sleeper = one.customer("sleeper@example.com").await;
    one.rig.clock.advance(366 * DAY);
    let dormant = "SELECT count(*) FROM account WHERE state = 'DORMANT'";
    eventually("it is dormant", async || one.count(dormant).await == 1).await;
    let refused = other.sign_in(&sleeper.email, PASSWORD).await.err().unwrap();
    assert_eq!(reason(&refused), "ACCOUNT_DORMANT");
    assert_eq!(one.count("SELECT count(*) FROM job").await, 1);
}

/// A mail server that counts what it takes, by recipient.
#[derive(Clone, Default)]
struct MailServer(Arc<Mutex<BTreeMap<String, u32>>>);

impl MailServer {
    /// Answers its port.
    async fn start(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, server) = (listener.local_addr().unwrap().port(), self.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.converse(client).await });
            }
        });
        port
    }

    async fn converse(&self, client: TcpStream) -> Option<()> {
        let (reader, mut writer) = client.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut in_message = false;
        writer.write_all(b"220 ready\r\n").await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            if let Some(recipient) = line.strip_prefix("RCPT TO:") {
                *self.0.lock().unwrap().entry(recipient.to_owned()).or_default() += 1;
            }
            let answer = match (in_message, line.as_str()) {
                (true, ".") => "250 taken\r\n",
                (true, _) => "",
                (false, "DATA") => "354 go on\r\n",
                (false, "QUIT") => "221 bye\r\n",
                (false, _) => "250 ok\r\n",
            };
            in_message = line == "DATA" || (in_message && line != ".");
            writer.write_all(answer.as_bytes()).await.ok()?;
        }
        Some(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mail_is_sent_by_one_of_them() {
    let server = MailServer::default();
    let by_smtp: Config = {
        let mut config = config();
        config.smtp.host = "127.0.0.1".into();
        config.smtp.port = server.start().await;
        config.smtp.encryption = Encryption::None;
        config
    };
    let one = Shop::open_with(by_smtp.clone()).await;
    let other = one.beside(by_smtp).await;
    let signing_up = (0..40).map(async |number| {
        let shop = if number % 2 == 0 { &one } else { &other };
        shop.sign_up(&format!("mi.ja{number}@example.com"), AccountKind::Customer).await;
    });
    join_all(signing_up).await;
    other.mails_have_left().await;
    let taken: Vec<_> = server.0.lock().unwrap().values().copied().collect();
    assert_eq!(taken, [1; 40]);
}
