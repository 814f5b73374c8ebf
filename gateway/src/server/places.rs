//! Who may open one more connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::gateway::Gateway;
use crate::metrics::Present;
use crate::rate_limits::network_of;

/// The open connections by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of a connection, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken_from: Option<(Places, IpAddr)>,
    _counted: Present,
}

impl Places {
    /// A place for a connection from `peer`, when `open` connections there are already; `None` if that is too many.
    pub(super) fn take(&self, gateway: &Gateway, peer: IpAddr, open: usize) -> Option<Place> {
        let config = &gateway.config.connections;
        if open >= config.max {
            tracing::warn!(max = config.max, "a connection was closed: there are too many");
            gateway.metrics.connection_refused("max");
            return None;
        }
        let limited = config.max_per_address > 0 && !gateway.proxies.trusts(peer.to_canonical());
        let address = limited.then(|| network_of(peer.to_canonical()));
        if let Some(address) = address
            && !self.enter(address, config.max_per_address)
        {
            tracing::warn!(%peer, max = config.max_per_address, "a connection was closed: there are too many from its address");
            gateway.metrics.connection_refused("max_per_address");
            return None;
        }
        let taken_from = address.map(|address| (self.clone(), address));
        Some(Place { taken_from, _counted: gateway.metrics.connection() })
    }

    fn enter(&self, address: IpAddr, max: usize) -> bool {
        let mut by_address = self.by_address.lock();
        let open = by_address.entry(address).or_default();
        let fits = *open < max;
        *open += usize::from(fits);
        fits
    }

    fn leave(&self, address: IpAddr) {
        let mut by_address = self.by_address.lock();
        if let Some(open) = by_address.get_mut(&address) {
            *open -= 1;
            if *open == 0 {
                by_address.remove(&address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((places, address)) = self.taken_from.take() {
            places.leave(address);
        }
    }
}
