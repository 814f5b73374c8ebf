//! Editing a draft: one unit each, idempotent, under the customer's lock, so that two devices at once come one after the other.

use bojagi_api::order as api;
use bojagi_chassis::once;
use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OrderId, OrderLineId};
use bojagi_store::idempotency::Key;
use bojagi_store::{LockKey, Tx};

use crate::domain::{Draft, DraftLine, LineEdit, OrderRefusal};
use crate::orders::Orders;
use crate::store::{self, drafts};
use crate::wire;

impl Orders {
    /// Begins a draft with these lines.
    ///
    /// # Errors
    /// `DRAFT_OPEN`, `ACCOUNT_NOT_ACTIVE`, `CURRENCY_MISMATCH`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn create_draft(
        &self,
        customer_id: AccountId,
        lines: Vec<DraftLine>,
        key: Key,
    ) -> Result<api::CreateDraftResponse, Failure> {
        let (now, locked) = (self.now(), [LockKey::of(customer_id)]);
        once::write_locking(&self.context.store, locked, key, now, async move |tx: &mut Tx| {
            // The draft of a closed account is gone, and stays so. Whoever blocks an account locks the store.
            if store::is_blocked(tx, customer_id).await? {
                return Err(OrderRefusal::AccountNotActive.into());
            }
            if let Some(Draft { id: order_id, .. }) = drafts::of_customer(tx, customer_id).await? {
                return Err(OrderRefusal::DraftOpen { order_id }.into());
            }
            let draft = Draft::begin(customer_id, lines, now)?;
            drafts::insert(tx, &draft).await?;
            Ok(api::CreateDraftResponse { order: Some(wire::draft(&draft)) })
        })
        .await
    }

    /// Adds or replaces a line.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `ORDER_NOT_DRAFT`, `ORDER_LINE_NOT_FOUND`, `DRAFT_FULL`, `CURRENCY_MISMATCH`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn update_draft_line(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
        edit: LineEdit,
        key: Key,
    ) -> Result<api::UpdateDraftLineResponse, Failure> {
        let answer = |draft: &Draft| api::UpdateDraftLineResponse { order: Some(wire::draft(draft)) };
        self.edit_draft(customer_id, order_id, edit, key, answer).await
    }

    /// Takes a line out.
    ///
    /// # Errors
    /// `ORDER_NOT_FOUND`, `ORDER_NOT_DRAFT`, `ORDER_LINE_NOT_FOUND`, `IDEMPOTENCY_KEY_REUSED`.
    pub(crate) async fn remove_draft_line(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
        line_id: OrderLineId,
        key: Key,
    ) -> Result<api::RemoveDraftLineResponse, Failure> {
        let answer = |draft: &Draft| api::RemoveDraftLineResponse { order: Some(wire::draft(draft)) };
        self.edit_draft(customer_id, order_id, LineEdit::Remove(line_id), key, answer).await
    }

    async fn edit_draft<M>(
        &self,
        customer_id: AccountId,
        order_id: OrderId,
        edit: LineEdit,
        key: Key,
        answer: impl FnOnce(&Draft) -> M + Send + 'static,
    ) -> Result<M, Failure>
    where
        M: prost::Message + Default + 'static,
    {
        let (now, locked) = (self.now(), [LockKey::of(customer_id)]);
        once::write_locking(&self.context.store, locked, key, now, async move |tx: &mut Tx| {
            let mut draft = own_draft(tx, customer_id, order_id).await?;
            draft.edit(&edit)?;
            drafts::save(tx, &draft, &edit, now).await?;
            Ok(answer(&draft))
        })
        .await
    }
}

/// The customer's draft of this id.
///
/// # Errors
/// `ORDER_NOT_DRAFT` for one of their orders, and for the draft that one was; `ORDER_NOT_FOUND`, also for what is somebody else's.
pub(crate) async fn own_draft(tx: &mut Tx, customer_id: AccountId, order_id: OrderId) -> Result<Draft, Failure> {
    if let Some(draft) = drafts::of_customer(tx, customer_id).await?.filter(|draft| draft.id == order_id) {
        return Ok(draft);
    }
    let placed = drafts::order_of(tx, order_id).await?.unwrap_or(order_id);
    let order = store::load(tx, placed).await?.filter(|order| order.customer_id == customer_id);
    let refusal = match order {
        Some(order) => OrderRefusal::OrderNotDraft { order_id: order.id, state: order.life },
        None => OrderRefusal::OrderNotFound { order_id },
    };
    Err(refusal.into())
}
