//! The bank is slow, silent, forgetful, forged, and says things twice.

use std::sync::Arc;

use bojagi_api::settlement::{IngestBankEventRequest, LedgerAccountKind, PayoutState, RegisterPayoutAccountRequest};
use bojagi_kernel::reexport::Uuid;
use bojagi_settlement::{Bank, BankAnswer, BankSilent, BankToken, PayoutOrder};
use bojagi_testkit::{Rig, TestAccount, eventually, reason};
use futures::future::BoxFuture;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tokio::sync::Mutex;
use tonic::Status;

use crate::support::{SECRET, Shop, config, id, line, minor, sale};

/// A bank that answers as the test says, and remembers what it was asked.
#[derive(Default)]
struct TestBank {
    answers: Mutex<Vec<Result<BankAnswer, BankSilent>>>,
    asked: Mutex<Vec<PayoutOrder>>,
}

impl Bank for TestBank {
    fn knows<'a>(&'a self, token: &'a BankToken) -> BoxFuture<'a, Result<bool, BankSilent>> {
        Box::pin(async move { Ok(token.reveal() != "unknown") })
    }

    fn pay(&self, order: PayoutOrder) -> BoxFuture<'_, Result<BankAnswer, BankSilent>> {
        Box::pin(async move {
            self.asked.lock().await.push(order);
            let next = self.answers.lock().await.pop();
            match next {
                Some(answer) => answer,
                // A bank that has taken the order and never says so.
                None => std::future::pending().await,
            }
        })
    }
}

impl TestBank {
    /// Answers in this order.
    fn answering(answers: impl IntoIterator<Item = Result<BankAnswer, BankSilent>>) -> Arc<Self> {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    async fn asked(&self) -> Vec<Uuid> {
        self.asked.lock().await.iter().map(|order| order.payout_id).collect()
    }
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

fn event(payout_id: &str, kind: &str) -> String {
    let event_id = id();
    format!(
        r#"{{"event_id":"{event_id}","payout_id":"{payout_id}","type":"{kind}","occurred_at":"2026-03-02T03:00:01Z","reason":"X"}}"#
    )
}

/// As anybody on the internet can.
async fn ingest(shop: &Shop, body: &str, signature: String) -> Result<(), Status> {
    let mut anybody =
        bojagi_api::settlement::settlement_service_client::SettlementServiceClient::new(shop.rig.anonymous());
    let request = IngestBankEventRequest { body: body.as_bytes().to_vec(), signature };
    anybody.ingest_bank_event(request).await.map(drop)
}

async fn tell(shop: &Shop, payout_id: &str, kind: &str) -> Result<(), Status> {
    let body = event(payout_id, kind);
    let signature = signature(&body);
    ingest(shop, &body, signature).await
}

/// A payout of 9,000, and who gets it.
async fn payout(shop: &Shop) -> (TestAccount, String) {
    let seller = shop.seller();
    shop.register(&seller, "some account").await;
    shop.capture(&sale([line(&seller, 1, 10_000, 0, 0)])).await;
    shop.close().await;
    let payout = shop.settle(&seller).await.unwrap().settlements.remove(0).payout.unwrap();
    (seller, payout.id)
}

#[tokio::test]
async fn a_silent_bank_is_asked_again_under_the_same_key() {
    let silent = || Err(BankSilent("the line is dead".into()));
    let bank = TestBank::answering([silent(), silent(), Ok(BankAnswer::Taken)]);
    let shop = Shop::open_in(Rig::new(), config(), Some(bank.clone())).await;
    let (_, payout_id) = payout(&shop).await;
    for attempts in 1..=3 {
        eventually("the bank is asked", async || bank.asked().await.len() == attempts).await;
        // Longer than the bank's time and the pause after it.
        shop.wait(60);
    }
    shop.payout_is(&payout_id, PayoutState::InTransit).await;
    assert!(bank.asked().await.iter().all(|asked| asked.to_string() == payout_id));
    tell(&shop, &payout_id, "payout.paid").await.unwrap();
    shop.payout_is(&payout_id, PayoutState::Paid).await;
}

#[tokio::test]
async fn a_refusal_puts_the_money_back() {
    let bank = TestBank::answering([Ok(BankAnswer::Refused { reason: "ACCOUNT_UNKNOWN".into() })]);
    let shop = Shop::open_in(Rig::new(), config(), Some(bank)).await;
    let (seller, payout_id) = payout(&shop).await;
    let failed = shop.payout_is(&payout_id, PayoutState::Failed).await;
    assert_eq!((failed.failure_reason.as_str(), failed.sent_at), ("ACCOUNT_UNKNOWN", None));
    assert_eq!(minor(shop.balance(&seller).await.carried.as_ref()), 9_000);
}

#[tokio::test]
async fn a_crash_while_the_bank_is_asked_pays_once() {
    let bank = TestBank::answering([]);
    let shop = Shop::open_in(Rig::new(), config(), Some(bank.clone())).await;
    let (seller, payout_id) = payout(&shop).await;
    eventually("the bank is asked", async || bank.asked().await.len() == 1).await;
    let later = TestBank::answering([Ok(BankAnswer::Taken)]);
    let shop = shop.crash(config(), Some(later.clone())).await;
    shop.wait(60);
    shop.payout_is(&payout_id, PayoutState::InTransit).await;
    assert_eq!(bank.asked().await, later.asked().await);
    assert_eq!(minor(shop.balance(&seller).await.in_transit.as_ref()), 9_000);
}

#[tokio::test]
async fn the_simulated_bank_keeps_its_word_after_a_crash() {
    let slow = bojagi_settlement::Config { simulated_bank_pays_after_ms: 60_000, ..config() };
    let shop = Shop::open_with(slow.clone()).await;
    let seller = shop.seller();
    shop.register(&seller, "bank_ok").await;
    shop.capture(&sale([line(&seller, 1, 10_000, 0, 0)])).await;
    shop.close().await;
    let payout = shop.settle(&seller).await.unwrap().settlements.remove(0).payout.unwrap();
    shop.payout_is(&payout.id, PayoutState::InTransit).await;
    let shop = shop.crash(slow, None).await;
    shop.wait(61);
    shop.payout_is(&payout.id, PayoutState::Paid).await;
}

#[tokio::test]
async fn words_in_any_order_and_number_are_booked_once() {
    for order in [
        ["payout.paid", "payout.returned", "payout.paid"],
        ["payout.returned", "payout.paid", "payout.returned"],
        ["payout.returned", "payout.returned", "payout.paid"],
    ] {
        let bank = TestBank::answering([]);
        let shop = Shop::open_in(Rig::new(), config(), Some(bank)).await;
        let (seller, payout_id) = payout(&shop).await;
        for kind in order {
            tell(&shop, &payout_id, kind).await.unwrap();
        }
        let returned = shop.payout(&payout_id).await;
        assert_eq!(returned.state(), PayoutState::Returned, "{order:?}");
        assert!(returned.sent_at.is_some() && returned.paid_at.is_some());
        assert_eq!(minor(shop.balance(&seller).await.carried.as_ref()), 9_000);
        assert!(shop.balances().await.values().sum::<i64>() == 0);
        let facts = "SELECT count(*) FROM outbox WHERE event_type LIKE '%.Payout%'";
        assert_eq!(shop.count(facts, None).await, 2);
    }
}

#[tokio::test]
async fn a_payout_that_fails_costs_the_fee_once_it_was_taken_and_one_that_is_refused_costs_nothing() {
    let refused = || Ok(BankAnswer::Refused { reason: "ACCOUNT_UNKNOWN".into() });
    let costly = || bojagi_settlement::Config { payout_fee_minor_units: 10, ..config() };
    // The bank takes it, or takes it and its answer is lost, or refuses it; then it says that the payout failed.
    for (answers, fee) in [(vec![Ok(BankAnswer::Taken)], 10), (vec![], 10), (vec![refused()], 0)] {
        let answered = answers.len() as i64;
        let shop = Shop::open_in(Rig::new(), costly(), Some(TestBank::answering(answers))).await;
        let (seller, payout_id) = payout(&shop).await;
        eventually("the answer is heard", async || {
            shop.count("SELECT count(*) FROM payout WHERE state <> 'PENDING'", None).await == answered
        })
        .await;
        tell(&shop, &payout_id, "payout.failed").await.unwrap();
        let failed = shop.payout(&payout_id).await;
        assert_eq!((failed.state(), failed.sent_at.is_some()), (PayoutState::Failed, fee > 0));
        assert_eq!(minor(shop.balance(&seller).await.carried.as_ref()), 9_000);
        assert_eq!(shop.balances().await.get(&LedgerAccountKind::Fees).copied().unwrap_or_default(), fee);
    }
}

#[tokio::test]
async fn the_same_event_from_sixty_four_senders_is_booked_once() {
    let bank = TestBank::answering([Ok(BankAnswer::Taken)]);
    let shop = Arc::new(Shop::open_in(Rig::new(), config(), Some(bank)).await);
    let (_, payout_id) = payout(&shop).await;
    let body = event(&payout_id, "payout.paid");
    let told = (0..64).map(|_| {
        let (shop, body) = (Arc::clone(&shop), body.clone());
        tokio::spawn(async move { ingest(&shop, &body, signature(&body)).await })
    });
    for one in told.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(shop.count("SELECT count(*) FROM bank_event", None).await, 1);
    let paid = "SELECT count(*) FROM ledger_transaction WHERE kind = 'PAYOUT_PAID'";
    assert_eq!(shop.count(paid, None).await, 1);
}

#[tokio::test]
async fn a_bank_that_contradicts_itself_moves_nothing() {
    let bank = TestBank::answering([Ok(BankAnswer::Taken)]);
    let shop = Shop::open_in(Rig::new(), config(), Some(bank)).await;
    let (seller, payout_id) = payout(&shop).await;
    tell(&shop, &payout_id, "payout.failed").await.unwrap();
    tell(&shop, &payout_id, "payout.paid").await.unwrap();
    assert_eq!(shop.payout(&payout_id).await.state(), PayoutState::Failed);
    assert_eq!(minor(shop.balance(&seller).await.carried.as_ref()), 9_000);
    let kept = "SELECT count(*) FROM bank_event WHERE outcome = 'CONTRADICTION'";
    assert_eq!(shop.count(kept, None).await, 1);
}

#[tokio::test]
async fn forged_and_malformed_events_are_refused() {
    let bank = TestBank::answering([Ok(BankAnswer::Taken)]);
    let shop = Shop::open_in(Rig::new(), config(), Some(bank)).await;
    let (_, payout_id) = payout(&shop).await;
    let body = event(&payout_id, "payout.failed");
    let of_another = signature(&event(&payout_id, "payout.failed"));
    for forged in [String::new(), "sha256=".into(), "sha256=00".into(), of_another, signature(&body).to_uppercase()] {
        let refused = ingest(&shop, &body, forged.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), "BANK_SIGNATURE_INVALID", "{forged}");
        assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    }
    assert_eq!(reason(&ingest(&shop, "nonsense", signature("nonsense")).await.unwrap_err()), "BANK_EVENT_MALFORMED");
    assert_eq!(reason(&tell(&shop, &payout_id, "payout.lost").await.unwrap_err()), "BANK_EVENT_MALFORMED");
    let unknown = tell(&shop, &id(), "payout.paid").await.unwrap_err();
    assert_eq!(reason(&unknown), "PAYOUT_NOT_FOUND");
    let long = "x".repeat(64 * 1024 + 1);
    assert_eq!(reason(&ingest(&shop, &long, signature(&long)).await.unwrap_err()), "INVALID_ARGUMENT");
    let long = "x".repeat(1_025);
    assert_eq!(reason(&ingest(&shop, &body, long).await.unwrap_err()), "INVALID_ARGUMENT");
    assert_ne!(shop.payout(&payout_id).await.state(), PayoutState::Failed);
    assert_eq!(shop.count("SELECT count(*) FROM bank_event", None).await, 0);
}

#[tokio::test]
async fn without_a_configured_secret_nobody_outside_is_believed() {
    let shop = Shop::open_with(bojagi_settlement::Config { bank_webhook_secret: String::new(), ..config() }).await;
    let body = event(&id(), "payout.paid");
    let mut guessed = Hmac::<Sha256>::new_from_slice(b"").unwrap();
    guessed.update(body.as_bytes());
    let digits: String = guessed.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let refused = ingest(&shop, &body, format!("sha256={digits}")).await.unwrap_err();
    assert_eq!(reason(&refused), "BANK_SIGNATURE_INVALID");
}

#[tokio::test]
async fn a_payout_account_is_one_that_the_bank_knows() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let request = |bank_token: &str, bank_name: &str, last_four: &str| RegisterPayoutAccountRequest {
        request_id: id(),
        bank_token: bank_token.into(),
        bank_name: bank_name.into(),
        last_four: last_four.into(),
    };
    let mut client = shop.calling_as(&seller);
    for (wrong, field) in [
        (request("", "Hana", "1234"), "bank_token"),
        (request(&"x".repeat(256), "Hana", "1234"), "bank_token"),
        (request("bank_ok", " ", "1234"), "bank_name"),
        (request("bank_ok", "Hana", "123"), "last_four"),
        (request("bank_ok", "Hana", "12a4"), "last_four"),
        (request("bank_ok", "Hana", "１２３４"), "last_four"),
    ] {
        let refused = client.register_payout_account(wrong).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_ARGUMENT");
        assert!(refused.message().starts_with(field), "{refused:?}");
    }
    let refused = client.register_payout_account(request("somebody else's", "Hana", "1234")).await.unwrap_err();
    assert_eq!(reason(&refused), "BANK_TOKEN_UNKNOWN");
    let account = client.register_payout_account(request("bank_ok", " Hana ", "1234")).await.unwrap().into_inner();
    assert_eq!(account.account.unwrap().bank_name, "Hana");
    assert!(!format!("{:?}", request("hush", "Hana", "1234")).contains("hush"));
    let account = client.register_payout_account(request("bank_fails", "Woori", "9999")).await.unwrap().into_inner();
    assert_eq!(account.account.unwrap().last_four, "9999");
}

/// A bank that never says anything.
struct SilentBank;

impl Bank for SilentBank {
    fn knows<'a>(&'a self, _: &'a BankToken) -> BoxFuture<'a, Result<bool, BankSilent>> {
        Box::pin(std::future::pending())
    }

    fn pay(&self, _: PayoutOrder) -> BoxFuture<'_, Result<BankAnswer, BankSilent>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn what_was_registered_is_answered_again_while_the_bank_is_silent_and_nothing_new_is() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let request = RegisterPayoutAccountRequest {
        request_id: id(),
        bank_token: "bank_ok".into(),
        bank_name: "Hana".into(),
        last_four: "1234".into(),
    };
    let first = shop.calling_as(&seller).register_payout_account(request.clone()).await.unwrap().into_inner();
    let impatient = bojagi_settlement::Config { bank_timeout_ms: 1, ..config() };
    let shop = shop.crash(impatient, Some(Arc::new(SilentBank))).await;

    let mut client = shop.calling_as(&seller);
    assert_eq!(client.register_payout_account(request.clone()).await.unwrap().into_inner(), first);
    let other = RegisterPayoutAccountRequest { last_four: "9999".into(), ..request.clone() };
    let refused = client.register_payout_account(other.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    let new = RegisterPayoutAccountRequest { request_id: id(), ..other };
    let refused = client.register_payout_account(new).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::Unavailable, "UNAVAILABLE"));
}
