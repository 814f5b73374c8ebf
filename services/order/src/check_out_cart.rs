//! Checking out: lines of the cart become an order. What follows is placing an order, by the same code.

use std::sync::Arc;

use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OptionId, OrderId};
use bojagi_store::Tx;
use bojagi_store::idempotency::Key;
use tokio::sync::OwnedSemaphorePermit;

use crate::domain::{Cart, CartLine, CartPart, MadeOf, NewOrder, Order};
use crate::orders::Orders;
use crate::place_order::placed_before;
use crate::show_cart::unanswered;
use crate::store::carts;

/// What a customer wants to order of a cart.
pub(crate) struct CheckOut {
    pub(crate) customer_id: AccountId,
    /// The cart as it was shown.
    pub(crate) seen_revision: i64,
    /// The lines; all when there is none.
    pub(crate) option_ids: Vec<OptionId>,
}

/// What a check-out comes to.
enum Ready {
    /// These lines may be ordered, and there is room for that.
    Now(Vec<CartLine>, OwnedSemaphorePermit),
    /// The request came before.
    Before(OrderId),
}

impl Orders {
    /// Orders lines of the cart if the customer knows all that the catalogue says of them. `made_of` makes the order of its lines.
    /// They leave the cart in the commit that stores it.
    ///
    /// # Errors
    /// `CART_CHANGED`, `CART_LINE_NOT_FOUND`, `CART_LINE_NOT_AVAILABLE`, `CART_EMPTY`; unavailable when item does not answer; what
    /// `made_of` and [`place`](Orders::place) refuse.
    pub(crate) async fn check_out(
        &self,
        wanted: &CheckOut,
        key: Key,
        waits: bool,
        made_of: impl FnOnce(&[CartLine]) -> Result<NewOrder, Failure>,
    ) -> Result<Arc<Order>, Failure> {
        let (lines, room) = match self.ready(wanted, &key).await? {
            Ready::Now(lines, room) => (lines, room),
            Ready::Before(order_id) => return self.join(order_id, waits, self.answer_at()).await,
        };
        let option_ids = lines.iter().map(|line| line.option_id).collect();
        let part = CartPart { revision: wanted.seen_revision, option_ids };
        let new = NewOrder { made_of: MadeOf::Cart(part), ..made_of(&lines)? };
        self.place_in(room, new, key, waits).await
    }

    async fn ready(&self, wanted: &CheckOut, key: &Key) -> Result<Ready, Failure> {
        let (customer_id, request) = (wanted.customer_id, key.clone());
        // One snapshot: a cart without the lines is never seen without the order that they are in.
        let read = async move |tx: &mut Tx| match placed_before(tx, &request).await? {
            Some(order_id) => Ok(Err(order_id)),
            None => Ok::<_, Failure>(Ok(carts::load(tx, customer_id).await?)),
        };
        match self.context.store.read(read).await? {
            Err(order_id) => Ok(Ready::Before(order_id)),
            Ok(cart) => {
                // Before item is asked, which is to be spared of what cannot be placed.
                let room = self.room_for_one()?;
                match self.judge(wanted, &cart).await {
                    Ok(lines) => Ok(Ready::Now(lines, room)),
                    Err(failure) => self.unless_placed_meanwhile(key, failure).await,
                }
            }
        }
    }

    async fn judge(&self, wanted: &CheckOut, cart: &Cart) -> Result<Vec<CartLine>, Failure> {
        let lines = cart.to_order(wanted.seen_revision, &wanted.option_ids)?;
        let option_ids: Vec<_> = lines.iter().map(|line| line.option_id).collect();
        let sights = self.look_up(&option_ids).await.map_err(unanswered)?;
        cart.may_order(&lines, &sights)?;
        Ok(lines)
    }

    /// The same request may be under way a second time, and its order hold the last pieces: what speaks against another order
    /// does not speak against this one.
    async fn unless_placed_meanwhile(&self, key: &Key, failure: Failure) -> Result<Ready, Failure> {
        let request = key.clone();
        let placed = self.context.store.read(async move |tx: &mut Tx| placed_before(tx, &request).await).await?;
        placed.map(Ready::Before).ok_or(failure)
    }
}
