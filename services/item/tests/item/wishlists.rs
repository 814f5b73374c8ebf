//! Wishlists: what customers would like to have, at the prices of now.

use std::time::Duration;

use bojagi_api::item as api;
use bojagi_api::item::wishlist_service_client::WishlistServiceClient;
use bojagi_api::policy::Role;
use bojagi_api::user::{AccountClosed, AccountKind};
use bojagi_item::Config;
use bojagi_testkit::{AccountChannel, TestAccount, eventually, reason};
use futures::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::shop::{Shop, draft, kept, new_id, won};

/// A customer with a wishlist.
struct Customer<'a> {
    shop: &'a Shop,
    account: TestAccount,
}

impl<'a> Customer<'a> {
    fn of(shop: &'a Shop) -> Self {
        Self { shop, account: shop.rig.account(&[Role::Customer]) }
    }

    fn wishes(&self) -> WishlistServiceClient<AccountChannel> {
        WishlistServiceClient::new(self.shop.rig.calling_as(&self.account))
    }

    async fn add(&self, option: &api::Option, quantity: i64) -> Result<api::WishlistEntry, Status> {
        let option_id = option.option_id.clone();
        let request = api::AddWishlistEntryRequest { request_id: new_id(), option_id, quantity };
        Ok(self.wishes().add_wishlist_entry(request).await?.into_inner().entry.unwrap())
    }

    async fn update(&self, option: &api::Option, quantity: i64) -> Result<api::WishlistEntry, Status> {
        let option_id = option.option_id.clone();
        let request = api::UpdateWishlistEntryRequest { request_id: new_id(), option_id, quantity };
        Ok(self.wishes().update_wishlist_entry(request).await?.into_inner().entry.unwrap())
    }

    async fn remove(&self, option: &api::Option) -> Result<(), Status> {
        let option_id = option.option_id.clone();
        let request = api::RemoveWishlistEntryRequest { request_id: new_id(), option_id };
        self.wishes().remove_wishlist_entry(request).await.map(drop)
    }

    async fn list(&self) -> api::ListWishlistEntriesResponse {
        let request = api::ListWishlistEntriesRequest { page_size: 100, ..Default::default() };
        self.wishes().list_wishlist_entries(request).await.unwrap().into_inner()
    }

    /// Which options are on the list, and how many pieces of each.
    async fn listed(&self) -> Vec<(String, i64)> {
        self.list().await.entries.into_iter().map(|entry| (entry.option_id, entry.quantity)).collect()
    }
}

fn metadata(refused: &Status, key: &str) -> String {
    refused.get_error_details().error_info().unwrap().metadata[key].clone()
}

#[tokio::test]
async fn what_is_added_again_adds_up_and_what_is_listed_has_the_prices_of_now() {
    let shop = Shop::open().await;
    let mug = shop.new_item("Mug", vec![draft("red", 5_000, 10), draft("blue", 6_000, 4)]).await;
    let bowl = shop.new_item("Bowl", vec![draft("only", 1_000, 1)]).await;
    let customer = Customer::of(&shop);
    assert_eq!(customer.list().await, api::ListWishlistEntriesResponse::default());
    for (option, quantity) in [(&mug.options[0], 2), (&bowl.options[0], 7), (&mug.options[1], 1)] {
        customer.add(option, quantity).await.unwrap();
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    let red = customer.add(&mug.options[0], 3).await.unwrap();
    assert_eq!((red.quantity, red.unit_price, red.price), (5, Some(won(5_000)), Some(won(25_000))));

    let cheaper = api::OptionDraft { price: Some(won(5_500)), ..kept(&mug.options[1]) };
    shop.update_options(&mug, vec![kept(&mug.options[0]), cheaper]).await;
    let listed = customer.list().await;
    let shown: Vec<_> = listed
        .entries
        .iter()
        .map(|entry| (entry.item_name.as_str(), entry.option_name.as_str(), entry.quantity, entry.available))
        .collect();
    assert_eq!(shown, [("Mug", "blue", 1, 4), ("Bowl", "only", 7, 1), ("Mug", "red", 5, 10)]);
    assert_eq!(listed.entries[0].price, Some(won(5_500)));
    assert_eq!((listed.totals, listed.entry_count), (vec![won(5_500 + 7_000 + 25_000)], 3));

    assert_eq!(customer.update(&bowl.options[0], 2).await.unwrap().price, Some(won(2_000)));
    customer.remove(&mug.options[0]).await.unwrap();
    let left = [(mug.options[1].option_id.clone(), 1), (bowl.options[0].option_id.clone(), 2)];
    assert_eq!(customer.listed().await, left);
    let clear = api::ClearWishlistRequest { request_id: new_id() };
    let cleared = customer.wishes().clear_wishlist(clear.clone()).await.unwrap().into_inner();
    assert_eq!(cleared.removed_entries, 2);
    assert_eq!(customer.wishes().clear_wishlist(clear).await.unwrap().into_inner(), cleared, "it is answered again");
    assert_eq!(customer.listed().await, []);
}

#[tokio::test]
async fn what_is_gone_stays_listed_and_is_not_in_the_total() {
    let shop = Shop::open().await;
    let mug = shop.new_item("Mug", vec![draft("red", 5_000, 10), draft("blue", 6_000, 10)]).await;
    let bowl = shop.new_item("Bowl", vec![draft("only", 1_000, 10)]).await;
    let customer = Customer::of(&shop);
    for option in [&mug.options[0], &mug.options[1], &bowl.options[0]] {
        customer.add(option, 2).await.unwrap();
        shop.rig.clock.advance(Duration::from_secs(1));
    }
    shop.update_options(&mug, vec![kept(&mug.options[0])]).await;
    let delete = api::DeleteItemRequest { item_id: bowl.item_id.clone() };
    shop.catalog(&shop.seller).delete_item(delete).await.unwrap();

    let listed = customer.list().await;
    let states: Vec<_> = listed.entries.iter().map(|entry| (entry.option_name.as_str(), entry.state())).collect();
    use api::WishlistEntryState::{ItemGone, OnOffer, OptionGone};
    assert_eq!(states, [("only", ItemGone), ("blue", OptionGone), ("red", OnOffer)]);
    for gone in &listed.entries[..2] {
        assert_eq!((gone.unit_price.clone(), gone.price.clone(), gone.available), (None, None, 0));
    }
    assert_eq!((listed.totals, listed.entry_count), (vec![won(10_000)], 3));

    let refused = customer.add(&mug.options[1], 1).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "OPTION_NOT_FOUND"));
    assert_eq!(customer.update(&mug.options[1], 9).await.unwrap().state(), OptionGone);
    customer.remove(&bowl.options[0]).await.unwrap();
    assert_eq!(customer.list().await.entry_count, 2);
    // With the store its items go.
    let delete = api::DeleteStoreRequest { store_id: shop.store_id.clone() };
    shop.stores(&shop.seller).delete_store(delete).await.unwrap();
    let listed = customer.list().await;
    assert!(listed.entries.iter().all(|entry| entry.state() == ItemGone));
    assert_eq!(listed.totals, []);
}

#[tokio::test]
async fn a_list_is_bounded_and_listed_page_by_page_with_the_total_of_all() {
    let shop = Shop::open().await;
    let drafts = (0..100).map(|number| draft(&format!("{number:03}"), 1_000 + number, 1)).collect();
    let many = shop.new_item("Mug", drafts).await;
    let one_more = shop.new_option(1).await;
    let customer = Customer::of(&shop);
    for option in &many.options {
        customer.add(option, 1).await.unwrap();
    }
    let refused = customer.add(&one_more, 1).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "WISHLIST_FULL"));
    assert_eq!(metadata(&refused, "limit"), "100");

    customer.add(&many.options[0], 998).await.unwrap();
    let refused = customer.add(&many.options[0], 1).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "WISHLIST_QUANTITY"));
    assert_eq!((metadata(&refused, "limit"), metadata(&refused, "already")), ("999".into(), "999".into()));

    let total = many.options.iter().map(|option| option.price.as_ref().unwrap().minor_units).sum::<i64>() + 998_000;
    let mut request = api::ListWishlistEntriesRequest { page_size: 30, ..Default::default() };
    let mut seen = Vec::new();
    for pages in 1.. {
        let page = customer.wishes().list_wishlist_entries(request.clone()).await.unwrap().into_inner();
        assert_eq!((page.totals, page.entry_count), (vec![won(total)], 100));
        seen.extend(page.entries.into_iter().map(|entry| entry.option_id));
        if page.next_page_token.is_empty() {
            assert_eq!(pages, 4);
            break;
        }
        request.page_token = page.next_page_token;
    }
    // All came at one moment, so that ids decide.
    let mut newest_first: Vec<_> = many.options.iter().map(|option| option.option_id.clone()).collect();
    newest_first.sort();
    newest_first.reverse();
    assert_eq!(seen, newest_first);
    // The token is the customer's own.
    let other = Customer::of(&shop);
    let one = api::ListWishlistEntriesRequest { page_size: 1, ..Default::default() };
    request.page_token = customer.wishes().list_wishlist_entries(one).await.unwrap().into_inner().next_page_token;
    assert_eq!(reason(&other.wishes().list_wishlist_entries(request).await.unwrap_err()), "INVALID_ARGUMENT");
}

/// Adds of the same option at once, by two processes, add up; one request that comes many times counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adds_at_once_add_up() {
    let shop = Shop::open().await;
    let beside = shop.beside(Config::default()).await;
    let (option, other) = (shop.new_option(10).await, shop.new_option(10).await);
    let customer = Customer::of(&shop);
    let there = Customer { shop: &beside, account: customer.account.clone() };
    let adds = (0..64).map(|number| {
        let customer = if number % 2 == 0 { &customer } else { &there };
        customer.add(&option, 1)
    });
    let request =
        api::AddWishlistEntryRequest { request_id: new_id(), option_id: other.option_id.clone(), quantity: 3 };
    let repeated = (0..16).map(async |_| customer.wishes().add_wishlist_entry(request.clone()).await);
    let (added, repeated) = tokio::join!(join_all(adds), join_all(repeated));
    let mut quantities: Vec<_> = added.into_iter().map(|added| added.unwrap().quantity).collect();
    quantities.sort_unstable();
    assert_eq!(quantities, (1..=64).collect::<Vec<_>>());
    let repeated: Vec<_> = repeated.into_iter().map(|added| added.unwrap().into_inner()).collect();
    assert!(repeated.iter().all(|answer| *answer == repeated[0]));
    let mut listed = there.listed().await;
    listed.sort();
    let mut expected = [(option.option_id.clone(), 64), (other.option_id.clone(), 3)];
    expected.sort();
    assert_eq!(listed, expected);

    let other_content = api::AddWishlistEntryRequest { quantity: 4, ..request };
    let refused = customer.wishes().add_wishlist_entry(other_content).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
}

/// However many options come at once, no more than fit are taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_bounded_also_when_all_comes_at_once() {
    let shop = Shop::open().await;
    let mut options = Vec::new();
    for number in 0..2 {
        let drafts = (0..55).map(|number| draft(&format!("{number:03}"), 1_000, 1)).collect();
        options.extend(shop.new_item(&format!("Mug {number}"), drafts).await.options);
    }
    let customer = Customer::of(&shop);
    let added = join_all(options.iter().map(|option| customer.add(option, 1))).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 100);
    let mut refused = added.iter().filter_map(|added| added.as_ref().err());
    assert!(refused.all(|refused| reason(refused) == "WISHLIST_FULL"));
    assert_eq!(customer.list().await.entry_count, 100);
}

#[tokio::test]
async fn a_list_is_its_customer_s_alone() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let (customer, other) = (Customer::of(&shop), Customer::of(&shop));
    customer.add(&option, 2).await.unwrap();
    assert_eq!(other.listed().await, []);
    for refused in [other.update(&option, 5).await.unwrap_err(), other.remove(&option).await.unwrap_err()] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "WISHLIST_ENTRY_NOT_FOUND"));
        assert_eq!(metadata(&refused, "option_id"), option.option_id);
    }
    other.add(&option, 7).await.unwrap();
    let clear = api::ClearWishlistRequest { request_id: new_id() };
    other.wishes().clear_wishlist(clear).await.unwrap();
    assert_eq!(customer.listed().await, [(option.option_id.clone(), 2)]);
}

#[tokio::test]
async fn the_list_of_a_closed_account_goes_and_none_comes_after_it() {
    let shop = Shop::open().await;
    let option = shop.new_option(10).await;
    let (customer, other) = (Customer::of(&shop), Customer::of(&shop));
    for customer in [&customer, &other] {
        customer.add(&option, 2).await.unwrap();
    }
    let account_id = customer.account.account_id;
    let closed = AccountClosed { account_id: account_id.to_string(), kind: AccountKind::Customer.into() };
    shop.users.tell(account_id.into(), &closed).await;
    eventually("the list goes", async || customer.list().await.entries.is_empty()).await;
    // Its token is still good as far as the guard here knows.
    let refused = customer.add(&option, 1).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
    assert_eq!(customer.listed().await, []);
    assert_eq!(other.listed().await, [(option.option_id.clone(), 2)]);
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let shop = Shop::open().await;
    let customer = Customer::of(&shop);
    let option_id = new_id();
    for quantity in [i64::MIN, -1, 0, 1_000, i64::MAX] {
        let option = api::Option { option_id: option_id.clone(), ..Default::default() };
        for refused in [customer.add(&option, quantity).await, customer.update(&option, quantity).await] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{quantity}");
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            assert_eq!((violations.len(), violations[0].field.as_str()), (1, "quantity"), "{quantity}");
        }
    }
    let all_wrong = customer.wishes().add_wishlist_entry(api::AddWishlistEntryRequest::default()).await.unwrap_err();
    let violations = all_wrong.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["request_id", "option_id", "quantity"]);
    let unknown = api::Option { option_id, ..Default::default() };
    assert_eq!(reason(&customer.add(&unknown, 1).await.unwrap_err()), "OPTION_NOT_FOUND");
    // Sellers have none.
    let seller = Customer { shop: &shop, account: shop.seller.clone() };
    assert_eq!(reason(&seller.add(&unknown, 1).await.unwrap_err()), "ROLE_REQUIRED");
}
