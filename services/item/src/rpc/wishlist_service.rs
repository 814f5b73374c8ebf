//! `WishlistService`.

use bojagi_api::common;
use bojagi_api::item as api;
use bojagi_api::item::wishlist_service_server::WishlistService;
use bojagi_chassis::{Caller, Context, Fields, answer, once, wire};
use bojagi_kernel::id::{AccountId, OptionId, RequestId};
use bojagi_kernel::{Failure, Moment, MoneyError};
use bojagi_store::idempotency::Key;
use bojagi_store::{LockKey, Tx};
use tonic::{Request, Response, Status};

use super::reading;
use crate::domain::wishlist::{self as rules, Entry, Standing};
use crate::store::wishlists;
use crate::{NAME, wishlist};

/// Answers calls about wishlists.
pub(crate) struct Wishlists {
    pub(crate) context: Context,
}

#[tonic::async_trait]
impl WishlistService for Wishlists {
    async fn add_wishlist_entry(
        &self,
        request: Request<api::AddWishlistEntryRequest>,
    ) -> Result<Response<api::AddWishlistEntryResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, option_id, quantity) = pieces(&request.request_id, &request.option_id, request.quantity)?;
            let key = once::key(&caller, "AddWishlistEntry", request_id, &request);
            let now = self.context.clock.now();
            self.change(customer_id, key, async move |tx: &mut Tx| {
                let entry = wishlist::add(tx, customer_id, option_id, quantity, now).await?;
                Ok(api::AddWishlistEntryResponse { entry: Some(shown(&entry)?) })
            })
            .await
        })
        .await
    }

    async fn list_wishlist_entries(
        &self,
        request: Request<api::ListWishlistEntriesRequest>,
    ) -> Result<Response<api::ListWishlistEntriesResponse>, Status> {
        answer::to(NAME, async {
            let customer_id = Caller::of(&request).account()?.account_id;
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let query = format!("ListWishlistEntries {customer_id}");
            let page = fields.page(&self.context.pager, query, (request.page_size, &request.page_token), place);
            let Some(page) = page else { return Err(fields.refuse()) };
            let Whole { entries: all, totals, entry_count } = self.whole(customer_id).await?;
            let is_behind = |entry: &Entry| page.after.is_none_or(|after| (entry.added_at, entry.option_id) < after);
            let mut listed: Vec<_> = all.into_iter().filter(is_behind).collect();
            let next_page_token = page.cut(&mut listed, |last| (last.added_at.micros(), last.option_id.to_string()));
            Ok(api::ListWishlistEntriesResponse {
                entries: listed.iter().map(shown).collect::<Result<_, _>>()?,
                next_page_token,
                totals,
                entry_count,
            })
        })
        .await
    }

    async fn get_wishlist_of_customer(
        &self,
        request: Request<api::GetWishlistOfCustomerRequest>,
    ) -> Result<Response<api::GetWishlistOfCustomerResponse>, Status> {
        answer::to(NAME, async {
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let customer_id = fields.id("customer_id", &request.customer_id);
            let limit = fields.page_size(request.page_size).and_then(|limit| usize::try_from(limit).ok());
            let (Some(customer_id), Some(limit)) = (customer_id, limit) else { return Err(fields.refuse()) };
            let Whole { entries, totals, entry_count } = self.whole(customer_id).await?;
            let entries = entries.iter().take(limit).map(shown).collect::<Result<_, _>>()?;
            Ok(api::GetWishlistOfCustomerResponse { entries, totals, entry_count })
        })
        .await
    }

    async fn update_wishlist_entry(
        &self,
        request: Request<api::UpdateWishlistEntryRequest>,
    ) -> Result<Response<api::UpdateWishlistEntryResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, option_id, quantity) = pieces(&request.request_id, &request.option_id, request.quantity)?;
            let key = once::key(&caller, "UpdateWishlistEntry", request_id, &request);
            self.change(customer_id, key, async move |tx: &mut Tx| {
                let entry = wishlist::update(tx, customer_id, option_id, quantity).await?;
                Ok(api::UpdateWishlistEntryResponse { entry: Some(shown(&entry)?) })
            })
            .await
        })
        .await
    }

    async fn remove_wishlist_entry(
        &self,
        request: Request<api::RemoveWishlistEntryRequest>,
    ) -> Result<Response<api::RemoveWishlistEntryResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let (request_id, option_id) =
                Fields::request_about(NAME, &request.request_id, ("option_id", &request.option_id))?;
            let key = once::key(&caller, "RemoveWishlistEntry", request_id, &request);
            self.change(customer_id, key, async move |tx: &mut Tx| {
                wishlist::remove(tx, customer_id, option_id).await?;
                Ok(api::RemoveWishlistEntryResponse {})
            })
            .await
        })
        .await
    }

    async fn clear_wishlist(
        &self,
        request: Request<api::ClearWishlistRequest>,
    ) -> Result<Response<api::ClearWishlistResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let customer_id = caller.account()?.account_id;
            let request = request.into_inner();
            let request_id = Fields::only_id(NAME, "request_id", &request.request_id)?;
            let key = once::key(&caller, "ClearWishlist", request_id, &request);
            self.change(customer_id, key, async move |tx: &mut Tx| {
                let removed = wishlists::clear(tx, customer_id).await?;
                Ok(api::ClearWishlistResponse { removed_entries: i64::try_from(removed).unwrap_or(i64::MAX) })
            })
            .await
        })
        .await
    }
}

/// All of a list, the latest added first, and what it costs.
struct Whole {
    entries: Vec<Entry>,
    totals: Vec<common::Money>,
    entry_count: i64,
}

impl Wishlists {
    async fn whole(&self, customer_id: AccountId) -> Result<Whole, Failure> {
        let unit = async move |tx: &mut Tx| Ok(wishlists::list(tx, customer_id).await?);
        let entries = reading(&self.context, unit).await?;
        let totals = rules::totals(&entries).map_err(does_not_fit)?.into_iter().map(wire::money).collect();
        let entry_count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        Ok(Whole { entries, totals, entry_count })
    }

    /// Runs a unit about one customer's list, once for each request.
    async fn change<M: prost::Message + Default + 'static>(
        &self,
        customer_id: AccountId,
        key: Key,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<M, Failure> + Send + 'static,
    ) -> Result<M, Failure> {
        let (now, locked) = (self.context.clock.now(), [LockKey::of(customer_id)]);
        once::write_locking(&self.context.store, locked, key, now, unit).await
    }
}

/// Reads which pieces a request is about.
fn pieces(request_id: &str, option_id: &str, quantity: i64) -> Result<(RequestId, OptionId, i64), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(request_id);
    let option_id = fields.id("option_id", option_id);
    let quantity = fields.count("quantity", quantity, 1..=rules::MOST_PIECES);
    let (Some(request_id), Some(option_id), Some(quantity)) = (request_id, option_id, quantity) else {
        return Err(fields.refuse());
    };
    Ok((request_id, option_id, quantity))
}

/// Reads a place as page tokens carry it: microseconds of the moment of adding, option.
fn place((added_at, option_id): (i64, String)) -> Option<(Moment, OptionId)> {
    Some((Moment::from_micros(added_at), option_id.parse().ok()?))
}

/// Prices and quantities are bounded, so that amounts fit.
fn does_not_fit(error: MoneyError) -> Failure {
    Failure::broken(error.to_string())
}

fn shown(entry: &Entry) -> Result<api::WishlistEntry, Failure> {
    let (state, unit_price, available) = match entry.standing {
        Standing::OnOffer { unit_price, available } => (api::WishlistEntryState::OnOffer, Some(unit_price), available),
        Standing::OptionGone => (api::WishlistEntryState::OptionGone, None, 0),
        Standing::ItemGone => (api::WishlistEntryState::ItemGone, None, 0),
    };
    Ok(api::WishlistEntry {
        option_id: entry.option_id.to_string(),
        item_id: entry.item_id.to_string(),
        store_id: entry.store_id.to_string(),
        item_name: entry.item_name.clone(),
        option_name: entry.option_name.clone(),
        thumbnail_url: entry.thumbnail_url.clone(),
        quantity: entry.quantity,
        state: state.into(),
        unit_price: unit_price.map(wire::money),
        price: entry.price().map_err(does_not_fit)?.map(wire::money),
        available,
        added_at: Some(wire::timestamp(entry.added_at)),
    })
}
