use crate::support::*;
use bojagi_testkit::{Rig, eventually};
use bojagi_store::Tx;

#[tokio::test(flavor = "multi_thread")]
async fn speed() {
    let rig = Rig::new();
    let payment = rig.publisher("bojagi.payment.v1").await;
    let sellers: Vec<_> = (0..100).map(|_| rig.account(&[bojagi_api::policy::Role::Seller])).collect();
    let mut facts = Vec::new();
    let now = bojagi_kernel::Clock::now(rig.clock.as_ref());
    for n in 0..5000usize {
        let s = sale([line(&sellers[n % 100], 1, 1000, 10, 0), line(&sellers[(n * 7 + 1) % 100], 1, 1000, 0, 0)]);
        facts.push((s.payment_id, s.captured(now)));
    }
    let store = bojagi_store::Store::open(&bojagi_store::Options::at(rig.folder().join("publisher-bojagi.payment.v1.sqlite")), &[bojagi_store::idempotency::MIGRATION, bojagi_events::MIGRATION], rig.clock.as_ref()).await.unwrap();
    let r: Result<(), bojagi_store::Error> = store.write(async move |tx: &mut Tx| {
        for (id, f) in &facts { bojagi_events::tell(tx, *id, f, now).await?; }
        Ok(())
    }).await;
    r.unwrap();
    drop(payment);
    let t = std::time::Instant::now();
    let shop = Shop::open_in(rig, config(), None).await;
    eventually("all", async || { shop.count("SELECT count(*) FROM statement_entry", None).await == 10000 }).await;
    eprintln!("booked 5000 in {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let c = shop.close().await;
    eprintln!("closed {:?} in {:?}", c, t.elapsed());
    let t = std::time::Instant::now();
    shop.balances().await;
    eprintln!("trial balance in {:?}", t.elapsed());
}
