//! The services that the gateway answers itself, for everything behind it: health and reflection. They go through all layers like any
//! other service, so both dialects reach them.

use prost_reflect::DescriptorPool;

use crate::config::GatewayConfig;
use crate::config_errors::ConfigMistake;
use crate::health::{self, Readiness};
use crate::methods::Methods;
use crate::policies::{self, Policies};
use crate::reflection;
use crate::routes::Route;
use crate::upstream::{Upstream, upstream};

/// The contract of the health service.
pub(crate) const HEALTH: &[u8] = tonic_health::pb::FILE_DESCRIPTOR_SET;

/// A service of the gateway itself.
pub(crate) struct OwnService {
    /// The contract, from which the methods are read.
    pub(crate) descriptor_set: &'static [u8],
    pub(crate) upstream: Upstream,
}

/// Adds the gateway's own services to the methods it serves.
pub(crate) fn add(
    methods: &mut Methods,
    policies: &Policies,
    readiness: &Readiness,
    config: &GatewayConfig,
) -> Result<(), ConfigMistake> {
    let health = OwnService { descriptor_set: HEALTH, upstream: upstream(health::service(readiness, methods)) };
    let mut services = vec![health];
    // Without contracts there is nothing to tell; questions go to the services, like any other call.
    if !policies.descriptor_set().is_empty() {
        services.extend(reflection::services(policies.descriptor_set(), methods)?);
    }

    for service in services {
        let pool = DescriptorPool::decode(service.descriptor_set)
            .map_err(|error| ConfigMistake::new("own services", error.to_string()))?;
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let route = Route::new(config.route("/"), service.upstream.clone());
            methods.add(policies::public(&method), route);
        }
    }
    Ok(())
}
