//! Showing a cart: as the catalogue is now, and what its customer was not told of that yet.

use std::collections::HashMap;

use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_store::{LockKey, Tx};

use crate::domain::{Cart, CartChange, Sight};
use crate::orders::Orders;
use crate::participants::Setback;
use crate::store::carts;

/// A cart as it is shown.
pub(crate) struct ShownCart {
    pub(crate) cart: Cart,
    pub(crate) changes: Vec<(OptionId, CartChange)>,
    /// Whether the catalogue was asked.
    pub(crate) compared: bool,
}

impl Orders {
    /// The customer's cart, compared with the catalogue; without that, when item does not answer, because a shop has to show a cart
    /// whatever else it cannot do. Tells what was found since `seen_revision`, or else what this look finds.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn show_cart(
        &self,
        customer_id: AccountId,
        seen_revision: Option<i64>,
    ) -> Result<ShownCart, Failure> {
        let kept = self.kept_cart(customer_id).await?;
        let option_ids: Vec<_> = kept.lines().map(|line| line.option_id).collect();
        let sights = match self.look_up(&option_ids).await {
            Ok(sights) => sights,
            Err(setback) => {
                tracing::warn!(?setback, "a cart is shown without a look at the catalogue");
                let changes = kept.changes_since(seen_revision.unwrap_or(kept.revision));
                return Ok(ShownCart { cart: kept, changes, compared: false });
            }
        };
        let mut looked = kept.clone();
        looked.look(&sights);
        // A healthy cart is read and not written.
        let (before, cart) =
            if looked == kept { (kept.revision, looked) } else { self.look_again(customer_id, sights).await? };
        let changes = cart.changes_since(seen_revision.unwrap_or(before));
        Ok(ShownCart { cart, changes, compared: true })
    }

    async fn look_again(
        &self,
        customer_id: AccountId,
        sights: HashMap<OptionId, Sight>,
    ) -> Result<(i64, Cart), Failure> {
        let now = self.now();
        let unit = async move |tx: &mut Tx| {
            let look = |cart: &mut Cart| {
                let before = cart.revision;
                cart.look(&sights);
                Ok((before, cart.clone()))
            };
            carts::change(tx, customer_id, now, look).await
        };
        self.context.store.write_locking([LockKey::of(customer_id)], unit).await
    }

    /// What the catalogue says of these options, unless it takes longer than a cart waits for it.
    pub(crate) async fn look_up(&self, option_ids: &[OptionId]) -> Result<HashMap<OptionId, Sight>, Setback> {
        self.participants.look_up(option_ids, self.wait_until(self.config.compare_timeout())).await
    }

    async fn kept_cart(&self, customer_id: AccountId) -> Result<Cart, Failure> {
        self.context.store.read(async move |tx: &mut Tx| Ok(carts::load(tx, customer_id).await?)).await
    }
}

/// Nothing of a cart can be ordered or added to while item does not answer.
pub(crate) fn unanswered(setback: Setback) -> Failure {
    match setback {
        Setback::Refused(refusal) => Failure::broken(format!("item refuses to show options: {refusal}")),
        Setback::Unanswered(error) => Failure::Unavailable(error.into()),
        Setback::Unresolved => Failure::broken("item has nothing to resolve"),
    }
}
