//! The methods that the gateway serves, by path: each with its policy and its upstream, found with one look.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::metrics::{GatewayMetrics, MethodMetrics};
use crate::policies::{Access, MethodPolicy, Policies, Rules};
use crate::routes::{Route, Routes};

/// A method that the gateway serves.
pub(crate) struct Method {
    pub(crate) policy: MethodPolicy,
    pub(crate) route: Route,
    pub(crate) metrics: Arc<MethodMetrics>,
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
    /// Nothing for a method that is known and yet not served, which must not be taken for one that is not listed.
    by_path: HashMap<String, Option<Arc<Method>>>,
    unlisted: Unlisted,
    metrics: GatewayMetrics,
}

/// What stands for methods that are not listed, by what their paths begin with.
#[derive(Clone, Default)]
pub(crate) struct Unlisted {
    /// The longest prefix first. Every prefix of a route or of a rule has an entry, so the longest that fits knows both, and a call costs no
    /// more than a look.
    by_prefix: Arc<[(String, Option<Arc<Method>>)]>,
}

impl Methods {
    pub(crate) fn of(policies: &Policies, routes: &Routes, metrics: &GatewayMetrics) -> Self {
        let mut methods = Self { metrics: metrics.clone(), ..Self::default() };
        for policy in policies.methods() {
            match routes.find(&policy.path) {
                _ if policy.access == Access::Internal => methods.hide(&policy.path),
                Some(route) => methods.add(policy.clone(), route.clone()),
                None => tracing::debug!(method = policy.path, "no route leads to the method; it is not served"),
            }
        }
        for path in policies.without_policy() {
            tracing::debug!(method = path.as_str(), "the method has no policy; it is not served");
        }
        if let Some(rules) = policies.unlisted() {
            methods.unlisted = Unlisted::of(rules, routes, metrics);
        }
        methods
    }

    pub(crate) fn add(&mut self, policy: MethodPolicy, route: Route) {
        let metrics = self.metrics.of_method(&policy.path);
        self.by_path.insert(policy.path.clone(), Some(Arc::new(Method { policy, route, metrics })));
    }

    fn hide(&mut self, path: &str) {
        self.by_path.insert(path.to_owned(), None);
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Method>> {
        match self.by_path.get(path) {
            Some(listed) => listed.as_ref(),
            None => self.unlisted.find(path),
        }
    }

    pub(crate) fn serves(&self, path: &str) -> bool {
        self.by_path.get(path).is_some_and(Option::is_some)
    }

    /// The longest message in bytes that any method takes.
    pub(crate) fn longest_request(&self) -> u32 {
        let unlisted = self.unlisted.by_prefix.iter().map(|(_, method)| method);
        let served = self.by_path.values().chain(unlisted).flatten();
        served.map(|method| method.route.settings.config.messages.max_request_bytes).max().unwrap_or(0)
    }

    pub(crate) fn needs_authenticator(&self) -> bool {
        let unlisted = self.unlisted.by_prefix.iter().map(|(_, method)| method);
        self.by_path.values().chain(unlisted).flatten().any(|method| method.policy.access != Access::Public)
    }

    /// The names of the services that have a listed method.
    pub(crate) fn services(&self) -> HashSet<String> {
        let served = self.by_path.iter().filter(|(_, method)| method.is_some());
        served.filter_map(|(path, _)| path.split('/').nth(1)).map(str::to_owned).collect()
    }

    pub(crate) fn unlisted(&self) -> Unlisted {
        self.unlisted.clone()
    }
}

impl Unlisted {
    fn of(rules: &Rules, routes: &Routes, metrics: &GatewayMetrics) -> Self {
        let mut prefixes: Vec<&str> = routes.prefixes().chain(rules.prefixes()).collect();
        prefixes.sort_by_key(|prefix| (Reverse(prefix.len()), *prefix));
        prefixes.dedup();
        let method_of = |prefix: &str| {
            let (policy, route) = (rules.policy_of(prefix), routes.find(prefix)?.clone());
            // Several methods at once, unless the prefix is the whole path of one.
            let metrics = metrics.of_method(prefix);
            (policy.access != Access::Internal).then(|| Arc::new(Method { policy, route, metrics }))
        };
        Self { by_prefix: prefixes.into_iter().map(|prefix| (prefix.to_owned(), method_of(prefix))).collect() }
    }

    /// What stands for the method of this path, if it is forwarded.
    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Method>> {
        let (_, method) = self.by_prefix.iter().find(|(prefix, _)| path.starts_with(prefix))?;
        method.as_ref().filter(|_| names_a_method(path))
    }
}

/// Whether a path is that of a method, letter by letter. There are servers that decode paths and resolve dots in them, so one that is written
/// in any other way could reach a method past the rule for it.
fn names_a_method(path: &str) -> bool {
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else { return false };
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    service.split('.').all(is_name) && is_name(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_method_in_one_way_only() {
        for path in ["/shop.v1.Repairs/Fix", "/Repairs/Fix", "/shop_2.v1beta1._Repairs/fix_2"] {
            assert!(names_a_method(path), "{path}");
        }
        for path in [
            "",
            "/",
            "*",
            "//",
            "/shop.v1.Repairs",
            "/shop.v1.Repairs/",
            "//Fix",
            "/shop.v1.%52epairs/Fix",
            "/shop.v1.Repairs/%46ix",
            "/shop.v1.Repairs%2FFix/x",
            "/./shop.v1.Repairs/Fix",
            "/shop.v1.Orders/../shop.v1.Repairs/Fix",
            "/../Fix",
            "/shop.v1.Repairs/..",
            "/shop.v1..Repairs/Fix",
            "/.shop.v1.Repairs/Fix",
            "/shop.v1.Repairs./Fix",
            "/shop.v1.Repairs//Fix",
            "/shop.v1.Repairs/Fix/",
            "/shop.v1.Repairs/Fix;x",
            "/shop.v1.Repairs\\Fix/x",
            "/shop.v1.R\u{e9}pairs/Fix",
        ] {
            assert!(!names_a_method(path), "{path}");
        }
    }
}
