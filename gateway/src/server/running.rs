//! The gateway that a socket serves at the moment, which can be replaced while it runs.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config_errors::ConfigErrors;
use crate::gateway::{Gateway, GatewayBuilder, GatewayService};

/// The gateway that a socket serves at the moment. All clones are one.
#[derive(Clone)]
pub struct RunningGateway {
    current: Arc<ArcSwap<Gateway>>,
}

impl RunningGateway {
    pub(super) fn new(gateway: Gateway) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(gateway)) }
    }

    /// The gateway that serves at the moment.
    #[must_use]
    pub fn gateway(&self) -> Gateway {
        Gateway::clone(&self.current.load())
    }

    /// The service that the next call goes to.
    pub(crate) fn service(&self) -> GatewayService {
        self.current.load().service()
    }

    /// Builds another gateway and puts it in the place of this one. Calls that run go on as they began, on the connections they came by; calls
    /// that come from now on, on whatever connection, go to the new one. How connections are served changes for new connections only.
    ///
    /// # Errors
    /// All mistakes at once; then nothing has changed.
    pub fn replace(&self, builder: GatewayBuilder) -> Result<(), ConfigErrors> {
        let next = builder.build_in_place_of(&self.current.load())?;
        self.current.store(Arc::new(next));
        Ok(())
    }
}

impl fmt::Debug for RunningGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningGateway").field("gateway", &self.current.load()).finish()
    }
}
