//! `CatalogService`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bojagi_api::item as api;
use bojagi_api::item::catalog_service_server::CatalogService;
use bojagi_chassis::once::Keyed;
use bojagi_chassis::{Caller, Context, Fields, answer, once, wire};
use bojagi_kernel::id::ItemId;
use bojagi_kernel::{Currency, Failure};
use bojagi_store::Tx;
use tonic::{Request, Response, Status};

use super::{browsing, favours, read, reading, show};
use crate::NAME;
use crate::categories::{create_category, delete_category};
use crate::create_item::create_item;
use crate::delete_item::delete_item;
use crate::domain::favours::Wish;
use crate::domain::refusal::CatalogRefusal;
use crate::give_favours::Favours;
use crate::store::{self, categories, items, search};
use crate::update_item::update_item;

mod drafts;
mod searches;

/// Answers calls about categories and items.
pub(crate) struct Catalog {
    pub(crate) context: Context,
    /// The currencies in which items may be priced.
    pub(crate) currencies: Arc<[Currency]>,
    /// Takes hearts.
    pub(crate) hearts: Favours<ItemId>,
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn create_category(
        &self,
        request: Request<api::CreateCategoryRequest>,
    ) -> Result<Response<api::CreateCategoryResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let name = fields.line("name", &request.name, read::CATEGORY_NAME);
            let (Some(request_id), Some(name)) = (request_id, name) else { return Err(fields.refuse()) };
            let key = once::key(&caller, "CreateCategory", request_id, &request);
            once::write(&self.context.store, key, self.context.clock.now(), async move |tx: &mut Tx| {
                let category = create_category(tx, name).await?;
                Ok(api::CreateCategoryResponse { category: Some(show::category(&category)) })
            })
            .await
        })
        .await
    }

    async fn delete_category(
        &self,
        request: Request<api::DeleteCategoryRequest>,
    ) -> Result<Response<api::DeleteCategoryResponse>, Status> {
        answer::to(NAME, async {
            let category_id = Fields::only_id(NAME, "category_id", &request.get_ref().category_id)?;
            self.context.store.write(async move |tx: &mut Tx| delete_category(tx, category_id).await).await?;
            Ok(api::DeleteCategoryResponse {})
        })
        .await
    }

    async fn list_categories(
        &self,
        request: Request<api::ListCategoriesRequest>,
    ) -> Result<Response<api::ListCategoriesResponse>, Status> {
        answer::to(NAME, async {
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let wanted = (request.page_size, request.page_token.as_str());
            let page = fields.page(&self.context.pager, "ListCategories", wanted, Some::<String>);
            let Some(page) = page else { return Err(fields.refuse()) };
            let (after, limit) = (page.after.clone().unwrap_or_default(), page.limit());
            let unit = async move |tx: &mut Tx| Ok(categories::list(tx, &after, limit).await?);
            let mut listed = browsing(&self.context, unit).await?;
            let next_page_token = page.cut(&mut listed, |last| last.name.clone());
            Ok(api::ListCategoriesResponse { categories: listed.iter().map(show::category).collect(), next_page_token })
        })
        .await
    }

    async fn create_item(
        &self,
        request: Request<api::CreateItemRequest>,
    ) -> Result<Response<api::CreateItemResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let seller_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, draft) = drafts::new_item(&request, &self.currencies)?;
            let key = once::key(&caller, "CreateItem", request_id, &request);
            let now = self.context.clock.now();
            once::write(&self.context.store, key, now, async move |tx: &mut Tx| {
                let item = create_item(tx, seller_id, &draft, now).await?;
                Ok(api::CreateItemResponse { item: Some(show::item(&item)) })
            })
            .await
        })
        .await
    }

    async fn update_item(
        &self,
        request: Request<api::UpdateItemRequest>,
    ) -> Result<Response<api::UpdateItemResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let seller_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, item_id, change) = drafts::item_change(&request, &self.currencies)?;
            let key = once::key(&caller, "UpdateItem", request_id, &request);
            let now = self.context.clock.now();
            once::write(&self.context.store, key, now, async move |tx: &mut Tx| {
                let item = update_item(tx, seller_id, item_id, &change, now).await?;
                Ok(api::UpdateItemResponse { item: Some(show::item(&item)) })
            })
            .await
        })
        .await
    }

    async fn delete_item(
        &self,
        request: Request<api::DeleteItemRequest>,
    ) -> Result<Response<api::DeleteItemResponse>, Status> {
        answer::to(NAME, async {
            let seller_id = Caller::of(&request).account()?.account_id;
            let item_id = Fields::only_id(NAME, "item_id", &request.get_ref().item_id)?;
            let now = self.context.clock.now();
            let unit = async move |tx: &mut Tx| delete_item(tx, seller_id, item_id, now).await;
            self.context.store.write(unit).await?;
            Ok(api::DeleteItemResponse {})
        })
        .await
    }

    async fn get_item(&self, request: Request<api::GetItemRequest>) -> Result<Response<api::GetItemResponse>, Status> {
        answer::to(NAME, async {
            let item_id = Fields::only_id(NAME, "item_id", &request.get_ref().item_id)?;
            let unit = async move |tx: &mut Tx| Ok(items::find(tx, item_id).await?);
            let item = reading(&self.context, unit).await?.ok_or(CatalogRefusal::ItemNotFound)?;
            Ok(api::GetItemResponse { item: Some(show::item(&item)) })
        })
        .await
    }

    async fn batch_get_items(
        &self,
        request: Request<api::BatchGetItemsRequest>,
    ) -> Result<Response<api::BatchGetItemsResponse>, Status> {
        answer::to(NAME, async {
            let item_ids = searches::batch(&request.get_ref().item_ids)?;
            let unit = async move |tx: &mut Tx| {
                let found = items::find_all(tx, &item_ids).await?;
                let there: HashSet<_> = found.iter().map(|item| item.item_id).collect();
                let missing: Vec<_> = item_ids.into_iter().filter(|item_id| !there.contains(item_id)).collect();
                Ok((found, missing))
            };
            let (found, missing) = reading(&self.context, unit).await?;
            Ok(api::BatchGetItemsResponse {
                items: found.iter().map(show::item).collect(),
                missing_item_ids: missing.iter().map(ToString::to_string).collect(),
            })
        })
        .await
    }

    async fn search_items(
        &self,
        request: Request<api::SearchItemsRequest>,
    ) -> Result<Response<api::SearchItemsResponse>, Status> {
        answer::to(NAME, async {
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let wanted = searches::items(&mut fields, request);
            let (pager, query) = (&self.context.pager, format!("SearchItems {wanted:?}"));
            let page = fields.page(pager, query, (request.page_size, &request.page_token), searches::place);
            let (Some(wanted), Some(page)) = (wanted, page) else { return Err(fields.refuse()) };
            let unit = async move |tx: &mut Tx| {
                let ids = search::find(tx, &wanted, page.after.as_ref(), page.limit()).await?;
                let mut found = items::find_all(tx, &ids).await?;
                let next_page_token = page.cut(&mut found, |last| searches::cursor(wanted.order, last.into()));
                Ok((found, next_page_token))
            };
            let (found, next_page_token) = browsing(&self.context, unit).await?;
            Ok(api::SearchItemsResponse { items: found.iter().map(show::item).collect(), next_page_token })
        })
        .await
    }

    async fn heart_item(
        &self,
        request: Request<api::HeartItemRequest>,
    ) -> Result<Response<api::HeartItemResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let (request_id, item_id) =
                Fields::request_about(NAME, &request.request_id, ("item_id", &request.item_id))?;
            let key = once::key(&caller, "HeartItem", request_id, &request);
            let ask = Wish { thing: item_id, customer_id: caller.account()?.account_id, is_given: true };
            Ok(api::HeartItemResponse { hearts: self.hearts.ask(Keyed { key, ask }).await? })
        })
        .await
    }

    async fn unheart_item(
        &self,
        request: Request<api::UnheartItemRequest>,
    ) -> Result<Response<api::UnheartItemResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let request = request.into_inner();
            let (request_id, item_id) =
                Fields::request_about(NAME, &request.request_id, ("item_id", &request.item_id))?;
            let key = once::key(&caller, "UnheartItem", request_id, &request);
            let ask = Wish { thing: item_id, customer_id: caller.account()?.account_id, is_given: false };
            Ok(api::UnheartItemResponse { hearts: self.hearts.ask(Keyed { key, ask }).await? })
        })
        .await
    }

    async fn list_hearted_items(
        &self,
        request: Request<api::ListHeartedItemsRequest>,
    ) -> Result<Response<api::ListHeartedItemsResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let (pager, query) = (&self.context.pager, format!("ListHeartedItems {customer_id}"));
            let page = fields.page(pager, query, (request.page_size, &request.page_token), favours::place);
            let Some(page) = page else { return Err(fields.refuse()) };
            let unit = async move |tx: &mut Tx| {
                let mut hearts = store::favours::list(tx, customer_id, page.after.as_ref(), page.limit()).await?;
                let next_page_token = page.cut(&mut hearts, favours::cursor);
                let ids: Vec<ItemId> = hearts.iter().map(|(item_id, _)| *item_id).collect();
                Ok::<_, Failure>((
                    items::find_all(tx, &ids).await?,
                    HashMap::<_, _>::from_iter(hearts),
                    next_page_token,
                ))
            };
            let (found, given_at, next_page_token) = reading(&self.context, unit).await?;
            let hearted_items = found.iter().map(|item| api::HeartedItem {
                item: Some(show::item(item)),
                hearted_at: given_at.get(&item.item_id).copied().map(wire::timestamp),
            });
            Ok(api::ListHeartedItemsResponse { hearted_items: hearted_items.collect(), next_page_token })
        })
        .await
    }
}
