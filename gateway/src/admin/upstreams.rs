//! The servers behind the routes, as metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Operated;
use crate::cluster::{ClusterStatus, EndpointConnection, EndpointHealth, EndpointStatus};

/// Counts what the clusters know when somebody asks. The labels are routes and endpoints of the configuration.
pub(super) struct UpstreamMetrics {
    operated: Arc<dyn Operated>,
}

impl UpstreamMetrics {
    pub(super) fn new(operated: Arc<dyn Operated>) -> Self {
        Self { operated }
    }
}

/// A metric of endpoints: name, help, and how it is read.
type OfEndpoint = (&'static str, &'static str, fn(&EndpointStatus) -> u64);

const GAUGES: [OfEndpoint; 4] = [
    ("in_flight", "Calls that run at an endpoint", |endpoint| endpoint.in_flight as u64),
    ("connections", "Connections to an endpoint", |endpoint| endpoint.connections as u64),
    ("usable", "Whether an endpoint is connected, not NOT_SERVING and not ejected", |endpoint| {
        u64::from(is_usable(endpoint))
    }),
    ("ejected", "Whether an endpoint is ejected", |endpoint| u64::from(endpoint.ejected_for_ms.is_some())),
];
const COUNTERS: [OfEndpoint; 3] = [
    ("calls", "Calls that were sent to an endpoint", |endpoint| endpoint.calls),
    ("failures", "Calls that an endpoint failed, by the true status", |endpoint| endpoint.failures),
    ("ejections", "Times that an endpoint was ejected", |endpoint| endpoint.ejections),
];

fn is_usable(endpoint: &EndpointStatus) -> bool {
    endpoint.connection == EndpointConnection::Connected
        && endpoint.health != EndpointHealth::NotServing
        && endpoint.ejected_for_ms.is_none()
}

impl Collector for UpstreamMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let clusters = self.operated.upstreams();
        for (name, help, read) in GAUGES {
            let name = format!("bojagi_gateway_endpoint_{name}");
            let kind = ConstGauge::new(0_u64).metric_type();
            let mut family = encoder.encode_descriptor(&name, help, None, kind)?;
            for (route, endpoint) in endpoints(&clusters) {
                ConstGauge::new(read(endpoint)).encode(family.encode_family(&labels(route, endpoint))?)?;
            }
        }
        for (name, help, read) in COUNTERS {
            let name = format!("bojagi_gateway_endpoint_{name}");
            let kind = ConstCounter::new(0_u64).metric_type();
            let mut family = encoder.encode_descriptor(&name, help, None, kind)?;
            for (route, endpoint) in endpoints(&clusters) {
                ConstCounter::new(read(endpoint)).encode(family.encode_family(&labels(route, endpoint))?)?;
            }
        }
        let help = "Whether so few endpoints of a route are usable that health and ejections are ignored";
        let kind = ConstGauge::new(0_u64).metric_type();
        let mut family = encoder.encode_descriptor("bojagi_gateway_route_panicking", help, None, kind)?;
        for (route, cluster) in &clusters {
            let panicking = ConstGauge::new(u64::from(cluster.panicking));
            panicking.encode(family.encode_family(&[("route", route.as_str())])?)?;
        }
        Ok(())
    }
}

fn endpoints(clusters: &BTreeMap<String, ClusterStatus>) -> impl Iterator<Item = (&str, &EndpointStatus)> {
    clusters.iter().flat_map(|(route, cluster)| cluster.endpoints.iter().map(|endpoint| (route.as_str(), endpoint)))
}

fn labels<'s>(route: &'s str, endpoint: &'s EndpointStatus) -> [(&'static str, &'s str); 3] {
    [("route", route), ("authority", &endpoint.authority), ("address", &endpoint.address)]
}

impl fmt::Debug for UpstreamMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamMetrics").finish_non_exhaustive()
    }
}
