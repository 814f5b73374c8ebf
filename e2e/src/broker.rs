//! The shops of the tests over a real broker.

use std::path::Path;

use bojagi::MeshSettings;

/// Names a broker as host:port, over which the facts of every shop then travel.
const VARIABLE: &str = "BOJAGI_TEST_KAFKA";

/// A part of a broker for one shop alone.
#[derive(Debug)]
pub struct Broker {
    /// Where the broker is, as host:port.
    pub bootstrap: String,
    /// What the names of the shop's topics begin with.
    pub prefix: String,
}

impl Broker {
    /// The part for the shop in `folder`, which finds it again when it opens again; nothing without a broker.
    pub(crate) fn for_shop_in(folder: &Path) -> Option<Self> {
        let bootstrap = std::env::var(VARIABLE).ok()?;
        let name = folder.file_name()?.to_string_lossy();
        Some(Self { bootstrap, prefix: format!("{}.", name.trim_start_matches('.')) })
    }

    pub(crate) fn carries_facts_of(&self, settings: &mut MeshSettings) {
        settings.kafka.bootstrap.clone_from(&self.bootstrap);
        settings.kafka.prefix.clone_from(&self.prefix);
        settings.kafka.partitions = 2;
    }
}
