//! Categories, stores and items go into the shop.

use std::collections::HashMap;

use bojagi_api::common::{Money, TimeRange};
use bojagi_api::item::{CreateCategoryRequest, CreateItemRequest, CreateStoreRequest, OptionDraft, Store};
use bojagi_api::settlement::RegisterPayoutAccountRequest;
use prost_types::Timestamp;

use super::catalogue::{CATEGORIES, ItemEntry, OptionEntry, STORES, StoreEntry};
use super::{DemoError, request_id, side_by_side};
use crate::people::Member;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// Category ids by name.
pub(super) type Categories = HashMap<&'static str, String>;

pub(super) async fn create_categories(admin: &Member) -> Result<Categories, DemoError> {
    let create = async |name: &&'static str| {
        let what = format!("category {name}");
        let request = CreateCategoryRequest { request_id: request_id(&what), name: (*name).to_owned() };
        let answer = admin.gateway.catalog().create_category(request).await.map_err(DemoError::refused(&what))?;
        let category = answer.into_inner().category.ok_or_else(DemoError::incomplete(&what))?;
        Ok((*name, category.category_id))
    };
    Ok(side_by_side(CATEGORIES.iter().map(create)).await?.into_iter().collect())
}

/// Opens the stores with everything in them, and tells where their sellers are paid.
pub(super) async fn create_stores(
    sellers: &[Member],
    categories: &Categories,
    opened_at: Timestamp,
) -> Result<(), DemoError> {
    side_by_side(sellers.iter().map(register_payout_account)).await?;
    let open = async |entry: &'static StoreEntry| {
        let seller = sellers.iter().find(|seller| seller.account.email == entry.seller);
        let seller = seller.ok_or_else(DemoError::incomplete(format!("seller of {}", entry.name)))?;
        let store = create_store(seller, entry).await?;
        Ok(entry.items.iter().map(move |item| (seller, store.clone(), item)))
    };
    let shelves = side_by_side(STORES.iter().map(open)).await?;
    let create = async |(seller, store, item): (&Member, Store, &ItemEntry)| {
        create_item(seller, &store, item, categories, opened_at).await
    };
    side_by_side(shelves.into_iter().flatten().map(create)).await?;
    Ok(())
}

async fn register_payout_account(seller: &Member) -> Result<(), DemoError> {
    let what = format!("payout account of {}", seller.account.email);
    let request = RegisterPayoutAccountRequest {
        request_id: request_id(&what),
        bank_token: "bank_ok".to_owned(),
        bank_name: "Hanbit Bank 한빛은행".to_owned(),
        last_four: "0417".to_owned(),
    };
    seller.gateway.settlements().register_payout_account(request).await.map_err(DemoError::refused(what))?;
    Ok(())
}

async fn create_store(seller: &Member, entry: &StoreEntry) -> Result<Store, DemoError> {
    let what = format!("store {}", entry.name);
    let request = CreateStoreRequest {
        request_id: request_id(&what),
        name: entry.name.to_owned(),
        description: entry.description.to_owned(),
    };
    let answer = seller.gateway.stores().create_store(request).await.map_err(DemoError::refused(&what))?;
    answer.into_inner().store.ok_or_else(DemoError::incomplete(what))
}

async fn create_item(
    seller: &Member,
    store: &Store,
    entry: &ItemEntry,
    categories: &Categories,
    opened_at: Timestamp,
) -> Result<(), DemoError> {
    let what = format!("item {} of {}", entry.name, store.name);
    let category_id = categories.get(entry.category).ok_or_else(DemoError::incomplete(&what))?.clone();
    let request = CreateItemRequest {
        request_id: request_id(&what),
        store_id: store.store_id.clone(),
        category_id,
        name: entry.name.to_owned(),
        description: entry.description.to_owned(),
        thumbnail_url: String::new(),
        options: entry.options.iter().map(|option| draft(option, opened_at)).collect(),
    };
    seller.gateway.catalog().create_item(request).await.map_err(DemoError::refused(what))?;
    Ok(())
}

fn draft(option: &OptionEntry, opened_at: Timestamp) -> OptionDraft {
    OptionDraft {
        option_id: String::new(),
        name: option.name.to_owned(),
        price: Some(won(option.price)),
        stock: option.stock,
        sale_window: option.on_sale_after_days.map(|days| from_day(opened_at, days)),
        per_customer_limit: option.per_customer_limit,
    }
}

/// `minor_units` won.
pub(super) fn won(minor_units: i64) -> Money {
    Money { currency_code: "KRW".to_owned(), minor_units }
}

/// From `days` days after the opening on, without an end.
pub(super) fn from_day(opened_at: Timestamp, days: i64) -> TimeRange {
    let starts_at = Timestamp { seconds: opened_at.seconds + days * DAY, nanos: 0 };
    TimeRange { starts_at: Some(starts_at), ends_at: None }
}
