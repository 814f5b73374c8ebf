//! Whatever happens in whatever order: each entry is in exactly one statement, and the totals are those that somebody else
//! computes.

use std::collections::BTreeMap;

use bojagi_api::settlement::LedgerAccountKind::{CommissionIncome, CouponSubsidy, PaymentClearing, SellerPayable};
use bojagi_api::settlement::{GetStatementRequest, StatementEntryKind};
use bojagi_testkit::eventually;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Line, Sale, Shop, line, minor, sale};

const SELLERS: usize = 3;

#[derive(Debug, Clone)]
enum Happening {
    /// Lines: the seller, pieces, and per piece what is paid and the two discounts.
    Capture(Vec<(usize, i64, i64, i64, i64)>),
    /// Which sale, which of its lines, and how many pieces of what is left.
    Refund(usize, usize, i64),
    /// A fact is told once more.
    Repeat(usize),
    Close,
}

fn happening() -> impl Strategy<Value = Happening> {
    let piece = (0..SELLERS, 1..4_i64, 0..50_000_i64, 0..3_000_i64, 0..3_000_i64);
    prop_oneof![
        3 => prop::collection::vec(piece, 1..4).prop_map(Happening::Capture),
        3 => (any::<prop::sample::Index>(), 0..4_usize, 1..4_i64)
            .prop_map(|(of, line, pieces)| Happening::Refund(of.index(1_000), line, pieces)),
        1 => any::<prop::sample::Index>().prop_map(|of| Happening::Repeat(of.index(1_000))),
        1 => Just(Happening::Close),
    ]
}

/// A sale, and how many pieces of each line went back.
struct Known {
    sale: Sale,
    gone: Vec<i64>,
}

/// What a second book-keeper, who knows nothing of statements, thinks of one seller.
#[derive(Debug, Default, Clone, PartialEq)]
struct Second {
    gross: i64,
    refunds: i64,
    discount: i64,
    subsidy: i64,
    captures: i64,
    returned: i64,
}

#[test]
fn t1_each_capture_and_refund_is_in_exactly_one_statement_and_the_totals_are_right() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 10, max_shrink_iters: 20, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(happening(), 1..40), |happenings| {
            runtime.block_on(play(happenings));
            Ok(())
        })
        .unwrap();
}

async fn play(happenings: Vec<Happening>) {
    let shop = Shop::open().await;
    let sellers: Vec<_> = (0..SELLERS).map(|_| shop.seller()).collect();
    let mut known: Vec<Known> = Vec::new();
    let mut books = vec![Second::default(); SELLERS];
    let mut paid = 0;
    let mut entries = 0;
    let index_of = |line: &Line| sellers.iter().position(|one| one.account_id == line.seller.account_id).unwrap();

    for happening in happenings {
        shop.rig.clock.advance(std::time::Duration::from_millis(7));
        match happening {
            Happening::Capture(pieces) => {
                let lines: Vec<_> = pieces
                    .iter()
                    .map(|(seller, count, each, platform, discount)| {
                        line(&sellers[*seller], *count, count * each, count * platform, count * discount)
                    })
                    .collect();
                let sale = sale(lines);
                shop.capture(&sale).await;
                for line in &sale.lines {
                    let book = &mut books[index_of(line)];
                    book.gross += line.paid + line.platform + line.discount;
                    book.discount += line.discount;
                    book.subsidy += line.platform;
                    book.captures += 1;
                    paid += line.paid;
                    entries += 1;
                }
                known.push(Known { gone: vec![0; sale.lines.len()], sale });
            }
            Happening::Refund(of, line_index, pieces) => {
                let Some(count) = (!known.is_empty()).then_some(known.len()) else { continue };
                let Known { sale, gone } = &mut known[of % count];
                let line_index = line_index % sale.lines.len();
                let whole = sale.lines[line_index].clone();
                let pieces = pieces.min(whole.quantity - gone[line_index]);
                if pieces == 0 {
                    continue;
                }
                let each = |amount: i64| amount / whole.quantity * pieces;
                let part = whole.part(pieces, each(whole.paid), each(whole.platform), each(whole.discount));
                shop.refund(sale, std::slice::from_ref(&part)).await;
                gone[line_index] += pieces;
                let book = &mut books[index_of(&part)];
                book.refunds += part.paid + part.platform + part.discount;
                book.discount -= part.discount;
                book.subsidy -= part.platform;
                book.returned += 1;
                paid -= part.paid;
                entries += 1;
            }
            Happening::Repeat(of) => {
                let Some(count) = (!known.is_empty()).then_some(known.len()) else { continue };
                let sale = &known[of % count].sale;
                shop.payment.tell(sale.payment_id, &sale.captured(shop.now())).await;
            }
            Happening::Close => {
                shop.close().await;
            }
        }
    }
    // What was told last has been heard when a charge after it is booked.
    shop.charge(1).await;
    eventually("nothing is set aside", async || shop.count("SELECT count(*) FROM set_aside", None).await == 0).await;
    shop.close().await;
    shop.close().await;
    check(&shop, &sellers, &books, paid, entries).await;
}

async fn check(shop: &Shop, sellers: &[bojagi_testkit::TestAccount], books: &[Second], paid: i64, entries: i64) {
    assert_eq!(shop.count("SELECT count(*) FROM statement_entry", None).await, entries);
    assert_eq!(shop.count("SELECT count(*) FROM statement_entry WHERE statement_id IS NULL", None).await, 0);
    let mut seen = BTreeMap::new();
    let (mut commission, mut net) = (0, 0);
    for (seller, expected) in sellers.iter().zip(books) {
        let mut found = Second::default();
        for statement in shop.statements(seller).await {
            let request =
                GetStatementRequest { statement_id: statement.id.clone(), page_size: 100, page_token: String::new() };
            let shown = shop.calling_as(seller).get_statement(request).await.unwrap().into_inner();
            let mut of_entries = [0; 3];
            for entry in shown.entries {
                let sign = if entry.kind() == StatementEntryKind::Capture { 1 } else { -1 };
                of_entries[0] += sign * minor(entry.net.as_ref());
                of_entries[1] += sign * minor(entry.commission.as_ref());
                of_entries[2] += sign * minor(entry.gross.as_ref());
                assert!(seen.insert(entry.id, statement.id.clone()).is_none());
            }
            let amount = |money: &Option<bojagi_api::common::Money>| minor(money.as_ref());
            assert_eq!(of_entries[0], amount(&statement.net));
            assert_eq!(of_entries[1], amount(&statement.commission));
            assert_eq!(of_entries[2], amount(&statement.gross) - amount(&statement.refunds));
            found.gross += amount(&statement.gross);
            found.refunds += amount(&statement.refunds);
            found.discount += amount(&statement.seller_discount);
            found.subsidy += amount(&statement.platform_subsidy);
            found.captures += statement.capture_count;
            found.returned += statement.refund_count;
            commission += amount(&statement.commission);
            net += amount(&statement.net);
        }
        assert_eq!(&found, expected);
    }
    assert_eq!(seen.len() as i64, entries);

    let balances = shop.balances().await;
    let of = |kind| balances.get(&kind).copied().unwrap_or(0);
    assert_eq!(of(PaymentClearing), paid);
    assert_eq!(of(CouponSubsidy), books.iter().map(|book| book.subsidy).sum::<i64>());
    assert_eq!(of(CommissionIncome), -commission);
    assert_eq!(of(SellerPayable), -net);
}
