//! What the use cases share.

use std::sync::Arc;

use bojagi_chassis::Pager;
use bojagi_kernel::{Clock, Moment};
use bojagi_store::Store;

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
}
