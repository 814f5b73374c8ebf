//! Puts a gateway together from its configuration alone.
//!
//! What has not changed since the last time is taken over, so that a reload loses no connection to a server and nothing that is known about
//! its health; and the keys of a source that is still named hold on, whatever else has changed about tokens.

use std::path::Path;
use std::sync::Arc;

use crate::auth::AuthMode;
use crate::cluster::{Cluster, ClusterConfig, ClusterPorts};
use crate::config::GatewayConfig;
use crate::config_errors::ConfigMistake;
use crate::gateway::{Gateway, GatewayBuilder};
use crate::jwks::{JwksAuthenticator, JwksConfig};
use crate::policies::{Policies, PoliciesConfig};
use crate::routes::RouteConfig;
use crate::tls::UpstreamTls;

/// A gateway that can be built, unless there are problems.
pub(super) struct Assembled {
    pub(super) builder: GatewayBuilder,
    pub(super) parts: Parts,
    /// What is wrong with files that the configuration names. What is wrong with the configuration itself is told by the builder.
    pub(super) problems: Vec<ConfigMistake>,
}

/// The parts of a gateway that live longer than it, if the next one can use them.
#[derive(Default)]
pub(super) struct Parts {
    clusters: Vec<(ClusterPlan, Cluster)>,
    authenticator: Option<(AuthenticatorPlan, Arc<JwksAuthenticator>)>,
}

/// All that an authenticator is made of.
#[derive(PartialEq)]
struct AuthenticatorPlan {
    config: JwksConfig,
    /// What is in the files that it names, where they can be read.
    files: Vec<Option<Vec<u8>>>,
}

/// All that a cluster is made of.
#[derive(PartialEq)]
struct ClusterPlan {
    endpoints: Vec<String>,
    config: ClusterConfig,
    tls: Option<UpstreamTls>,
}

pub(super) fn assemble(config: GatewayConfig, previous: &Parts) -> Assembled {
    let mut problems = Vec::new();
    if config.routes.is_empty() {
        problems.push(ConfigMistake::new("routes", "are missing: name at least one"));
    }
    let policies = read_policies(&config.policies).unwrap_or_else(|told| {
        problems.extend(told);
        Policies::default()
    });
    let plans: Vec<_> = config.routes.iter().enumerate().map(|(index, route)| plan(index, route)).collect();

    let is_sound = problems.is_empty() && config.mistakes().is_empty() && plans.iter().all(Result::is_ok);
    let mut builder = Gateway::builder(config.clone()).policies(if config.auth.mode == AuthMode::Off {
        policies.without_tokens()
    } else {
        policies
    });
    let mut parts = Parts::default();
    if config.auth.mode == AuthMode::Jwks && is_sound {
        match parts.authenticator(&config.auth.jwks, previous) {
            Ok(authenticator) => builder = builder.authenticator(authenticator),
            Err(told) => problems.extend(told),
        }
    }
    for (route, plan) in config.routes.into_iter().zip(plans) {
        let cluster = match plan {
            // Nothing is connected to for the sake of a configuration that will not come into force.
            Ok(plan) if is_sound => parts.cluster(plan, previous),
            Ok(_) => continue,
            Err(problem) => Err(vec![problem]),
        };
        match cluster {
            Ok(cluster) => builder = builder.cluster_route(route, cluster),
            Err(told) => problems.extend(told),
        }
    }
    Assembled { builder, parts, problems }
}

fn read_policies(config: &PoliciesConfig) -> Result<Policies, Vec<ConfigMistake>> {
    let told = |path: &Path, problem: String| {
        let lines = problem
            .lines()
            .map(|line| ConfigMistake::new("policies.descriptor_set", format!("{}: {line}", path.display())));
        lines.collect::<Vec<_>>()
    };
    let path = &config.descriptor_set;
    if path.as_os_str().is_empty() {
        return Policies::configured(config, None).map_err(|error| told(path, error.to_string()));
    }
    let descriptor_set = std::fs::read(path).map_err(|error| told(path, error.to_string()))?;
    Policies::configured(config, Some(&descriptor_set)).map_err(|error| told(path, error.to_string()))
}

fn plan(index: usize, route: &RouteConfig) -> Result<ClusterPlan, ConfigMistake> {
    let needs_tls = route.endpoints.iter().any(|endpoint| endpoint.starts_with("https://"));
    let tls = needs_tls.then(|| UpstreamTls::read(&route.upstream_tls, &format!("routes[{index}].upstream_tls")));
    Ok(ClusterPlan { endpoints: route.endpoints.clone(), config: route.upstreams.clone(), tls: tls.transpose()? })
}

impl Parts {
    /// The authenticator of this configuration, taken over if there is one.
    fn authenticator(
        &mut self,
        config: &JwksConfig,
        previous: &Self,
    ) -> Result<Arc<JwksAuthenticator>, Vec<ConfigMistake>> {
        let files = config.files().map(|file| std::fs::read(file).ok()).collect();
        let plan = AuthenticatorPlan { config: config.clone(), files };
        let authenticator = match &previous.authenticator {
            Some((known, authenticator)) if *known == plan => Arc::clone(authenticator),
            others => {
                let before = others.as_ref().map(|(_, authenticator)| authenticator.as_ref());
                let next = JwksAuthenticator::after(before, config, "auth.jwks");
                Arc::new(next.map_err(|errors| errors.mistakes().to_vec())?)
            }
        };
        self.authenticator = Some((plan, Arc::clone(&authenticator)));
        Ok(authenticator)
    }

    /// The cluster of this plan, taken over if there is one.
    fn cluster(&mut self, plan: ClusterPlan, previous: &Self) -> Result<Cluster, Vec<ConfigMistake>> {
        let known = self.clusters.iter().chain(&previous.clusters).find(|(known, _)| *known == plan);
        let cluster = match known {
            Some((_, cluster)) => cluster.clone(),
            None => {
                let mut ports = ClusterPorts::default();
                if let Some(tls) = &plan.tls {
                    ports.connector = Arc::new(tls.clone());
                }
                Cluster::new(&plan.endpoints, plan.config.clone(), ports)
                    .map_err(|errors| errors.mistakes().to_vec())?
            }
        };
        self.clusters.push((plan, cluster.clone()));
        Ok(cluster)
    }
}
