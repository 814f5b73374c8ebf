//! The address book.

use bojagi_api::user::{
    AddAddressRequest, Address, ListAddressesRequest, RemoveAddressRequest, SetDefaultAddressRequest,
    UpdateAddressRequest,
};
use bojagi_testkit::reason;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::shop::{Person, Shop, config};

fn text(label: &str) -> Address {
    Address {
        label: label.into(),
        recipient_name: "김미자".into(),
        phone: "010-1234-5678".into(),
        postal_code: "04524".into(),
        line1: "110 Sejong-daero, Jung-gu, Seoul".into(),
        line2: "3F".into(),
        ..Address::default()
    }
}

async fn try_add(shop: &Shop, person: &Person, address: Address, make_default: bool) -> Result<Address, Status> {
    shop.rig.clock.advance(Duration::from_secs(1));
    let request_id = Uuid::now_v7().to_string();
    let request = AddAddressRequest { request_id, address: Some(address), make_default };
    Ok(shop.addresses_of(person).add_address(request).await?.into_inner().address.unwrap())
}

pub(crate) async fn add(shop: &Shop, person: &Person, label: &str) -> Address {
    try_add(shop, person, text(label), false).await.unwrap()
}

/// All addresses, read in pages of two: label, and a star for the default.
async fn listed(shop: &Shop, person: &Person) -> Vec<String> {
    let (mut labels, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListAddressesRequest { page_size: 2, page_token };
        let page = shop.addresses_of(person).list_addresses(request).await.unwrap().into_inner();
        let label = |address: Address| format!("{}{}", address.label, if address.is_default { "*" } else { "" });
        labels.extend(page.addresses.into_iter().map(label));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return labels;
        }
    }
}

#[tokio::test]
async fn exactly_one_address_is_the_default() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    assert_eq!(listed(&shop, &person).await, Vec::<String>::new());
    let home = add(&shop, &person, "home").await;
    assert_eq!(
        Address { address_id: String::new(), created_at: None, ..home.clone() },
        Address { is_default: true, ..text("home") }
    );
    let work = add(&shop, &person, "work").await;
    add(&shop, &person, "mother").await;
    assert_eq!(listed(&shop, &person).await, ["home*", "mother", "work"]);
    try_add(&shop, &person, text("new home"), true).await.unwrap();
    assert_eq!(listed(&shop, &person).await, ["new home*", "mother", "work", "home"]);

    let mut addresses = shop.addresses_of(&person);
    let request = SetDefaultAddressRequest { address_id: work.address_id.clone() };
    assert!(addresses.set_default_address(request.clone()).await.unwrap().into_inner().address.unwrap().is_default);
    addresses.set_default_address(request).await.unwrap();
    assert_eq!(listed(&shop, &person).await, ["work*", "new home", "mother", "home"]);
    addresses.remove_address(RemoveAddressRequest { address_id: work.address_id.clone() }).await.unwrap();
    assert_eq!(listed(&shop, &person).await, ["new home*", "mother", "home"]);
    let gone = addresses.remove_address(RemoveAddressRequest { address_id: work.address_id }).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (Code::NotFound, "ADDRESS_NOT_FOUND"));
}

#[tokio::test]
async fn a_change_touches_only_what_it_names() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let home = add(&shop, &person, "home").await;
    let update = async |change: Address, mask: Option<&[&str]>| {
        let address = Address { address_id: home.address_id.clone(), ..change };
        let update_mask =
            mask.map(|paths| prost_types::FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() });
        let request = UpdateAddressRequest { address: Some(address), update_mask };
        Ok::<_, Status>(shop.addresses_of(&person).update_address(request).await?.into_inner().address.unwrap())
    };
    let changed = update(Address { line1: "1 Gangnam-daero".into(), ..Address::default() }, None).await.unwrap();
    assert_eq!(changed, Address { line1: "1 Gangnam-daero".into(), ..home.clone() });
    let masked = update(text("ignored"), Some(&["line2", "phone"])).await.unwrap();
    assert_eq!(masked, Address { line2: "3F".into(), ..changed.clone() });
    let emptied = update(Address::default(), Some(&["line2", "phone", "label"])).await.unwrap();
    assert_eq!(emptied, Address { line2: String::new(), phone: String::new(), label: String::new(), ..changed });
    for mask in ["recipient_name", "postal_code", "line1", "is_default", "created_at"] {
        assert_eq!(reason(&update(Address::default(), Some(&[mask])).await.unwrap_err()), "INVALID_ARGUMENT", "{mask}");
    }
}

#[tokio::test]
async fn what_is_somebody_elses_does_not_exist() {
    let shop = Shop::open().await;
    let owner = shop.customer("mi.ja@example.com").await;
    let other = shop.customer("other@example.com").await;
    let address_id = add(&shop, &owner, "home").await.address_id;
    let mut addresses = shop.addresses_of(&other);
    let change = Address { address_id: address_id.clone(), label: "mine".into(), ..Address::default() };
    let update = UpdateAddressRequest { address: Some(change), update_mask: None };
    let refusals = [
        addresses.update_address(update).await.unwrap_err(),
        addresses.remove_address(RemoveAddressRequest { address_id: address_id.clone() }).await.unwrap_err(),
        addresses.set_default_address(SetDefaultAddressRequest { address_id }).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ADDRESS_NOT_FOUND"));
    }
    assert_eq!(listed(&shop, &owner).await, ["home*"]);
    assert_eq!(listed(&shop, &other).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_fill_the_book_exactly() {
    let mut config = config();
    config.addresses_per_account = 10;
    let shop = Shop::open_with(config).await;
    let person = shop.customer("mi.ja@example.com").await;
    let adding = (0..64).map(|_| try_add(&shop, &person, text("home"), true));
    let outcomes = futures::future::join_all(adding).await;
    let (added, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(added.len(), 10);
    for status in refused.into_iter().filter_map(Result::err) {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "ADDRESS_LIMIT"));
        assert_eq!(status.get_error_details().error_info().unwrap().metadata["limit"], "10");
    }
    assert_eq!(shop.count("SELECT count(*) FROM address WHERE is_default").await, 1);

    let first = added.into_iter().flatten().next().unwrap();
    let remove = RemoveAddressRequest { address_id: first.address_id };
    shop.addresses_of(&person).remove_address(remove).await.unwrap();
    add(&shop, &person, "again").await;
}

#[tokio::test]
async fn a_repeated_request_has_one_effect() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let request =
        AddAddressRequest { request_id: Uuid::now_v7().to_string(), address: Some(text("home")), make_default: false };
    let mut addresses = shop.addresses_of(&person);
    let first = addresses.add_address(request.clone()).await.unwrap().into_inner();
    assert_eq!(addresses.add_address(request.clone()).await.unwrap().into_inner(), first);
    let reused = AddAddressRequest { address: Some(text("work")), ..request };
    assert_eq!(reason(&addresses.add_address(reused).await.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(listed(&shop, &person).await, ["home*"]);
}

#[tokio::test]
async fn a_bad_address_is_refused_with_every_field_that_is_wrong() {
    let shop = Shop::open().await;
    let person = shop.customer("mi.ja@example.com").await;
    let long = "x".repeat(201);
    let bad = Address {
        label: long.clone(),
        recipient_name: String::new(),
        phone: "1".into(),
        postal_code: long.clone(),
        line1: " ".into(),
        line2: long,
        ..Address::default()
    };
    let request = AddAddressRequest { request_id: "no id".into(), address: Some(bad), make_default: false };
    let status = shop.addresses_of(&person).add_address(request).await.unwrap_err();
    let fields: Vec<_> = status
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .into_iter()
        .map(|violation| violation.field)
        .collect();
    let expected = [
        "request_id",
        "address.label",
        "address.recipient_name",
        "address.phone",
        "address.postal_code",
        "address.line1",
        "address.line2",
    ];
    assert_eq!(fields, expected);
    let nothing = AddAddressRequest { request_id: Uuid::now_v7().to_string(), address: None, make_default: false };
    assert_eq!(reason(&shop.addresses_of(&person).add_address(nothing).await.unwrap_err()), "INVALID_ARGUMENT");
    let page = ListAddressesRequest { page_size: 0, page_token: "bent".into() };
    assert_eq!(reason(&shop.addresses_of(&person).list_addresses(page).await.unwrap_err()), "INVALID_ARGUMENT");
}
