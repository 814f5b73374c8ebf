use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bojagi_kernel::Clock;
use bojagi_kernel::id::{AccountId, OrderId, OrderLineId};
use bojagi_store::params;
use bojagi_testkit::Rig;
use futures::future::join_all;

use super::*;
use crate::categories::create_category;
use crate::create_item::create_item;
use crate::create_store::create_store;
use crate::domain::catalogue::ItemDraft;
use crate::domain::hold::{HeldLine, HoldState};
use crate::domain::options::{OptionDraft, SaleWindow};
use crate::domain::reservation::{AskedLine, Offer};
use crate::domain::samples;
use crate::store::holds;
use crate::{MIGRATIONS, NAME};

const MINUTE: Duration = Duration::from_secs(60);
const MICROSECOND: Duration = Duration::from_micros(1);

/// How often somebody began to compute a ranking.
async fn begun(context: &Context, kind: RankingKind) -> i64 {
    let unit = async move |tx: &mut Tx| tx.fetch_one("SELECT epoch FROM ranking WHERE kind = ?1", params![kind]).await;
    let (epoch,) = context.store.read(unit).await.map_err(|error: Error| error).unwrap();
    epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_look_at_once_one_computes() {
    let rig = Rig::new();
    let here = rig.context(NAME, MIGRATIONS).await;
    let beside = rig.beside();
    let there = beside.context(NAME, MIGRATIONS).await;
    for round in 1..=3 {
        let due = hour_after(rig.clock.now(), round);
        let looks = (0..8).map(|number| {
            let context = if number % 2 == 0 { here.clone() } else { there.clone() };
            tokio::spawn(async move {
                rank_popular(&context, due).await.unwrap();
                rank_trending(&context, due).await.unwrap();
            })
        });
        join_all(looks).await.into_iter().for_each(Result::unwrap);
        for kind in [RankingKind::Popular, RankingKind::Trending] {
            assert_eq!(last_due(&there, kind).await.unwrap(), Some(due));
            assert_eq!(begun(&here, kind).await, round);
        }
    }
}

/// A clock that goes on by some seconds whenever somebody looks at it.
struct Looked {
    clock: Arc<dyn Clock>,
    looks: AtomicU32,
}

impl Clock for Looked {
    fn now(&self) -> Moment {
        self.clock.now() + Duration::from_secs(7) * self.looks.fetch_add(1, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn the_claim_is_looked_after_whenever_a_part_has_been_read() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let due = hour_after(rig.clock.now(), 1);
    // All of them in one hour of yesterday, and two within five minutes.
    let yesterday = rig.clock.now() - Duration::from_secs(24 * 3600);
    let moments = [10_u32, 20, 21, 40].map(|minutes| yesterday + minutes * MINUTE);
    sell(&context, an_item(&context).await, moments.to_vec()).await;
    for (kind, spans) in [(RankingKind::Popular, 30), (RankingKind::Trending, 72)] {
        let clock = Arc::new(Looked { clock: Arc::clone(&context.clock), looks: AtomicU32::new(0) });
        let slow = Context { clock: Arc::<Looked>::clone(&clock), ..context.clone() };
        match kind {
            RankingKind::Popular => rank_popular(&slow, due).await.unwrap(),
            RankingKind::Trending => rank_trending(&slow, due).await.unwrap(),
        }
        assert_eq!(last_due(&context, kind).await.unwrap(), Some(due));
        assert_eq!(begun(&context, kind).await, 1);
        // At the beginning, after each part in which anything was sold and each day or hour that has no other, and at the end; and
        // where what searches go by is changed.
        let changes = u32::from(kind == RankingKind::Popular);
        assert_eq!(clock.looks.load(Ordering::SeqCst), spans + 3 + 2 + changes, "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_sold_in_a_span_is_added_up_once_wherever_its_parts_begin() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let item_id = an_item(&context).await;
    let until = rig.clock.now();
    let span = Span { from: until - 61 * MINUTE, until };
    let five = 5 * MINUTE;
    let within = [
        span.from,
        span.from + MICROSECOND,
        span.from + five,
        until - 2 * five - 2 * MICROSECOND,
        until - 2 * five - MICROSECOND,
        until - 2 * five,
        until - five - MICROSECOND,
        until - five,
        until - MICROSECOND,
    ];
    let beyond = [span.from - MICROSECOND, until, until + five];
    sell(&context, item_id, [&within[..], &beyond[..]].concat()).await;
    let mut claim = begin(&context, RankingKind::Trending, until).await.unwrap().unwrap();
    let mut figures = Figures::new();
    assert!(add_up(&context, &mut claim, &mut figures, (span, 3)).await.unwrap());
    assert_eq!(figures, Figures::from([(item_id, 3 * within.len() as i64)]));
}

#[tokio::test]
async fn what_has_failed_is_tried_again_after_a_minute_and_not_before() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let due = hour_after(rig.clock.now(), 1);
    let broken: Result<u64, Error> =
        context.store.write(async |tx: &mut Tx| tx.execute("DROP TABLE ranked_item", &[]).await).await;
    broken.unwrap();
    for tries in 1..=3 {
        rank_trending(&context, due).await.unwrap_err();
        // Whoever looks meanwhile leaves it alone.
        rig.clock.advance(AFTER_FAILURE - MICROSECOND);
        rank_trending(&context, due).await.unwrap();
        assert_eq!(begun(&context, RankingKind::Trending).await, tries);
        rig.clock.advance(MICROSECOND);
    }
    assert_eq!(last_due(&context, RankingKind::Trending).await.unwrap(), None);
}

#[tokio::test]
async fn who_has_lost_the_claim_on_the_way_writes_nothing() {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let due = hour_after(rig.clock.now(), 1);
    let mut claim = begin(&context, RankingKind::Trending, due).await.unwrap().unwrap();
    rig.clock.advance(CLAIMED_FOR);
    let other = begin(&context, RankingKind::Trending, due).await.unwrap().unwrap();
    compute_trending(&context, &mut claim, due).await.unwrap();
    assert_eq!(last_due(&context, RankingKind::Trending).await.unwrap(), None);
    complete(&context, other, Vec::new(), due).await.unwrap();
    assert_eq!(last_due(&context, RankingKind::Trending).await.unwrap(), Some(due));
}

/// Something that can be bought.
async fn an_item(context: &Context) -> ItemId {
    let now = context.clock.now();
    let unit = async move |tx: &mut Tx| {
        let seller_id = AccountId::generate();
        let store = create_store(tx, seller_id, ("The kiln".into(), String::new()), now).await?;
        let category = create_category(tx, "Pottery".into()).await?;
        let option = OptionDraft {
            option_id: None,
            name: "red".into(),
            price: samples::won(5_000),
            stock: 100,
            window: SaleWindow::default(),
            customer_limit: None,
        };
        let draft = ItemDraft {
            store_id: store.store_id,
            category_id: category.category_id,
            name: "Mug".into(),
            description: String::new(),
            thumbnail_url: String::new(),
            options: vec![option],
        };
        Ok::<_, Failure>(create_item(tx, seller_id, &draft, now).await?.item_id)
    };
    let made: Result<ItemId, Failure> = context.store.write(unit).await;
    made.unwrap()
}

/// Has an order buy a piece of an item at each of these moments.
async fn sell(context: &Context, item_id: ItemId, moments: Vec<Moment>) {
    let unit = async move |tx: &mut Tx| {
        for at in moments {
            let order_id = OrderId::generate();
            holds::open_all(tx, &[(order_id, AccountId::generate())], at).await?;
            holds::advance(tx, order_id, (HoldState::Reserved, HoldState::Sold), at).await?;
            let offer = Offer { item_id, ..samples::offer(1) };
            let (order_line_id, option_id) = (OrderLineId::generate(), offer.option_id);
            let asked = AskedLine { order_line_id, option_id, quantity: 1, expected_unit_price: offer.unit_price };
            let lines = [HeldLine::new(asked, &offer)];
            holds::insert_lines(tx, [(order_id, &lines[..])]).await?;
        }
        Ok::<_, Error>(())
    };
    let sold: Result<(), Error> = context.store.write(unit).await;
    sold.unwrap();
}

fn hour_after(now: Moment, hours: i64) -> Moment {
    now + Duration::from_secs(3600) * u32::try_from(hours).unwrap()
}
