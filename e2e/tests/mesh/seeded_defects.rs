//! A check that never failed proves nothing: the books of a day at the shop are bent in one place each, and the checker has
//! to name what is wrong. Each of its questions finds something at least once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::item::{AddWishlistEntryRequest, OptionDraft, UpdateItemRequest};
use bojagi_api::order::{AddCartLineRequest, CreateDraftRequest, WithdrawRefundRequest};
use bojagi_api::policy::Role;
use bojagi_api::settlement::PayoutState;
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_verify::{Finding, Report, Scope};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

/// A fact that nobody has heard.
macro_rules! unheard {
    ($fact:literal) => {
        concat!(
            "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, payload)
             VALUES (randomblob(16), '",
            $fact,
            "', randomblob(16), 1, unixepoch() * 1000000, x'')"
        )
    };
}

/// The invariant that has to be named, the store, and the defect.
const DEFECTS: &[(&str, &str, &str)] = &[
    ("M1", "settlement", "UPDATE ledger_posting SET amount = amount + 1 WHERE position = 1"),
    ("M2", "payment", "UPDATE payment SET captured = captured - 1 WHERE state = 'CAPTURED'"),
    ("M2", "order", "UPDATE orders SET refunded = 1 WHERE state = 'CONFIRMED'"),
    ("M3", "payment", "UPDATE wallet SET available = -1"),
    ("M3", "payment", "UPDATE wallet SET available = available + 1"),
    ("M3", "payment", "UPDATE wallet SET held = held + 1, available = available - 1"),
    ("M3", "payment", "UPDATE payment SET refunding = captured + 1 WHERE state = 'CAPTURED'"),
    ("M4", "order", "UPDATE orders SET state = 'CANCELLED' WHERE state = 'CONFIRMED'"),
    ("M4", "order", "DELETE FROM orders WHERE state = 'CONFIRMED'"),
    ("M4", "payment", "DELETE FROM refund"),
    // More pieces given back than were bought, and the counter of pieces beside them.
    ("M4", "order", "UPDATE refund_line SET quantity = quantity + 10"),
    ("M4", "order", "UPDATE refund_count SET approved = approved - 1"),
    // More given back for a piece than it cost.
    ("M4", "order", "UPDATE refund_line SET net = net + 1, gross = gross + 1 WHERE net > 0"),
    // Agreed to, and no money after rest.
    ("M4", "order", "UPDATE refund SET money = 'REFUNDING', refunded_at = NULL WHERE money = 'REFUNDED'"),
    // The order says REFUNDED, and payment gave back less.
    ("M4", "order", "UPDATE orders SET refunded = gross - discount WHERE refunds > 0"),
    ("M4", "order", "UPDATE refund SET refund_id = randomblob(16) WHERE state = 'APPROVED'"),
    ("T1", "settlement", "UPDATE statement_entry SET quantity = quantity + 1 WHERE kind = 'REFUND'"),
    ("T1", "settlement", "UPDATE statement SET net = net + 1, gross = gross + 1"),
    ("T1", "settlement", "UPDATE statement_entry SET statement_id = NULL WHERE rowid = 1"),
    ("T1", "settlement", "UPDATE statement_entry SET statement_id = NULL; DELETE FROM statement"),
    ("T1", "settlement", "UPDATE statement SET platform_subsidy = platform_subsidy + 1"),
    ("T1", "settlement", "UPDATE statement SET capture_count = capture_count + 1"),
    ("T1", "settlement", "UPDATE statement SET refund_count = refund_count - 1 WHERE refund_count > 0"),
    ("T1", "settlement", "UPDATE statement SET cut_off = 0"),
    ("T1", "settlement", "UPDATE statement_entry SET statement_id = (SELECT max(id) FROM statement) WHERE statement_id IS NULL"),
    ("T1", "settlement", "DELETE FROM statement_entry; DELETE FROM statement"),
    ("T1", "settlement", "DELETE FROM statement_entry WHERE statement_id IS NULL"),
    (
        "T1",
        "settlement",
        "DELETE FROM ledger_posting; DELETE FROM settlement; DELETE FROM payout; DELETE FROM statement; DELETE FROM statement_entry",
    ),
    ("T1", "settlement", "UPDATE statement_entry SET commission = commission - 1, net = net + 1 WHERE kind = 'CAPTURE'"),
    ("T1", "settlement", "UPDATE statement_entry SET commission = commission + 1, net = net - 1 WHERE kind = 'REFUND'"),
    ("T1", "settlement", "UPDATE statement_entry SET seller_id = randomblob(16) WHERE statement_id IS NULL"),
    ("T1", "settlement", "DELETE FROM ledger_transaction WHERE kind = 'CAPTURE'"),
    ("T1", "settlement", "DELETE FROM ledger_transaction WHERE kind = 'POINTS_CHARGE'"),
    ("T1", "settlement", "UPDATE ledger_transaction SET source_id = randomblob(16) WHERE kind = 'REFUND'"),
    (
        "T1",
        "payment",
        "INSERT INTO payment SELECT randomblob(16), randomblob(16), customer_id, state, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                decline_reason, provider_token, method_type, method_issuer, method_last_four, under_way, asked_at,
                allocations, created_at, authorized_at, captured_at, updated_at, version
            FROM payment WHERE state = 'CAPTURED' LIMIT 1",
    ),
    (
        "T2",
        "settlement",
        "INSERT INTO payout SELECT randomblob(16), seller_id, settlement_id, state, currency, amount, bank_token, bank_name,
                last_four, failure_reason, created_at, sent_at, paid_at, ended_at, attempts, next_attempt_at
            FROM payout WHERE state = 'PAID'",
    ),
    (
        "T2",
        "settlement",
        "DELETE FROM ledger_posting WHERE transaction_id IN (SELECT id FROM ledger_transaction WHERE kind = 'PAYOUT_RETURNED');
            DELETE FROM ledger_transaction WHERE kind = 'PAYOUT_RETURNED'",
    ),
    (
        "T2",
        "settlement",
        "DELETE FROM ledger_posting WHERE transaction_id IN (SELECT id FROM ledger_transaction WHERE kind = 'PAYOUT_PAID');
            DELETE FROM ledger_transaction WHERE kind = 'PAYOUT_PAID'",
    ),
    ("T2", "settlement", "UPDATE payout SET state = 'PAID' WHERE state = 'RETURNED'"),
    ("T2", "settlement", "UPDATE payout SET amount = amount - 1 WHERE state = 'PAID'"),
    ("T2", "settlement", "UPDATE payout SET sent_at = NULL WHERE state = 'FAILED'"),
    ("T2", "settlement", "DELETE FROM payout WHERE state = 'PAID'"),
    ("T2", "settlement", "UPDATE settlement SET statements_net = statements_net + 1"),
    ("T2", "settlement", "UPDATE settlement SET brought_forward = 0 WHERE brought_forward > 0"),
    (
        "T2",
        "settlement",
        "UPDATE payout SET amount = amount + 1 WHERE state = 'PAID';
            UPDATE settlement SET brought_forward = brought_forward + 1 WHERE brought_forward > 0",
    ),
    ("T2", "settlement", "UPDATE statement SET state = 'OPEN' WHERE state = 'SETTLED'"),
    ("T2", "settlement", "UPDATE statement SET payout_id = NULL WHERE payout_id IS NOT NULL"),
    ("S1", "item", "UPDATE stock SET available = available + 1"),
    ("S1", "item", "UPDATE stock SET sold = sold + 1, available = available - 1"),
    // Back on the shelf twice, or for nobody's refund.
    ("S1", "item", "UPDATE stock SET sold = sold - 1, available = available + 1 WHERE sold > 0"),
    ("S1", "item", "UPDATE refunded_line SET restocked = restocked + 1"),
    ("S1", "item", "UPDATE refunded_line SET refunded = refunded + 1"),
    ("S1", "item", "INSERT INTO refund SELECT randomblob(16), order_id, restocked, heard_at FROM refund"),
    ("S1", "item", "UPDATE refund SET restocked = NOT restocked"),
    ("S1", "item", "DELETE FROM refund"),
    ("S1", "item", "DELETE FROM hold_line WHERE order_id IN (SELECT order_id FROM hold WHERE state = 'SOLD')"),
    // What counts for the limit of a customer, and what is counted where there is none.
    ("S1", "item", "UPDATE customer_taken SET taken = taken + 1"),
    ("S1", "item", "DELETE FROM customer_taken"),
    ("S1", "item", "INSERT INTO customer_taken SELECT option_id, randomblob(16), 0 FROM item_option WHERE customer_limit IS NULL"),
    ("C1", "coupon", "UPDATE coupon SET issued_count = issued_count + 1"),
    ("C1", "coupon", "UPDATE issued_coupon SET state = 'AVAILABLE', order_id = NULL, used_at = NULL"),
    ("C1", "coupon", "UPDATE redemption_line SET order_discount = order_discount - 1 WHERE order_discount > 0"),
    ("N1", "item", "UPDATE item SET hearts = hearts + 1 WHERE hearts > 0"),
    ("N1", "item", "DELETE FROM heart"),
    ("N1", "item", "UPDATE store SET followers = followers - 1 WHERE followers > 0"),
    ("N1", "item", "INSERT INTO follow SELECT store_id, randomblob(16), given_at FROM follow"),
    ("N1", "item", "UPDATE heart SET item_id = randomblob(16)"),
    ("N1", "item", "INSERT INTO closed_customer SELECT customer_id, given_at, TRUE FROM heart"),
    ("N1", "item", "UPDATE store SET deleted_at = updated_at WHERE followers > 0"),
    ("N1", "item", "INSERT INTO closed_customer SELECT customer_id, added_at, TRUE FROM wishlist_entry"),
    // Of the closed account, which item has not noted.
    ("N1", "item", "UPDATE heart SET customer_id = zeroblob(16)"),
    ("N1", "item", "UPDATE follow SET customer_id = zeroblob(16)"),
    ("N1", "item", "UPDATE wishlist_entry SET customer_id = zeroblob(16)"),
    ("X1", "order", "DELETE FROM outbox WHERE event_type = 'bojagi.order.v1.OrderConfirmed'"),
    ("X1", "order", "UPDATE outbox SET event_type = 'bojagi.order.v1.RefundRejected' WHERE event_type = 'bojagi.order.v1.RefundWithdrawn'"),
    ("X1", "payment", "DELETE FROM outbox WHERE event_type = 'bojagi.payment.v1.PaymentCaptured'"),
    ("X1", "order", "UPDATE outbox SET sequence = sequence + 1000 WHERE event_type = 'bojagi.order.v1.OrderConfirmed'"),
    ("X1", "settlement", "DELETE FROM inbox WHERE consumer = 'settlement'"),
    ("X1", "order", "DELETE FROM inbox WHERE consumer = 'order.payments'"),
    ("X1", "order", "DELETE FROM inbox WHERE consumer = 'order.refunds'"),
    ("X1", "item", "DELETE FROM inbox WHERE consumer = 'item.refunds'"),
    ("X1", "user", unheard!("bojagi.user.v1.AccountSuspended")),
    ("X1", "user", unheard!("bojagi.user.v1.AccountReinstated")),
    ("X1", "user", unheard!("bojagi.user.v1.AccountClosed")),
    ("X1", "item", unheard!("bojagi.item.v1.ItemDeleted")),
    (
        "X1",
        "order",
        "DELETE FROM consumer_position WHERE consumer = 'relay'; DELETE FROM relay_lease;
            INSERT INTO consumer_position (consumer, topic, position) VALUES ('relay', 'bojagi.order.v1', 0);
            INSERT INTO relay_lease (topic, holder, epoch, held_until)
            SELECT 'bojagi.order.v1', 'somebody', 1, 1 + max(told_at) FROM outbox",
    ),
    ("X2", "order", "DELETE FROM idempotency WHERE method = 'PlaceOrder'"),
    ("X2", "order", "UPDATE idempotency SET answer = CAST(hex(randomblob(16)) AS BLOB) WHERE method = 'PlaceOrder'"),
    (
        "X2",
        "order",
        "INSERT INTO idempotency SELECT caller, method, randomblob(16), fingerprint, answer, answered_at FROM idempotency
            WHERE method = 'PlaceOrder'",
    ),
    (
        "X2",
        "order",
        "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, payload)
                     SELECT randomblob(16), event_type, aggregate_id, 1000 + sequence, told_at, payload FROM outbox
                     WHERE event_type = 'bojagi.order.v1.OrderPlaced'",
    ),
    ("X3", "item", "UPDATE inbox_sequence SET last = last + 1000 WHERE topic = 'bojagi.order.v1'"),
    ("X3", "coupon", "UPDATE inbox_sequence SET last = last + 1000 WHERE topic = 'bojagi.item.v1'"),
    ("X3", "order", "UPDATE inbox_sequence SET last = last + 1000 WHERE consumer = 'order.payments'"),
    ("X3", "settlement", "UPDATE inbox_sequence SET aggregate_id = randomblob(16)"),
    ("A1", "order", "DELETE FROM order_history WHERE state = 'CONFIRMED'"),
    ("A1", "order", "DELETE FROM order_history WHERE state = 'DRAFT'"),
    ("A1", "order", "UPDATE orders SET draft_id = (SELECT order_id FROM draft) WHERE state = 'CONFIRMED' AND refunded > 0"),
    ("A1", "order", "DELETE FROM draft"),
    ("N1", "order", "INSERT INTO blocked_account SELECT customer_id, TRUE, begun_at FROM draft"),
    ("N1", "order", "INSERT INTO blocked_account SELECT customer_id, TRUE, changed_at FROM cart; DELETE FROM cart_line"),
    ("N1", "order", "INSERT INTO blocked_account SELECT customer_id, TRUE, changed_at FROM cart; DELETE FROM cart"),
    ("L1", "order", "UPDATE orders SET saga_state = 'RUNNING' WHERE state = 'CONFIRMED'"),
    ("L1", "item", "UPDATE hold SET state = 'RESERVED' WHERE state = 'SOLD'"),
    ("L1", "coupon", "UPDATE issued_coupon SET state = 'RESERVED', used_at = NULL WHERE state = 'USED'"),
    ("L1", "payment", "UPDATE refund SET state = 'PENDING'"),
];

/// A customer has closed an account, and has left nothing.
const CLOSED_ACCOUNT: &str =
    "INSERT INTO account (account_id, password_hash, name, phone, search_text, kind, is_admin, state, suspension_reason,
        address_count, token_time, created_at)
     VALUES (zeroblob(16), '', '', '', '', 'CUSTOMER', FALSE, 'CLOSED', '', 0, 0, 0)";

/// A paid order with a coupon, a cancelled one, a failed one, one that was sent and is given back in part, all of an option that soon has
/// a limit; a wish, a cart, a draft, and a close; payouts that came back and that arrived, and something that is in no statement yet.
async fn a_day(shop: &Shop) {
    let (seller, offer) = shop.offer(10_000, 100).await;
    let buyer = shop.person(&[Role::Customer]);
    let card = buyer.card("tok_approve").await;
    buyer.charge(50_000, &card).await;
    let coupon = Coupon {
        name: "Off".into(),
        benefit: Some(Benefit::FixedAmount(won(1_000))),
        scope: CouponScope::Order.into(),
        ..Coupon::default()
    };
    let issued = buyer.take_coupon(&shop.coupon(coupon).await).await.unwrap();
    let wish = Wish { coupon: issued, discount: 1_000, points: 3_000, ..Wish::of(&offer, 1, &card) };
    buyer.place(&wish).await.unwrap();
    limit(&seller, &offer, 20).await;
    let cancelled = buyer.place(&Wish { points: 1_000, ..Wish::of(&offer, 2, &card) }).await.unwrap();
    buyer.cancel(&cancelled.id).await.unwrap();
    let sent = buyer.place(&Wish { points: 1_000, ..Wish::of(&offer, 4, &card) }).await.unwrap();
    seller.send(&sent, &offer).await;
    for restock in [true, false] {
        let refund = buyer.request_refund(&sent, &offer, 1).await.unwrap();
        seller.approve_refund(&refund.id, restock).await.unwrap();
        buyer.wait_for_money(&refund.id).await;
    }
    let taken_back = buyer.request_refund(&sent, &offer, 2).await.unwrap();
    let withdrawal = WithdrawRefundRequest { request_id: taken_back.id.clone(), refund_id: taken_back.id };
    buyer.refunds().withdraw_refund(withdrawal).await.unwrap();
    let declined = buyer.card("tok_decline_lost_card").await;
    buyer.place(&Wish::of(&offer, 1, &declined)).await.unwrap();
    buyer.hearts(&offer, true).await.unwrap();
    buyer.follows(&offer, true).await.unwrap();
    let (request_id, option_id) = (Uuid::now_v7().to_string(), offer.option_id.clone());
    let wished_for = AddWishlistEntryRequest { request_id, option_id, quantity: 1 };
    // By somebody who has given no hearts, which would be named as well.
    shop.person(&[Role::Customer]).wishes().add_wishlist_entry(wished_for).await.unwrap();
    let (request_id, option_id) = (Uuid::now_v7().to_string(), offer.option_id.clone());
    let put_in = AddCartLineRequest { request_id, option_id, quantity: 1 };
    shop.person(&[Role::Customer]).carts().add_cart_line(put_in).await.unwrap();
    let lines = Wish::of(&offer, 1, "").request().lines;
    let draft = CreateDraftRequest { request_id: Uuid::now_v7().to_string(), lines };
    shop.person(&[Role::Customer]).orders().create_draft(draft).await.unwrap();
    shop.verify().await;
    shop.close_day().await;
    shop.verify().await;

    let (tea, tea_offer) = shop.offer(10_000, 100).await;
    let (silk, silk_offer) = shop.offer(20_000, 100).await;
    for (token, state) in [("bank_returns", PayoutState::Returned), ("bank_ok", PayoutState::Paid)] {
        paid_out(shop, (&tea, &tea_offer), (&buyer, &card), (token, state)).await;
    }
    paid_out(shop, (&silk, &silk_offer), (&buyer, &card), ("bank_fails", PayoutState::Failed)).await;
    let (_, new_offer) = shop.offer(5_000, 100).await;
    buyer.place(&Wish::of(&new_offer, 1, &card)).await.unwrap();
    shop.verify().await;
}

/// Lets each customer have so many pieces of something.
async fn limit(seller: &Person, offer: &Offer, per_customer_limit: i64) {
    let option = OptionDraft {
        option_id: offer.option_id.clone(),
        name: "one".into(),
        price: Some(won(offer.price)),
        per_customer_limit,
        ..Default::default()
    };
    let request = UpdateItemRequest {
        request_id: Uuid::now_v7().to_string(),
        item_id: offer.item_id.clone(),
        options: vec![option],
        ..Default::default()
    };
    seller.catalogue().update_item(request).await.unwrap();
}

/// Sells something, closes, and has it paid out.
async fn paid_out(
    shop: &Shop,
    (seller, offer): (&Person, &Offer),
    (buyer, card): (&Person, &str),
    (token, state): (&str, PayoutState),
) {
    buyer.place(&Wish::of(offer, 1, card)).await.unwrap();
    shop.verify().await;
    shop.close_day().await;
    seller.register_bank_account(token).await;
    let payout = seller.settle().await.unwrap().remove(0).payout.unwrap();
    seller.wait_for_payout(&payout.id, state).await;
    shop.verify().await;
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seeded_defect_is_named() {
    let shop = Shop::open_with(|settings| {
        settings.settlement.payout_fee_minor_units = 100;
        settings.settlement.simulated_bank_pays_after_ms = 0;
        settings.settlement.simulated_bank_returns_after_ms = 0;
    })
    .await;
    a_day(&shop).await;
    let folder = shop.close().await;
    Connection::open(folder.path().join("user.sqlite")).unwrap().execute_batch(CLOSED_ACCOUNT).unwrap();

    let healthy = bojagi_verify::check(folder.path(), Scope::AtRest).unwrap();
    assert!(healthy.holds(), "{healthy}");
    let mut silent = sentences(&healthy, |_| true);
    for (invariant, store, defect) in DEFECTS {
        let bent = TempDir::new().unwrap();
        copy(folder.path(), bent.path());
        let books = Connection::open(bent.path().join(format!("{store}.sqlite"))).unwrap();
        // The database would refuse some of them; the checker must not rely on it.
        books.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;").unwrap();
        books.execute_batch(defect).unwrap();
        assert!(books.changes() > 0, "the defect finds something to bend: {defect}");
        drop(books);
        let report = bojagi_verify::check(bent.path(), Scope::AtRest).unwrap();
        assert!(
            report.violated().any(|finding| finding.invariant == *invariant),
            "{invariant} should notice {defect} in {store}:\n{report}"
        );
        for sentence in sentences(&report, |finding| !finding.violations.is_empty()) {
            silent.remove(sentence);
        }
    }
    assert!(silent.is_empty(), "nothing was ever found by {silent:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_came_later_is_asked_too_once_its_store_has_what_it_is_about() {
    let folder = Shop::open().await.close().await;
    let change = |store: &str, sql: &str| {
        Connection::open(folder.path().join(format!("{store}.sqlite"))).unwrap().execute_batch(sql).unwrap();
    };
    change("user", unheard!("bojagi.user.v1.AccountClosed"));
    let is_asked =
        |group: &str| bojagi_verify::check(folder.path(), Scope::AtRest).unwrap().to_string().contains(group);
    assert!(is_asked("order.accounts"));
    let later = [("item.customers", "item", BEFORE_HEARTS), ("order.carts", "order", BEFORE_CARTS)];
    for (group, store, before) in later {
        assert!(is_asked(group), "{group}");
        change(store, before);
        assert!(!is_asked(group), "{group}");
    }
}

const BEFORE_CARTS: &str = "DROP TABLE cart; DROP TABLE cart_line; DELETE FROM migration WHERE name = 'order-cart-1'";

/// Before hearts, follows and wishlists were kept, there was nothing to ask about them.
const BEFORE_HEARTS: &str = "
    DROP TABLE heart; DROP TABLE follow; DROP TABLE closed_customer;
    DROP INDEX item_by_hearts; DROP INDEX item_of_store_by_hearts; DROP INDEX item_of_category_by_hearts;
    DROP INDEX item_hearted_to_the_end; DROP INDEX store_by_followers; DROP INDEX store_followed_to_the_end;
    ALTER TABLE item DROP COLUMN hearts; ALTER TABLE store DROP COLUMN followers;
    DROP TABLE wishlist_entry;
    DELETE FROM migration WHERE name IN ('item-hearts-1', 'item-wishlist-1')";

const BEFORE_DRAFTS: &str = "
    DROP TABLE draft; DROP TABLE draft_line; DROP INDEX orders_of_draft; ALTER TABLE orders DROP COLUMN draft_id;
    DELETE FROM migration WHERE name IN ('order-draft-1', 'order-draft-2', 'order-draft-3')";

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_earlier_version_is_asked_what_it_has() {
    let shop = Shop::open().await;
    shop.offer(10_000, 100).await;
    shop.verify().await;
    let folder = shop.close().await;
    let asked = |report: &Report| report.findings.iter().filter(|finding| finding.invariant == "N1").count();
    assert_eq!(asked(&bojagi_verify::check(folder.path(), Scope::AtRest).unwrap()), 5);
    for (store, before) in [("item", BEFORE_HEARTS), ("order", BEFORE_DRAFTS), ("order", BEFORE_CARTS)] {
        let books = Connection::open(folder.path().join(format!("{store}.sqlite"))).unwrap();
        books.execute_batch(before).unwrap();
    }
    let report = bojagi_verify::check(folder.path(), Scope::AtRest).unwrap();
    assert!(report.holds() && asked(&report) == 0, "{report}");
}

/// Stores that were made before there were refunds have none of their tables.
#[tokio::test(flavor = "multi_thread")]
async fn stores_of_an_earlier_version_are_still_read() {
    let shop = Shop::open().await;
    let (_, offer) = shop.offer(10_000, 100).await;
    shop.buyer(10_000).await.place(&Wish { points: 10_000, ..Wish::of(&offer, 1, "") }).await.unwrap();
    shop.verify().await;
    let folder = shop.close().await;
    for (store, tables) in [
        ("order", "DROP TABLE refund; DROP TABLE refund_line; DROP TABLE refund_count"),
        ("item", "DROP TABLE refund; DROP TABLE refunded_line"),
    ] {
        let books = Connection::open(folder.path().join(format!("{store}.sqlite"))).unwrap();
        books.execute_batch(tables).unwrap();
    }
    let report = bojagi_verify::check(folder.path(), Scope::AtRest).unwrap();
    assert!(report.holds(), "{report}");
}

fn sentences(report: &Report, which: impl Fn(&Finding) -> bool) -> BTreeSet<&'static str> {
    report.findings.iter().filter(|finding| which(finding)).map(|finding| finding.sentence).collect()
}
