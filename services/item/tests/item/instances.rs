//! Two processes on one store: no piece is sold twice, and none stays behind.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_item::Config;
use bojagi_testkit::{Rig, eventually, reason};
use futures::future::join_all;
use tonic::{Code, Status};

use crate::shop::{Shop, line, order};

/// R1 over two processes: N buyers, M < N pieces, at once: exactly M succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_exactly_as_many_succeed_as_there_are_pieces() {
    let one = Shop::open().await;
    let other = one.beside(Config::default()).await;
    let option = one.new_option(40).await;
    let asks = (0..128).map(|number| {
        let mut stock = if number % 2 == 0 { &one } else { &other }.reservations();
        let asked = order(vec![line(&option, 1)]);
        tokio::spawn(async move { stock.reserve_stock(asked).await })
    });
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 40);
    let refusals = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(refusals.map(reason).all(|reason| reason == "OUT_OF_STOCK"));
    assert_eq!(other.counts(&option.option_id).await, (0, 40, 0, 40));
}

/// Each order is asked for at both, ends by a fact that both may hear, and some ends come before the ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_the_counter_is_the_sum_of_the_reservations() {
    let one = Shop::open().await;
    let other = one.beside(Config::default()).await;
    let option = one.new_option(200).await;
    let asked: Vec<_> = (0..64).map(|number| order(vec![line(&option, 1 + number % 3)])).collect();
    let asks = asked.iter().map(async |asked| {
        let (mut here, mut there) = (one.reservations(), other.reservations());
        let (here, there) = tokio::join!(here.reserve_stock(asked.clone()), there.reserve_stock(asked.clone()));
        // Its end may come between the two.
        if let (Ok(here), Ok(there)) = (&here, &there) {
            assert_eq!(here.get_ref().lines, there.get_ref().lines);
        }
    });
    let ends = asked.iter().step_by(3).map(|asked| one.fail(asked));
    tokio::join!(join_all(asks), join_all(ends));
    for asked in asked.iter().step_by(3) {
        other.released(asked).await;
    }
    let live = asked.iter().enumerate().filter(|(index, _)| index % 3 != 0);
    let reserved: i64 = live.map(|(_, asked)| asked.lines[0].quantity).sum();
    assert_eq!(other.counts(&option.option_id).await, (200 - reserved, reserved, 0, 200));
    for asked in &asked {
        assert!(one.told::<api::StockReserved>(&asked.order_id).await.len() <= 1);
        assert!(one.told::<api::StockReleased>(&asked.order_id).await.len() <= 1);
    }
}

#[tokio::test]
async fn a_hold_that_is_overdue_is_told_once() {
    let config = Config { overdue_check_seconds: 1, ..Config::default() };
    let one = Shop::on(Rig::new(), config.clone()).await;
    let other = one.beside(config).await;
    let option = one.new_option(16).await;
    let open: Vec<_> = (0..8).map(|_| order(vec![line(&option, 1)])).collect();
    for asked in &open {
        one.reservations().reserve_stock(asked.clone()).await.unwrap();
    }
    let overdue = Duration::from_secs(24 * 3600 + 1);
    one.rig.clock.advance(overdue);
    let all_told = async |asked: &[api::ReserveStockRequest]| {
        for asked in asked {
            let told = async || other.told::<api::HoldOverdue>(&asked.order_id).await.len();
            eventually("it is told", async || told().await > 0).await;
        }
    };
    all_told(&open).await;
    // When a later one is told, both have had their look at the first ones.
    let later = vec![order(vec![line(&option, 1)])];
    one.reservations().reserve_stock(later[0].clone()).await.unwrap();
    one.rig.clock.advance(overdue);
    all_told(&later).await;
    for asked in &open {
        assert_eq!(one.told::<api::HoldOverdue>(&asked.order_id).await.len(), 1);
    }
}

/// A1: what was acknowledged is there, what was refused had no effect, whatever became of the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_succeed_while_connections_break() {
    let one = Shop::open().await;
    let other = one.beside(Config::default()).await;
    let option = one.new_option(40).await;
    let asked: Vec<_> = (0..96).map(|_| order(vec![line(&option, 1)])).collect();
    let (one, other) = (&one, &other);
    let asks = asked.iter().enumerate().map(async |(number, asked)| {
        let shop = if number % 2 == 0 { one } else { other };
        loop {
            match shop.reservations().reserve_stock(asked.clone()).await {
                Ok(_) => return true,
                Err(refused) if reason(&refused) == "OUT_OF_STOCK" => return false,
                Err(status) => assert!(may_be_asked_again(&status), "{status:?}"),
            }
        }
    });
    let cuts = async {
        for _ in 0..6 {
            one.rig.cut_connections().await;
        }
    };
    let (served, ()) = tokio::join!(join_all(asks), cuts);
    for shop in [one, other] {
        shop.rig.until_stores_answer().await;
    }
    assert_eq!(served.iter().filter(|served| **served).count(), 40);
    assert_eq!(other.counts(&option.option_id).await, (0, 40, 0, 40));
    for (asked, served) in asked.iter().zip(&served) {
        assert_eq!(one.told::<api::StockReserved>(&asked.order_id).await.len(), usize::from(*served));
        if *served {
            one.confirm(asked).await;
        }
    }
    eventually("all are sold", async || {
        // A reaction that failed comes due again.
        one.rig.clock.advance(Duration::from_millis(50));
        other.counts(&option.option_id).await == (0, 0, 40, 40)
    })
    .await;
}

fn may_be_asked_again(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Aborted)
}
