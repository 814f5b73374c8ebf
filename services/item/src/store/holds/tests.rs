use std::time::Duration;

use bojagi_testkit::Rig;

use super::*;
use crate::{MIGRATIONS, NAME};

#[tokio::test]
async fn a_hold_that_is_overdue_counts_until_its_order_ends() {
    let rig = Rig::new();
    let store = rig.context(NAME, MIGRATIONS).await.store;
    let early = Moment::from_micros(1_000_000);
    let late = early + Duration::from_secs(60);
    let (stuck, open, sold) = (OrderId::generate(), OrderId::generate(), OrderId::generate());
    let counted: Result<_, Error> = store
        .write(async move |tx: &mut Tx| {
            let none = count_open(tx).await?;
            let customer_id = AccountId::generate();
            open_all(tx, &[(stuck, customer_id), (sold, customer_id)], early).await?;
            open_all(tx, &[(open, customer_id)], late).await?;
            advance(tx, sold, (HoldState::Reserved, HoldState::Sold), late).await?;
            let before = count_open(tx).await?;
            mark_overdue(tx, stuck).await?;
            let told = count_open(tx).await?;
            advance(tx, stuck, (HoldState::Reserved, HoldState::Released), late).await?;
            Ok([none, before, told, count_open(tx).await?])
        })
        .await;
    let held = |count, overdue, oldest_in_time| OpenHolds { count, overdue, oldest_in_time };
    let expected = [held(0, 0, None), held(2, 0, Some(early)), held(2, 1, Some(late)), held(1, 0, Some(late))];
    assert_eq!(counted.unwrap(), expected);
}
