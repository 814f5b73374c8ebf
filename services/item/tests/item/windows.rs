//! Sale windows, to the second, on a clock that is moved by hand.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_kernel::{Clock, Moment};
use bojagi_testkit::reason;
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, line, order, window};

async fn asks(shop: &Shop, option: &api::Option) -> Result<(), (String, Option<String>)> {
    let answer = shop.reservations().reserve_stock(order(vec![line(option, 1)])).await;
    answer.map(drop).map_err(|status| {
        let info = status.get_error_details().error_info().unwrap().metadata.clone();
        (reason(&status), info.get("opens_at").or(info.get("closes_at")).cloned())
    })
}

#[tokio::test]
async fn a_window_contains_its_start_and_not_its_end() {
    let shop = Shop::open().await;
    let now = shop.rig.clock.now().seconds();
    let (opens, closes) = (now + 60, now + 120);
    let option = api::OptionDraft { sale_window: Some(window(Some(opens), Some(closes))), ..draft("only", 1_000, 10) };
    let option = shop.new_item("Rush mug", vec![option]).await.options.remove(0);
    let text = |seconds: i64| Some(Moment::from_micros(seconds * 1_000_000).to_string());

    shop.rig.clock.set(Moment::from_micros(opens * 1_000_000 - 1));
    assert_eq!(asks(&shop, &option).await, Err(("SALE_NOT_OPEN".into(), text(opens))));
    shop.rig.clock.advance(Duration::from_micros(1));
    assert_eq!(asks(&shop, &option).await, Ok(()));
    shop.rig.clock.set(Moment::from_micros(closes * 1_000_000 - 1));
    assert_eq!(asks(&shop, &option).await, Ok(()));
    shop.rig.clock.advance(Duration::from_micros(1));
    assert_eq!(asks(&shop, &option).await, Err(("SALE_CLOSED".into(), text(closes))));
    assert_eq!(shop.counts(&option.option_id).await, (8, 2, 0, 10));
}

#[tokio::test]
async fn an_absent_bound_is_open() {
    let shop = Shop::open().await;
    let now = shop.rig.clock.now().seconds();
    let from = api::OptionDraft { sale_window: Some(window(Some(now), None)), ..draft("from", 1_000, 10) };
    let until = api::OptionDraft { sale_window: Some(window(None, Some(now + 1))), ..draft("until", 1_000, 10) };
    let options = shop.new_item("Mug", vec![from, until]).await.options;
    for option in &options {
        assert_eq!(asks(&shop, option).await, Ok(()), "{}", option.name);
        let shown = option.sale_window.as_ref().unwrap();
        assert_ne!(shown.starts_at.is_some(), shown.ends_at.is_some());
    }
}
