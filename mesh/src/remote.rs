//! The contexts that run in other processes, as this one calls them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bojagi_api::policy::METHODS;
use bojagi_chassis::channel::{Elsewhere, Handler};
use bojagi_gateway::{
    Cluster, ClusterPorts, ClusterStatus, ConfigErrors, GatewayConfig, Policies, RouteConfig, SystemResolver,
};

use crate::database::CONTEXTS;
use crate::identity::Identity;
use crate::mesh::StartError;
use crate::settings::{ServiceSettings, calls};

/// The servers of other contexts, each as one workload of this process calls them.
pub(crate) struct Remotes {
    clusters: Vec<Remote>,
}

struct Remote {
    workload: &'static str,
    context: &'static str,
    cluster: Cluster,
}

impl Remotes {
    /// Begins to connect to every context that one of `workloads` calls and that is not among them.
    ///
    /// # Errors
    /// When the settings name no servers for one of them.
    pub(crate) fn connect(
        settings: &ServiceSettings,
        workloads: &[&'static str],
        identity: &Arc<Identity>,
    ) -> Result<Self, ConfigErrors> {
        let mut clusters = Vec::new();
        for workload in workloads {
            let called = CONTEXTS.iter().map(|(context, _)| *context).filter(|context| calls(workload, context));
            for context in called.filter(|context| !workloads.contains(context)) {
                let connector = identity.connector(workload, context);
                let ports = ClusterPorts { resolver: Arc::new(SystemResolver), connector };
                let cluster = Cluster::new(settings.of(context), settings.upstreams.clone(), ports)?;
                clusters.push(Remote { workload, context, cluster });
            }
        }
        Ok(Self { clusters })
    }

    /// What takes calls of the contexts of this process to the others, by the name of the gRPC service.
    ///
    /// # Errors
    /// When the contracts contradict themselves.
    pub(crate) fn handlers(&self, settings: &ServiceSettings) -> Result<Vec<(&'static str, Handler)>, StartError> {
        let policies = Policies::from_descriptor_set(bojagi_api::FILE_DESCRIPTOR_SET)?;
        let route = RouteConfig { retries: settings.retries, ..GatewayConfig::default().route("/") };
        let mut ways: BTreeMap<&'static str, HashMap<&'static str, Handler>> = BTreeMap::new();
        for Remote { workload, context, cluster } in &self.clusters {
            let client = cluster.client(workload, policies.clone(), route.clone());
            ways.entry(*context).or_default().insert(*workload, client);
        }
        let handlers = ways.into_iter().flat_map(|(context, by_workload)| {
            let elsewhere = Elsewhere::new(by_workload);
            grpc_services(context).map(move |service| (service, Handler::new(elsewhere.clone())))
        });
        Ok(handlers.collect())
    }

    /// The servers of each context, as `workload` calls them.
    pub(crate) fn of(&self, workload: &str) -> impl Iterator<Item = (&'static str, &Cluster)> {
        self.clusters
            .iter()
            .filter(move |remote| remote.workload == workload)
            .map(|remote| (remote.context, &remote.cluster))
    }

    /// How all of them are, for operators.
    pub(crate) fn status(&self) -> BTreeMap<String, ClusterStatus> {
        let named = |remote: &Remote| format!("{} to {}", remote.workload, remote.context);
        self.clusters.iter().map(|remote| (named(remote), remote.cluster.status())).collect()
    }
}

/// The full names of the gRPC services of a context.
fn grpc_services(context: &str) -> impl Iterator<Item = &'static str> + use<> {
    let package = format!("bojagi.{context}.");
    let mut last = "";
    // Methods are sorted by path, so those of a service follow each other.
    METHODS.iter().filter_map(move |method| {
        let service = method.path.split('/').nth(1)?;
        let is_new = service.starts_with(&package) && service != last;
        last = if is_new { service } else { last };
        is_new.then_some(service)
    })
}
