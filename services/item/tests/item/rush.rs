//! Many buyers, few pieces.

use bojagi_api::item as api;
use bojagi_testkit::reason;
use futures::future::join_all;

use crate::shop::{Shop, line, order};

/// R1: N buyers, M < N pieces, at once: exactly M succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_exactly_as_many_succeed_as_there_are_pieces() {
    let shop = Shop::open().await;
    let option = shop.new_option(20).await;
    let asks = (0..64).map(|_| {
        let (mut stock, asked) = (shop.reservations(), order(vec![line(&option, 1)]));
        tokio::spawn(async move { stock.reserve_stock(asked).await })
    });
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
    let refusals = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(refusals.map(reason).all(|reason| reason == "OUT_OF_STOCK"));
    assert_eq!(shop.counts(&option.option_id).await, (0, 20, 0, 20));
}

/// R3: under concurrent reserves and releases the counter is the sum of what is reserved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_the_counter_is_the_sum_of_the_reservations() {
    let shop = Shop::open().await;
    let option = shop.new_option(150).await;
    let asked: Vec<_> = (0..128).map(|number| order(vec![line(&option, 1 + number % 3)])).collect();
    let asks = asked.iter().map(|asked| {
        let (mut stock, asked) = (shop.reservations(), asked.clone());
        tokio::spawn(async move { stock.reserve_stock(asked).await })
    });
    let asks: Vec<_> = asks.collect();
    // Every third order fails, whether or not its ask has been answered; some fail before they ask.
    for asked in asked.iter().step_by(3) {
        shop.fail(asked).await;
    }
    let answers: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
    for asked in asked.iter().step_by(3) {
        shop.released(asked).await;
    }

    let live = answers.iter().enumerate().filter(|(index, answer)| index % 3 != 0 && answer.is_ok());
    let reserved: i64 = live.map(|(index, _)| asked[index].lines[0].quantity).sum();
    assert_eq!(shop.counts(&option.option_id).await, (150 - reserved, reserved, 0, 150));
    let held: i64 = sum_of_open_reservations(&shop).await;
    assert_eq!(held, reserved);
}

async fn sum_of_open_reservations(shop: &Shop) -> i64 {
    let sum: Result<(i64,), bojagi_store::Error> = shop
        .rig
        .store("item")
        .read(async |tx: &mut bojagi_store::Tx| {
            tx.fetch_one(
                "SELECT coalesce(sum(l.quantity), 0) FROM hold_line l JOIN hold h ON h.order_id = l.order_id
                 WHERE h.state = 'RESERVED'",
                &[],
            )
            .await
        })
        .await;
    sum.unwrap().0
}

#[tokio::test]
async fn a_rush_of_ten_thousand_is_served_in_order_of_arrival() {
    const BUYERS: usize = 10_000;
    const PIECES: usize = 1_000;
    let shop = Shop::open().await;
    let option = shop.new_option(PIECES as i64).await;
    // One task that asks for all of them: they arrive in this order.
    let stock = shop.reservations();
    let asks = (0..BUYERS).map(|_| {
        let (mut stock, asked) = (stock.clone(), order(vec![line(&option, 1)]));
        async move { stock.reserve_stock(asked).await }
    });
    let answers = join_all(asks).await;
    let served: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert!(served[..PIECES].iter().all(|served| *served));
    assert!(served[PIECES..].iter().all(|served| !served));
    assert_eq!(shop.counts(&option.option_id).await, (0, PIECES as i64, 0, PIECES as i64));
}

#[tokio::test]
async fn a_piece_that_goes_back_is_had_by_the_next_buyer() {
    let shop = Shop::open().await;
    let option = shop.new_option(1).await;
    let first = order(vec![line(&option, 1)]);
    shop.reservations().reserve_stock(first.clone()).await.unwrap();
    let too_late = shop.reservations().reserve_stock(order(vec![line(&option, 1)])).await.unwrap_err();
    assert_eq!(reason(&too_late), "OUT_OF_STOCK");

    shop.fail(&first).await;
    let released = shop.released(&first).await;
    assert_eq!(released.released_from(), api::HoldState::Reserved);
    assert!(shop.reservations().reserve_stock(order(vec![line(&option, 1)])).await.is_ok());
}
