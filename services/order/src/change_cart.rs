//! Changing a cart: one unit each, idempotent, under the customer's lock. Two devices at once come one after the other.

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{LockKey, Tx};

use crate::domain::{Cart, Offer, OrderRefusal, Sight};
use crate::orders::Orders;
use crate::show_cart::unanswered;
use crate::store::carts;
use crate::{store, wire};

impl Orders {
    /// Puts pieces of an option in.
    ///
    /// # Errors
    /// `OPTION_NOT_FOUND`, `CART_QUANTITY_LIMIT`, `CART_FULL`, `ACCOUNT_NOT_ACTIVE`, `IDEMPOTENCY_KEY_REUSED`; unavailable when item
    /// does not answer.
    pub(crate) async fn add_cart_line(
        &self,
        customer_id: AccountId,
        option_id: OptionId,
        quantity: i64,
        key: Key,
    ) -> Result<api::AddCartLineResponse, Failure> {
        let offer = match self.offer_for(option_id, &key).await {
            // The same request may be under way a second time, and what speaks against another one not against this.
            Err(_) if self.was_answered(&key).await? => None,
            offer => offer?,
        };
        let (now, locked) = (self.now(), [LockKey::of(customer_id)]);
        once::write_locking(&self.context.store, locked, key, now, async move |tx: &mut Tx| {
            // The cart of a closed account is gone, and stays so. Whoever blocks an account locks the store.
            if store::is_blocked(tx, customer_id).await? {
                return Err(OrderRefusal::AccountNotActive.into());
            }
            carts::change(tx, customer_id, now, |cart| {
                let offer = offer.ok_or_else(|| Failure::broken("a request that came before is new"))?;
                cart.add(option_id, quantity, offer)?;
                Ok(api::AddCartLineResponse { line: cart.line(option_id).map(wire::cart::line) })
            })
            .await
        })
        .await
    }

    /// What the catalogue offers; nothing is asked for a request that was answered before.
    async fn offer_for(&self, option_id: OptionId, key: &Key) -> Result<Option<Offer>, Failure> {
        if self.was_answered(key).await? {
            return Ok(None);
        }
        let mut sights = self.look_up(&[option_id]).await.map_err(unanswered)?;
        match sights.remove(&option_id) {
            Some(Sight::OnOffer(offer)) => Ok(Some(offer)),
            _ => Err(OrderRefusal::OptionNotFound { option_id }.into()),
        }
    }

    async fn was_answered(&self, key: &Key) -> Result<bool, Failure> {
        let request = key.clone();
        let recalled = async move |tx: &mut Tx| Ok::<_, Failure>(idempotency::recall(tx, &request).await?);
        Ok(self.context.store.read(recalled).await? != Recalled::New)
    }

    /// Sets the quantity of a line; of the cart that the customer saw, if they say which.
    ///
    /// # Errors
    /// `CART_LINE_NOT_FOUND`, `CART_CHANGED`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn update_cart_line(
        &self,
        customer_id: AccountId,
        (option_id, quantity): (OptionId, i64),
        seen_revision: Option<i64>,
        key: Key,
    ) -> Result<api::UpdateCartLineResponse, Failure> {
        self.change_cart(customer_id, key, move |cart| {
            seen_revision.map_or(Ok(()), |seen| cart.must_be_at(seen))?;
            cart.update(option_id, quantity)?;
            Ok(api::UpdateCartLineResponse { line: cart.line(option_id).map(wire::cart::line) })
        })
        .await
    }

    /// Takes lines out.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn remove_cart_lines(
        &self,
        customer_id: AccountId,
        option_ids: Vec<OptionId>,
        key: Key,
    ) -> Result<api::RemoveCartLinesResponse, Failure> {
        self.change_cart(customer_id, key, move |cart| {
            cart.remove(&option_ids);
            Ok(api::RemoveCartLinesResponse {})
        })
        .await
    }

    /// Takes everything out.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn clear_cart(&self, customer_id: AccountId, key: Key) -> Result<api::ClearCartResponse, Failure> {
        self.change_cart(customer_id, key, |cart| {
            cart.clear();
            Ok(api::ClearCartResponse {})
        })
        .await
    }

    async fn change_cart<M>(
        &self,
        customer_id: AccountId,
        key: Key,
        change: impl FnOnce(&mut Cart) -> Result<M, Failure> + Send + 'static,
    ) -> Result<M, Failure>
    where
        M: prost::Message + Default + 'static,
    {
        let (now, locked) = (self.now(), [LockKey::of(customer_id)]);
        once::write_locking(&self.context.store, locked, key, now, async move |tx: &mut Tx| {
            carts::change(tx, customer_id, now, change).await
        })
        .await
    }
}
