//! Keeping an account's payment methods.

use bojagi_chassis::CommonRefusal;
use bojagi_kernel::id::{AccountId, PaymentMethodId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{Error, LockKey, Tx};

use crate::desk::Desk;
use crate::domain::{MAX_METHODS, PaidWith, PaymentMethod, PaymentRefusal, ProviderToken};
use crate::store::{methods, refused};

impl Desk {
    /// What is known of a request that adds a method.
    pub(crate) async fn recall(&self, key: Key) -> Result<Recalled, Failure> {
        let recalled: Result<_, Error> =
            self.store.read(async move |tx: &mut Tx| idempotency::recall(tx, &key).await).await;
        Ok(recalled?)
    }

    /// Refuses a token that the provider does not know.
    pub(crate) async fn check_token(&self, token: &ProviderToken) -> Result<(), Failure> {
        let asked = tokio::time::timeout(self.provider.patience, self.provider.provider.knows(token)).await;
        match asked {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(PaymentRefusal::ProviderTokenUnknown.into()),
            Ok(Err(failure)) => {
                tracing::warn!(%failure, "the payment provider could not be asked about a token");
                Err(PaymentRefusal::ProviderUnavailable.into())
            }
            Err(_) => Err(PaymentRefusal::ProviderUnavailable.into()),
        }
    }

    /// An account's methods, the default first, then newest first; those after `after`.
    pub(crate) async fn methods(
        &self,
        account_id: AccountId,
        after: Option<(bool, PaymentMethodId)>,
        limit: i64,
    ) -> Result<Vec<PaymentMethod>, Failure> {
        let listed: Result<_, Error> =
            self.store.read(async move |tx: &mut Tx| methods::list(tx, account_id, after, limit).await).await;
        Ok(listed?)
    }

    /// Removes a method.
    pub(crate) async fn remove_method(
        &self,
        account_id: AccountId,
        payment_method_id: PaymentMethodId,
    ) -> Result<(), Failure> {
        self.store
            .write_locking([LockKey::of(account_id)], async move |tx: &mut Tx| {
                if methods::remove(tx, account_id, payment_method_id).await.map_err(refused)? {
                    return Ok(());
                }
                Err(PaymentRefusal::PaymentMethodNotFound { payment_method_id }.into())
            })
            .await
    }

    /// Makes a method the default.
    pub(crate) async fn make_default(
        &self,
        account_id: AccountId,
        payment_method_id: PaymentMethodId,
    ) -> Result<PaymentMethod, Failure> {
        self.store
            .write_locking([LockKey::of(account_id)], async move |tx: &mut Tx| {
                let made = methods::make_default(tx, account_id, payment_method_id).await.map_err(refused)?;
                made.ok_or_else(|| PaymentRefusal::PaymentMethodNotFound { payment_method_id }.into())
            })
            .await
    }
}

/// Adds a method in a unit of work that is under way. The first one of an account becomes its default.
pub(crate) async fn add(
    tx: &mut Tx,
    account_id: AccountId,
    paid_with: PaidWith,
    now: Moment,
) -> Result<PaymentMethod, Failure> {
    // A token outlives its account by a moment; a method would outlive it for ever.
    if methods::is_closed(tx, account_id).await? {
        return Err(CommonRefusal::TokenRevoked.into());
    }
    let (count, has_default) = methods::count(tx, account_id).await?;
    if count >= MAX_METHODS {
        return Err(PaymentRefusal::too_many_methods().into());
    }
    let method = PaymentMethod {
        id: PaymentMethodId::generate(),
        account_id,
        paid_with,
        is_default: !has_default,
        created_at: now,
    };
    methods::insert(tx, &method).await.map_err(refused)?;
    Ok(method)
}
