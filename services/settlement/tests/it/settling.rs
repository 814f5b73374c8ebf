//! What sellers ask for is paid once, and what comes back is paid again.

use bojagi_api::settlement::LedgerAccountKind::{Bank, Fees, PaymentClearing, PayoutClearing, SellerPayable};
use bojagi_api::settlement::{ListPayoutsRequest, PayoutState, SellerBalance};
use bojagi_settlement::{Config, NAME};
use bojagi_store::Tx;
use bojagi_testkit::{TestAccount, eventually, reason};

use crate::support::{Sale, Shop, config, everything, id, line, minor, sale};

/// An order of `paid`, of which the seller gets 90 %, in a statement.
async fn earned(shop: &Shop, seller: &TestAccount, paid: i64) -> Sale {
    let order = sale([line(seller, 1, paid, 0, 0)]);
    shop.capture(&order).await;
    shop.close().await;
    order
}

/// Unsettled, in open statements, carried, in transit, paid out. What is owed is what the ledger owes.
async fn balance(shop: &Shop, seller: &TestAccount) -> [i64; 5] {
    let SellerBalance { unsettled, open_statements, carried, in_transit, paid_out } = shop.balance(seller).await;
    let all = [unsettled, open_statements, carried, in_transit, paid_out].map(|money| minor(money.as_ref()));
    let account = shop.count(
        "SELECT coalesce(sum(-p.amount), 0) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
         WHERE a.seller_id = ?1",
        Some(seller.account_id.into()),
    );
    assert_eq!(all[..3].iter().sum::<i64>(), account.await);
    all
}

#[tokio::test]
async fn a_settlement_is_paid() {
    let shop = Shop::open_with(Config { payout_fee_minor_units: 500, ..config() }).await;
    let seller = shop.seller();
    shop.register(&seller, "bank_ok").await;
    earned(&shop, &seller, 10_000).await;
    earned(&shop, &seller, 20_000).await;
    assert_eq!(balance(&shop, &seller).await, [0, 27_000, 0, 0, 0]);

    let settlements = shop.settle(&seller).await.unwrap().settlements;
    let [settlement] = settlements.as_slice() else { panic!("{settlements:?}") };
    assert_eq!(settlement.statement_ids.len(), 2);
    assert_eq!(minor(settlement.statements_net.as_ref()), 27_000);
    let payout = settlement.payout.clone().unwrap();
    assert_eq!((payout.state(), minor(payout.amount.as_ref())), (PayoutState::Pending, 27_000));

    let paid = shop.payout_is(&payout.id, PayoutState::Paid).await;
    assert!(paid.sent_at.is_some() && paid.paid_at.is_some() && paid.ended_at.is_none());
    assert_eq!(paid.statement_ids, settlement.statement_ids);
    assert_eq!(balance(&shop, &seller).await, [0, 0, 0, 0, 27_000]);
    let balances = shop.balances().await;
    assert_eq!((balances[&PayoutClearing], balances[&SellerPayable]), (0, 0));
    assert_eq!((balances[&Bank], balances[&Fees], balances[&PaymentClearing]), (-27_500, 500, 30_000));

    for statement in shop.statements(&seller).await {
        assert_eq!((statement.payout_id.as_str(), statement.carried_over), (payout.id.as_str(), false));
        assert!(statement.settled_at.is_some());
    }
    assert_eq!(reason(&shop.settle(&seller).await.unwrap_err()), "NOTHING_TO_SETTLE");
    assert_eq!(
        told(&shop).await,
        ["PayoutPaid", "StatementClosed", "StatementClosed", "StatementSettled", "StatementSettled"],
    );
}

/// The names of the facts told, sorted.
async fn told(shop: &Shop) -> Vec<String> {
    let store = shop.rig.store(NAME);
    let told: Result<_, bojagi_store::Error> = store
        .read(async |tx: &mut Tx| {
            tx.fetch_all::<(String,)>("SELECT event_type FROM outbox ORDER BY event_type", &[]).await
        })
        .await;
    told.unwrap().into_iter().map(|(name,)| name.replace("bojagi.settlement.v1.", "")).collect()
}

#[tokio::test]
async fn without_an_account_nothing_is_settled() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    earned(&shop, &seller, 10_000).await;
    assert_eq!(reason(&shop.settle(&seller).await.unwrap_err()), "PAYOUT_ACCOUNT_MISSING");
    assert_eq!(balance(&shop, &seller).await, [0, 9_000, 0, 0, 0]);
    shop.register(&seller, "bank_ok").await;
    assert_eq!(shop.settle(&seller).await.unwrap().settlements.len(), 1);
}

#[tokio::test]
async fn only_statements_of_the_period_are_settled() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.register(&seller, "bank_ok").await;
    earned(&shop, &seller, 10_000).await;
    let mut request = everything(id());
    request.last_business_date = "2026-03-01".into();
    let refused = shop.calling_as(&seller).request_settlement(request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "NOTHING_TO_SETTLE");
    // Refusals are not kept: the same request holds once there is something.
    request.first_business_date = "2026-03-02".into();
    request.last_business_date = "2026-03-02".into();
    assert_eq!(shop.calling_as(&seller).request_settlement(request).await.unwrap().into_inner().settlements.len(), 1);
}

#[tokio::test]
async fn what_is_missing_is_netted_by_what_comes_next() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.register(&seller, "bank_ok").await;
    let order = earned(&shop, &seller, 10_000).await;
    let first = shop.settle(&seller).await.unwrap().settlements.remove(0);
    shop.payout_is(&first.payout.unwrap().id, PayoutState::Paid).await;

    // The order goes back after it was paid out, and little is earned since.
    shop.refund(&order, &order.lines).await;
    shop.close().await;
    earned(&shop, &seller, 1_000).await;
    let second = shop.settle(&seller).await.unwrap().settlements.remove(0);
    assert!(second.payout.is_none());
    assert_eq!((minor(second.statements_net.as_ref()), minor(second.carried_forward.as_ref())), (-8_100, -8_100));
    assert_eq!(balance(&shop, &seller).await, [0, 0, -8_100, 0, 9_000]);
    assert!(shop.statements(&seller).await[..2].iter().all(|statement| statement.carried_over));

    earned(&shop, &seller, 20_000).await;
    let third = shop.settle(&seller).await.unwrap().settlements.remove(0);
    assert_eq!((minor(third.brought_forward.as_ref()), minor(third.carried_forward.as_ref())), (-8_100, 0));
    assert_eq!(minor(third.payout.unwrap().amount.as_ref()), 9_900);
}

#[tokio::test]
async fn a_payout_that_the_bank_refuses_is_the_sellers_balance_again() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.register(&seller, "bank_fails").await;
    earned(&shop, &seller, 10_000).await;
    let settlement = shop.settle(&seller).await.unwrap().settlements.remove(0);
    let failed = shop.payout_is(&settlement.payout.unwrap().id, PayoutState::Failed).await;
    assert_eq!(failed.failure_reason, "ACCOUNT_FROZEN");
    assert_eq!(balance(&shop, &seller).await, [0, 0, 9_000, 0, 0]);

    // Put right, it is paid without anything new being earned.
    shop.register(&seller, "bank_ok").await;
    let again = shop.settle(&seller).await.unwrap().settlements.remove(0);
    assert_eq!((again.statement_ids.len(), minor(again.brought_forward.as_ref())), (0, 9_000));
    shop.payout_is(&again.payout.unwrap().id, PayoutState::Paid).await;
    assert_eq!(balance(&shop, &seller).await, [0, 0, 0, 0, 9_000]);
}

#[tokio::test]
async fn r20_a_payout_that_is_returned_after_it_was_paid_is_restored_and_corrects_the_next() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.register(&seller, "bank_returns").await;
    earned(&shop, &seller, 10_000).await;
    let settlement = shop.settle(&seller).await.unwrap().settlements.remove(0);
    let returned = shop.payout_is(&settlement.payout.unwrap().id, PayoutState::Returned).await;
    assert_eq!(returned.failure_reason, "ACCOUNT_CLOSED");
    assert!(returned.paid_at.is_some() && returned.ended_at.is_some());
    assert_eq!(balance(&shop, &seller).await, [0, 0, 9_000, 0, 0]);
    let balances = shop.balances().await;
    assert_eq!((balances[&Bank], balances[&PayoutClearing], balances[&SellerPayable]), (0, 0, -9_000));

    shop.register(&seller, "bank_ok").await;
    earned(&shop, &seller, 1_000).await;
    let next = shop.settle(&seller).await.unwrap().settlements.remove(0);
    assert_eq!((minor(next.statements_net.as_ref()), minor(next.brought_forward.as_ref())), (900, 9_000));
    let payout = next.payout.unwrap();
    assert_eq!(minor(payout.amount.as_ref()), 9_900);
    shop.payout_is(&payout.id, PayoutState::Paid).await;
    assert_eq!(balance(&shop, &seller).await, [0, 0, 0, 0, 9_900]);
    let told = told(&shop).await;
    assert_eq!(told.iter().filter(|name| *name == "PayoutPaid").count(), 2);
    assert_eq!(told.iter().filter(|name| *name == "PayoutReturned").count(), 1);
}

#[tokio::test]
async fn sixteen_requests_at_once_pay_once() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    shop.register(&seller, "bank_ok").await;
    earned(&shop, &seller, 10_000).await;
    let same = id();
    let mut asks = Vec::new();
    for number in 0..16 {
        let request_id = if number % 2 == 0 { same.clone() } else { id() };
        let mut client = shop.calling_as(&seller);
        asks.push(tokio::spawn(
            async move { (number % 2 == 0, client.request_settlement(everything(request_id)).await) },
        ));
    }
    let mut payouts = std::collections::BTreeSet::new();
    for ask in asks {
        let (_, answered) = ask.await.unwrap();
        match answered {
            Ok(settled) => {
                payouts.insert(settled.into_inner().settlements[0].payout.clone().unwrap().id);
            }
            Err(status) => assert_eq!(reason(&status), "NOTHING_TO_SETTLE"),
        }
    }
    assert_eq!(payouts.len(), 1);
    assert_eq!(shop.count("SELECT count(*) FROM payout", None).await, 1);
    let mut other = everything(same);
    other.last_business_date = "2099-01-01".into();
    let refused = shop.calling_as(&seller).request_settlement(other).await.unwrap_err();
    assert!(["IDEMPOTENCY_KEY_REUSED", "NOTHING_TO_SETTLE"].contains(&reason(&refused).as_str()));
}

#[tokio::test]
async fn payouts_are_listed_newest_first() {
    let shop = Shop::open().await;
    let (tea, silk) = (shop.seller(), shop.seller());
    for seller in [&tea, &silk, &tea] {
        shop.register(seller, "bank_ok").await;
        earned(&shop, seller, 10_000).await;
        shop.settle(seller).await.unwrap();
        shop.wait(1);
    }
    let list = async |account: &TestAccount, request: ListPayoutsRequest| {
        shop.calling_as(account).list_payouts(request).await.map(tonic::Response::into_inner)
    };
    assert_eq!(list(&tea, ListPayoutsRequest::default()).await.unwrap().payouts.len(), 2);
    assert_eq!(list(&silk, ListPayoutsRequest::default()).await.unwrap().payouts.len(), 1);
    let first = list(&shop.admin, ListPayoutsRequest { page_size: 2, ..Default::default() }).await.unwrap();
    assert_eq!((first.payouts.len(), first.payouts[1].seller_id.clone()), (2, silk.account_id.to_string()));
    let next = ListPayoutsRequest { page_size: 2, page_token: first.next_page_token, ..Default::default() };
    let second = list(&shop.admin, next).await.unwrap();
    assert_eq!((second.payouts.len(), second.next_page_token.as_str()), (1, ""));
    let mut paid = ListPayoutsRequest { seller_id: tea.account_id.to_string(), ..Default::default() };
    paid.set_state(PayoutState::Paid);
    eventually("both are paid", async || list(&shop.admin, paid.clone()).await.unwrap().payouts.len() == 2).await;
    let not_own = ListPayoutsRequest { seller_id: tea.account_id.to_string(), ..Default::default() };
    assert_eq!(reason(&list(&silk, not_own).await.unwrap_err()), "NOT_YOUR_OWN");
}
