//! Confirming a draft: it becomes an order. What follows is placing an order, by the same code.

use std::sync::Arc;

use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_store::Tx;
use bojagi_store::idempotency::Key;

use crate::domain::{Draft, Line, MadeOf, NewOrder, Order};
use crate::edit_draft::own_draft;
use crate::orders::Orders;
use crate::place_order::placed_before;

/// A draft that a customer wants to order.
pub(crate) struct Confirmation {
    pub(crate) customer_id: AccountId,
    pub(crate) draft_id: OrderId,
    /// The draft as it was shown.
    pub(crate) seen_version: i64,
}

impl Orders {
    /// Orders the draft, if it is as its customer saw it. `made_of` makes the order of it. The draft is gone in the commit that stores
    /// the order, which looks at it once more.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `ORDER_NOT_DRAFT`, `DRAFT_CHANGED`, `DRAFT_EMPTY`; what `made_of` and [`place`](Orders::place) refuse.
    pub(crate) async fn confirm_draft(
        &self,
        wanted: &Confirmation,
        key: Key,
        waits: bool,
        made_of: impl FnOnce(&Draft) -> Result<NewOrder, Failure>,
    ) -> Result<Arc<Order>, Failure> {
        let (customer_id, draft_id, request) = (wanted.customer_id, wanted.draft_id, key.clone());
        // One snapshot: the draft is never gone without the order that it became.
        let read = async move |tx: &mut Tx| match placed_before(tx, &request).await? {
            Some(order_id) => Ok(Err(order_id)),
            None => Ok::<_, Failure>(Ok(own_draft(tx, customer_id, draft_id).await?)),
        };
        let draft = match self.context.store.read(read).await? {
            Ok(draft) => draft,
            Err(order_id) => return self.join(order_id, waits, self.answer_at()).await,
        };
        draft.may_be_confirmed(wanted.seen_version)?;
        let new = made_of(&draft)?;
        let lines = new.lines.into_iter().zip(&draft.lines).map(|(line, drafted)| Line { id: drafted.id, ..line });
        let (lines, made_of) = (lines.collect(), MadeOf::Draft { id: draft.id, version: draft.version });
        self.place(NewOrder { lines, made_of, ..new }, key, waits).await
    }
}
