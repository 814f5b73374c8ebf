//! While a new version rolls out, processes of the version before hear facts for the groups that they know. What they do not do about
//! them is done all the same.

use bojagi_api::item as api;
use bojagi_api::item::wishlist_service_client::WishlistServiceClient;
use bojagi_api::order::{RefundApproved, RefundFactLine};
use bojagi_api::policy::Role;
use bojagi_api::user::{AccountClosed, AccountKind};
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::eventually;

use crate::shop::{Shop, line, new_id, order};

/// A process of the version before has heard, for the group that it knows, what will be told of something.
async fn heard_before(shop: &Shop, topic: &'static str, aggregate_id: Uuid) {
    let unit = async move |tx: &mut Tx| {
        tx.execute(
            "INSERT INTO inbox_sequence (consumer, topic, aggregate_id, last) VALUES ('item', ?1, ?2, 1000)
             ON CONFLICT (consumer, topic, aggregate_id) DO UPDATE SET last = 1000",
            params![topic, aggregate_id],
        )
        .await
    };
    let changed: Result<u64, Error> = shop.rig.store("item").write(unit).await;
    assert_eq!(changed.unwrap(), 1);
}

#[tokio::test]
async fn a_refund_that_the_version_before_has_heard_brings_its_pieces_back() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let asked = order(vec![line(&option, 4)]);
    shop.reservations().reserve_stock(asked.clone()).await.unwrap();
    shop.confirm(&asked).await;
    shop.sold(&asked).await;

    let order_id: Uuid = asked.order_id.parse().unwrap();
    heard_before(&shop, "bojagi.order.v1", order_id).await;
    let back = RefundFactLine {
        order_line_id: asked.lines[0].order_line_id.clone(),
        option_id: option.option_id.clone(),
        quantity: 3,
        ..Default::default()
    };
    let fact = RefundApproved {
        order_id: asked.order_id,
        refund_id: new_id(),
        lines: vec![back],
        restock: true,
        ..Default::default()
    };
    shop.orders.tell(order_id, &fact).await;
    eventually("they are back", async || shop.counts(&option.option_id).await == (9, 0, 1, 10)).await;
}

#[tokio::test]
async fn a_customer_of_whom_the_version_before_has_heard_leaves_no_wishlist() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let customer = shop.rig.account(&[Role::Customer]);
    let mut wishes = WishlistServiceClient::new(shop.rig.calling_as(&customer));
    let add = api::AddWishlistEntryRequest { request_id: new_id(), option_id: option.option_id, quantity: 1 };
    wishes.add_wishlist_entry(add).await.unwrap();

    let account_id = customer.account_id;
    heard_before(&shop, "bojagi.user.v1", account_id.into()).await;
    let closed = AccountClosed { account_id: account_id.to_string(), kind: AccountKind::Customer.into() };
    shop.users.tell(account_id.into(), &closed).await;
    let entries = async || {
        let mut wishes = WishlistServiceClient::new(shop.rig.calling_as(&customer));
        wishes.list_wishlist_entries(api::ListWishlistEntriesRequest::default()).await.unwrap().into_inner().entries
    };
    eventually("the list goes", async || entries().await.is_empty()).await;
}
