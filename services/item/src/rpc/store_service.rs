//! `StoreService`.

use std::collections::HashMap;

use bojagi_api::item as api;
use bojagi_api::item::store_service_server::StoreService;
use bojagi_chassis::once::Keyed;
use bojagi_chassis::{Caller, Context, Fields, answer, once, wire};
use bojagi_kernel::id::StoreId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use serde::{Deserialize, Serialize};
use tonic::{Request, Response, Status};

use super::mask::Mask;
use super::{browsing, favours, read, reading, show};
use crate::NAME;
use crate::create_store::create_store;
use crate::delete_store::delete_store;
use crate::domain::catalogue::{StoreChange, StoreOrder, StoreSearch};
use crate::domain::favours::Wish;
use crate::domain::refusal::CatalogRefusal;
use crate::give_favours::Favours;
use crate::store::{self, stores};
use crate::update_store::update_store;

/// Answers calls about stores.
pub(crate) struct Stores {
    pub(crate) context: Context,
    /// Takes follows.
    pub(crate) follows: Favours<StoreId>,
}

#[tonic::async_trait]
impl StoreService for Stores {
    async fn create_store(
        &self,
        request: Request<api::CreateStoreRequest>,
    ) -> Result<Response<api::CreateStoreResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let seller_id = caller.account()?.account_id;
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let name = fields.line("name", &request.name, read::STORE_NAME);
            let description = fields.prose("description", &request.description, read::STORE_DESCRIPTION);
            let (Some(request_id), Some(name), Some(description)) = (request_id, name, description) else {
                return Err(fields.refuse());
            };
            let key = once::key(&caller, "CreateStore", request_id, &request);
            let now = self.context.clock.now();
            once::write(&self.context.store, key, now, async move |tx: &mut Tx| {
                let store = create_store(tx, seller_id, (name, description), now).await?;
                Ok(api::CreateStoreResponse { store: Some(show::store(&store)) })
            })
            .await
        })
        .await
    }

    async fn update_store(
        &self,
        request: Request<api::UpdateStoreRequest>,
    ) -> Result<Response<api::UpdateStoreResponse>, Status> {
        answer::to(NAME, async {
            let seller_id = Caller::of(&request).account()?.account_id;
            let (store_id, change) = store_change(request.get_ref())?;
            let now = self.context.clock.now();
            let unit = async move |tx: &mut Tx| update_store(tx, seller_id, store_id, &change, now).await;
            let store = self.context.store.write(unit).await?;
            Ok(api::UpdateStoreResponse { store: Some(show::store(&store)) })
        })
        .await
    }

    async fn delete_store(
        &self,
        request: Request<api::DeleteStoreRequest>,
    ) -> Result<Response<api::DeleteStoreResponse>, Status> {
        answer::to(NAME, async {
            let seller_id = Caller::of(&request).account()?.account_id;
            let store_id = Fields::only_id(NAME, "store_id", &request.get_ref().store_id)?;
            let now = self.context.clock.now();
            let unit = async move |tx: &mut Tx| delete_store(tx, seller_id, store_id, now).await;
            self.context.store.write(unit).await?;
            Ok(api::DeleteStoreResponse {})
        })
        .await
    }

    async fn get_store(
        &self,
        request: Request<api::GetStoreRequest>,
    ) -> Result<Response<api::GetStoreResponse>, Status> {
        answer::to(NAME, async {
            let store_id = Fields::only_id(NAME, "store_id", &request.get_ref().store_id)?;
            let unit = async move |tx: &mut Tx| Ok(stores::find(tx, store_id).await?);
            let store = reading(&self.context, unit).await?.ok_or(CatalogRefusal::StoreNotFound)?;
            Ok(api::GetStoreResponse { store: Some(show::store(&store)) })
        })
        .await
    }

    async fn search_stores(
        &self,
        request: Request<api::SearchStoresRequest>,
    ) -> Result<Response<api::SearchStoresResponse>, Status> {
        answer::to(NAME, async {
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let search = store_search(&mut fields, request);
            let (pager, query) = (&self.context.pager, format!("SearchStores {search:?}"));
            let page = fields.page(pager, query, (request.page_size, &request.page_token), place);
            let (Some(search), Some(page)) = (search, page) else { return Err(fields.refuse()) };
            let unit = async move |tx: &mut Tx| {
                let mut found = stores::search(tx, &search, page.after.as_ref(), page.limit()).await?;
                let next_page_token = page.cut(&mut found, |last| cursor(search.order, last.into()));
                Ok((found, next_page_token))
            };
            let (stores, next_page_token) = browsing(&self.context, unit).await?;
            Ok(api::SearchStoresResponse { stores: stores.iter().map(show::store).collect(), next_page_token })
        })
        .await
    }

    async fn follow_store(
        &self,
        request: Request<api::FollowStoreRequest>,
    ) -> Result<Response<api::FollowStoreResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let (request_id, store_id) =
                Fields::request_about(NAME, &request.request_id, ("store_id", &request.store_id))?;
            let key = once::key(&caller, "FollowStore", request_id, &request);
            let ask = Wish { thing: store_id, customer_id: caller.account()?.account_id, is_given: true };
            Ok(api::FollowStoreResponse { followers: self.follows.ask(Keyed { key, ask }).await? })
        })
        .await
    }

    async fn unfollow_store(
        &self,
        request: Request<api::UnfollowStoreRequest>,
    ) -> Result<Response<api::UnfollowStoreResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let (request_id, store_id) =
                Fields::request_about(NAME, &request.request_id, ("store_id", &request.store_id))?;
            let key = once::key(&caller, "UnfollowStore", request_id, &request);
            let ask = Wish { thing: store_id, customer_id: caller.account()?.account_id, is_given: false };
            Ok(api::UnfollowStoreResponse { followers: self.follows.ask(Keyed { key, ask }).await? })
        })
        .await
    }

    async fn list_followed_stores(
        &self,
        request: Request<api::ListFollowedStoresRequest>,
    ) -> Result<Response<api::ListFollowedStoresResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let (pager, query) = (&self.context.pager, format!("ListFollowedStores {customer_id}"));
            let page = fields.page(pager, query, (request.page_size, &request.page_token), favours::place);
            let Some(page) = page else { return Err(fields.refuse()) };
            let unit = async move |tx: &mut Tx| {
                let mut follows = store::favours::list(tx, customer_id, page.after.as_ref(), page.limit()).await?;
                let next_page_token = page.cut(&mut follows, favours::cursor);
                let ids: Vec<StoreId> = follows.iter().map(|(store_id, _)| *store_id).collect();
                Ok::<_, Failure>((
                    stores::find_all(tx, &ids).await?,
                    HashMap::<_, _>::from_iter(follows),
                    next_page_token,
                ))
            };
            let (found, given_at, next_page_token) = reading(&self.context, unit).await?;
            let followed_stores = found.iter().map(|store| api::FollowedStore {
                store: Some(show::store(store)),
                followed_at: given_at.get(&store.store_id).copied().map(wire::timestamp),
            });
            Ok(api::ListFollowedStoresResponse { followed_stores: followed_stores.collect(), next_page_token })
        })
        .await
    }
}

fn store_change(request: &api::UpdateStoreRequest) -> Result<(StoreId, StoreChange), Failure> {
    let mut fields = Fields::new(NAME);
    let store_id = fields.id("store_id", &request.store_id);
    let mask = Mask::read(&mut fields, request.update_mask.as_ref(), &["name", "description"]);
    let mut change = StoreChange::default();
    if mask.has("name", request.name.is_empty()) {
        change.name = fields.line("name", &request.name, read::STORE_NAME);
    }
    if mask.has("description", request.description.is_empty()) {
        change.description = fields.prose("description", &request.description, read::STORE_DESCRIPTION);
    }
    let Some(store_id) = store_id else { return Err(fields.refuse()) };
    fields.finish()?;
    Ok((store_id, change))
}

fn store_search(fields: &mut Fields, request: &api::SearchStoresRequest) -> Option<StoreSearch> {
    let keyword = read::keyword(fields, &request.keyword);
    let seller_id = fields.optional_id("seller_id", &request.seller_id);
    let order = match api::StoreOrder::try_from(request.order) {
        Ok(api::StoreOrder::Unspecified | api::StoreOrder::Name) => Some(StoreOrder::Name),
        Ok(api::StoreOrder::Newest) => Some(StoreOrder::Newest),
        Ok(api::StoreOrder::Followers) => Some(StoreOrder::Followers),
        Err(_) => {
            fields.wrong("order", "is not an order of stores");
            None
        }
    };
    Some(StoreSearch { keyword: keyword?, seller_id: seller_id?, order: order? })
}

/// A place as page tokens carry it: name without case, microseconds of creation, id. The number of followers goes along only
/// where they are listed by it: tokens of the other orders are read by processes of the version before.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Cursor {
    Store(String, i64, String),
    StoreWithFollowers(String, i64, String, i64),
}

fn cursor(order: StoreOrder, last: stores::Place) -> Cursor {
    let stores::Place { name_key, created_at, followers, store_id } = last;
    let (created_at, store_id) = (created_at.micros(), store_id.to_string());
    match order {
        StoreOrder::Name | StoreOrder::Newest => Cursor::Store(name_key, created_at, store_id),
        StoreOrder::Followers => Cursor::StoreWithFollowers(name_key, created_at, store_id, followers),
    }
}

fn place(cursor: Cursor) -> Option<stores::Place> {
    let (name_key, created_at, store_id, followers) = match cursor {
        Cursor::Store(name_key, created_at, store_id) => (name_key, created_at, store_id, 0),
        Cursor::StoreWithFollowers(name_key, created_at, store_id, followers) => {
            (name_key, created_at, store_id, followers)
        }
    };
    let (created_at, store_id) = (Moment::from_micros(created_at), store_id.parse().ok()?);
    Some(stores::Place { name_key, created_at, followers, store_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_the_orders_of_before_are_as_before() {
        let token = r#"["kiln",7,"0197c0de-0000-7000-8000-000000000001"]"#;
        for order in [StoreOrder::Name, StoreOrder::Newest] {
            let place = place(serde_json::from_str(token).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&cursor(order, place)).unwrap(), token);
        }
    }

    #[test]
    fn a_place_in_the_order_of_followers_has_their_number() {
        let token = r#"["kiln",7,"0197c0de-0000-7000-8000-000000000001",3]"#;
        let place = place(serde_json::from_str(token).unwrap()).unwrap();
        assert_eq!(place.followers, 3);
        assert_eq!(serde_json::to_string(&cursor(StoreOrder::Followers, place)).unwrap(), token);
    }
}
