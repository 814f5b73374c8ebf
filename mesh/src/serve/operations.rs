//! What operators see of a process that serves, and what they can do.

use std::collections::BTreeMap;

use bojagi_gateway::{ClusterStatus, Operated, Readiness};
use serde_json::{Value, json};

use super::closing::{Closing, Stage};
use crate::remote::Remotes;
use crate::settings::{ServeSettings, ServiceSettings};

/// What the door for operators looks at.
pub(super) struct Operations {
    pub(super) readiness: Readiness,
    pub(super) remotes: Remotes,
    pub(super) closing: Closing,
    pub(super) serve: ServeSettings,
    pub(super) services: ServiceSettings,
}

impl Operated for Operations {
    fn is_ready(&self) -> bool {
        self.readiness.is_serving()
    }

    fn upstreams(&self) -> BTreeMap<String, ClusterStatus> {
        self.remotes.status()
    }

    fn config(&self) -> Result<Value, serde_json::Error> {
        Ok(json!({ "serve": serde_json::to_value(&self.serve)?, "services": serde_json::to_value(&self.services)? }))
    }

    fn begin_drain(&self) {
        self.closing.reach(Stage::Asked);
    }
}
