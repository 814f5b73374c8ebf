//! The methods that the gateway serves, by path: each with its policy and its upstream, found with one look.

use std::collections::HashMap;
use std::sync::Arc;

use crate::policies::{Access, MethodPolicy, Policies};
use crate::routes::{Route, Routes};

/// A method that the gateway serves.
pub(crate) struct Method {
    pub(crate) policy: MethodPolicy,
    pub(crate) route: Route,
}

/// A request that was let in, and the method it is for.
pub(crate) struct Call<B> {
    pub(crate) method: Arc<Method>,
    pub(crate) request: http::Request<B>,
}

/// All methods that the gateway serves. What is not in here is unknown to callers, whatever the reason: it does not exist, it is
/// internal, it has no policy, or no route leads to it.
#[derive(Default)]
pub(crate) struct Methods {
    by_path: HashMap<String, Arc<Method>>,
}

impl Methods {
    pub(crate) fn of(policies: &Policies, routes: &Routes) -> Self {
        let mut methods = Self::default();
        for policy in policies.methods().iter().filter(|policy| policy.access != Access::Internal) {
            match routes.find(&policy.path) {
                Some(route) => methods.add(policy.clone(), route.clone()),
                None => tracing::debug!(method = policy.path, "no route leads to the method; it is not served"),
            }
        }
        for path in policies.without_policy() {
            tracing::debug!(method = path.as_str(), "the method has no policy; it is not served");
        }
        methods
    }

    pub(crate) fn add(&mut self, policy: MethodPolicy, route: Route) {
        self.by_path.insert(policy.path.clone(), Arc::new(Method { policy, route }));
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Method>> {
        self.by_path.get(path)
    }

    pub(crate) fn serves(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    pub(crate) fn needs_authenticator(&self) -> bool {
        self.by_path.values().any(|method| method.policy.access != Access::Public)
    }
}
