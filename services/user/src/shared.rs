//! What the use cases share.

use std::sync::Arc;

use bojagi_chassis::Pager;
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{Error, LockKey, Store, Tx};

use crate::config::Config;
use crate::hashing::Hasher;
use crate::limits::Limits;
use crate::signing::Keyring;

/// The parts that use cases are made of.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pager: Pager,
    pub(crate) config: Arc<Config>,
    pub(crate) hasher: Hasher,
    pub(crate) limits: Arc<Limits>,
    pub(crate) keyring: Keyring,
}

impl Shared {
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Runs statements that only read; all of them see the same snapshot.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.store.read(unit).await?)
    }

    /// Runs a unit that concerns one account: its sessions, links and addresses. What it revokes it writes last: all revocations
    /// wait for the row that numbers them.
    ///
    /// # Errors
    /// What the unit answers, and what the store says.
    pub(crate) async fn on_account<T: Send + 'static>(
        &self,
        account_id: AccountId,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.store.write_locking([LockKey::of(account_id)], unit).await
    }
}

#[cfg(test)]
pub(crate) mod bench;
