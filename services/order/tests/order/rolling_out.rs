//! While a new version rolls out, processes of the version before hear facts for the groups that they know. What they do not do about
//! them is done all the same.

use bojagi_api::order as api;
use bojagi_api::user;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{eventually, reason};

use crate::house::House;

#[tokio::test]
async fn the_cart_of_an_account_of_which_the_version_before_has_heard_goes_and_stays_away() {
    let house = House::open().await;
    let tea = house.stock.catalogue.offers(1_000, 10);
    house.add(&tea, 1).await.unwrap();
    let account_id = house.customer.account_id;
    // A process that knows no carts has answered for the group that it knows.
    let unit = async move |tx: &mut Tx| {
        tx.execute(
            "INSERT INTO inbox_sequence (consumer, topic, aggregate_id, last) VALUES ('order.accounts', ?1, ?2, 1000)",
            params!["bojagi.user.v1", account_id],
        )
        .await
    };
    let heard: Result<u64, Error> = house.rig.store("order").write(unit).await;
    assert_eq!(heard.unwrap(), 1);
    let fact = user::AccountClosed { account_id: account_id.to_string(), ..Default::default() };
    house.accounts.tell(account_id.into(), &fact).await;
    eventually("the cart is gone", async || house.look().await.cart.unwrap() == api::Cart::default()).await;
    // Whichever group hears first.
    let refused = house.add(&tea, 1).await.unwrap_err();
    assert_eq!(reason(&refused), "ACCOUNT_NOT_ACTIVE");
}
