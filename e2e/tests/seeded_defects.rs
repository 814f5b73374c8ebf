//! A check that never failed proves nothing: the books of a day at the shop are bent in one place each, and the checker has
//! to name what is wrong.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::fs;
use std::path::Path;

use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::{Coupon, CouponScope};
use bojagi_api::policy::Role;
use bojagi_api::settlement::CloseStatementsRequest;
use bojagi_e2e::{Shop, Wish, won};
use bojagi_verify::Scope;
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

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
    ("T1", "settlement", "UPDATE statement SET net = net + 1, gross = gross + 1"),
    ("T1", "settlement", "UPDATE statement_entry SET statement_id = NULL WHERE rowid = 1"),
    ("T1", "settlement", "DELETE FROM ledger_transaction WHERE kind = 'CAPTURE'"),
    ("S1", "item", "UPDATE stock SET available = available + 1"),
    ("S1", "item", "UPDATE stock SET sold = sold + 1, available = available - 1"),
    ("S1", "item", "DELETE FROM hold_line WHERE order_id IN (SELECT order_id FROM hold WHERE state = 'SOLD')"),
    ("C1", "coupon", "UPDATE coupon SET issued_count = issued_count + 1"),
    ("C1", "coupon", "UPDATE issued_coupon SET state = 'AVAILABLE', order_id = NULL, used_at = NULL"),
    ("C1", "coupon", "UPDATE redemption_line SET order_discount = order_discount - 1 WHERE order_discount > 0"),
    ("X1", "order", "DELETE FROM outbox WHERE event_type = 'bojagi.order.v1.OrderConfirmed'"),
    ("X1", "payment", "DELETE FROM outbox WHERE event_type = 'bojagi.payment.v1.PaymentCaptured'"),
    ("X1", "settlement", "DELETE FROM inbox WHERE consumer = 'settlement'"),
    (
        "X2",
        "order",
        "INSERT INTO outbox (event_id, event_type, aggregate_id, sequence, told_at, payload)
                     SELECT randomblob(16), event_type, aggregate_id, 1000 + sequence, told_at, payload FROM outbox
                     WHERE event_type = 'bojagi.order.v1.OrderPlaced'",
    ),
    ("X3", "item", "UPDATE inbox_sequence SET last = last + 1000 WHERE topic = 'bojagi.order.v1'"),
    ("A1", "order", "DELETE FROM order_history WHERE state = 'CONFIRMED'"),
    ("L1", "order", "UPDATE orders SET saga_state = 'RUNNING' WHERE state = 'CONFIRMED'"),
    ("L1", "item", "UPDATE hold SET state = 'RESERVED' WHERE state = 'SOLD'"),
    ("L1", "coupon", "UPDATE issued_coupon SET state = 'RESERVED', used_at = NULL WHERE state = 'USED'"),
    ("L1", "payment", "UPDATE refund SET state = 'PENDING'"),
];

/// A paid order with a coupon, a cancelled one, a failed one, and a close.
async fn a_day(shop: &Shop) {
    let (_, offer) = shop.offer(10_000, 100).await;
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
    let cancelled = buyer.place(&Wish { points: 1_000, ..Wish::of(&offer, 2, &card) }).await.unwrap();
    buyer.cancel(&cancelled.id).await.unwrap();
    let declined = buyer.card("tok_decline_lost_card").await;
    buyer.place(&Wish::of(&offer, 1, &declined)).await.unwrap();
    shop.verify().await;
    let close = CloseStatementsRequest { request_id: Uuid::now_v7().to_string(), cut_off: None };
    shop.person(&[Role::Admin]).settlements().close_statements(close).await.unwrap();
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
    let shop = Shop::open().await;
    a_day(&shop).await;
    let folder = shop.close().await;

    for (invariant, store, defect) in DEFECTS {
        let bent = TempDir::new().unwrap();
        copy(folder.path(), bent.path());
        let books = Connection::open(bent.path().join(format!("{store}.sqlite"))).unwrap();
        // The database would refuse some of them; the checker must not rely on it.
        books.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;").unwrap();
        let changed = books.execute(defect, []).unwrap();
        assert!(changed > 0, "the defect finds something to bend: {defect}");
        drop(books);
        let report = bojagi_verify::check(bent.path(), Scope::AtRest).unwrap();
        assert!(
            report.violated().any(|finding| finding.invariant == *invariant),
            "{invariant} should notice {defect} in {store}:\n{report}"
        );
    }
}
