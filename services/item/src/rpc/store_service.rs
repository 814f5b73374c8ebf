//! `StoreService`.

use bojagi_api::item as api;
use bojagi_api::item::store_service_server::StoreService;
use bojagi_chassis::{Caller, Context, Fields, answer, once};
use bojagi_kernel::id::StoreId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use tonic::{Request, Response, Status};

use super::mask::Mask;
use super::{browsing, read, reading, show};
use crate::NAME;
use crate::create_store::create_store;
use crate::delete_store::delete_store;
use crate::domain::catalogue::{Store, StoreChange, StoreOrder, StoreSearch};
use crate::domain::refusal::CatalogRefusal;
use crate::store::stores;
use crate::update_store::update_store;

/// Answers calls about stores.
pub(crate) struct Stores {
    pub(crate) context: Context,
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
                let next_page_token = page.cut(&mut found, cursor);
                Ok((found, next_page_token))
            };
            let (stores, next_page_token) = browsing(&self.context, unit).await?;
            Ok(api::SearchStoresResponse { stores: stores.iter().map(show::store).collect(), next_page_token })
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
        Err(_) => {
            fields.wrong("order", "is not an order of stores");
            None
        }
    };
    Some(StoreSearch { keyword: keyword?, seller_id: seller_id?, order: order? })
}

/// A place as page tokens carry it: name without case, microseconds of creation, id.
type Cursor = (String, i64, String);

fn cursor(last: &Store) -> Cursor {
    let place = stores::Place::from(last);
    (place.name_key, place.created_at.micros(), place.store_id.to_string())
}

fn place((name_key, created_at, store_id): Cursor) -> Option<stores::Place> {
    let store_id = store_id.parse().ok()?;
    Some(stores::Place { name_key, created_at: Moment::from_micros(created_at), store_id })
}
