//! Policies from contracts and configuration together.

use prost_reflect::{DescriptorPool, MethodDescriptor};

use super::{
    Access, MethodPolicy, POLICY_EXTENSION, Policies, PoliciesConfig, PolicyErrors, PolicyRule, Streaming,
    is_idempotent, path_of, policy_of,
};

/// What is said about methods beside their contracts.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    default_access: Access,
    /// The longest prefix last, so that it has the last word.
    rules: Vec<PolicyRule>,
}

impl Rules {
    fn new(config: &PoliciesConfig) -> Self {
        let mut rules = config.rules.clone();
        rules.sort_by_key(|rule| rule.prefix.len());
        Self { default_access: config.default_access.with(&[]), rules }
    }

    fn apply(&self, policy: &mut MethodPolicy) {
        for rule in self.rules.iter().filter(|rule| policy.path.starts_with(&rule.prefix)) {
            if let Some(access) = rule.access {
                policy.access = access.with(&rule.roles);
            }
            policy.streaming = rule.streaming.unwrap_or(policy.streaming);
            policy.retry_safe = rule.retry_safe.unwrap_or(policy.retry_safe);
        }
    }

    pub(crate) fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.prefix.as_str())
    }

    /// The policy of methods without a contract, whose paths begin with `prefix` and with no longer prefix of a rule.
    pub(crate) fn policy_of(&self, prefix: &str) -> MethodPolicy {
        let access = self.default_access.clone();
        let mut policy =
            MethodPolicy { path: prefix.to_owned(), access, streaming: Streaming::Unknown, retry_safe: false };
        self.apply(&mut policy);
        policy
    }
}

impl Policies {
    /// Policies as a configuration gives them: each method of the descriptor set, if there is one, by its contract, else by the default of
    /// the configuration; and the rules over both. A contract may also say by the standard option `idempotency_level` that a second delivery
    /// is safe.
    ///
    /// # Errors
    /// When the set cannot be read, or has policies without a kind of access or without roles.
    pub fn configured(config: &PoliciesConfig, descriptor_set: Option<&[u8]>) -> Result<Self, PolicyErrors> {
        let rules = Rules::new(config);
        let mut policies = Self {
            methods: Vec::new(),
            without_policy: Vec::new(),
            descriptor_set: descriptor_set.unwrap_or_default().to_vec(),
            unlisted: None,
        };
        let mut unclear = Vec::new();
        let pool = DescriptorPool::decode(&policies.descriptor_set[..])?;
        let extension = pool.get_extension_by_name(POLICY_EXTENSION);
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let of_contract = extension.as_ref().and_then(|extension| policy_of(&method, extension));
            match of_contract.unwrap_or_else(|| Ok(without_option(&method, &rules.default_access))) {
                Ok(mut policy) => {
                    rules.apply(&mut policy);
                    policies.methods.push(policy);
                }
                Err(problem) => unclear.push(format!("{}: {problem}", path_of(&method))),
            }
        }
        if descriptor_set.is_none() || config.serve_unlisted {
            policies.unlisted = Some(rules);
        }
        if unclear.is_empty() { Ok(policies) } else { Err(PolicyErrors::Unclear(unclear)) }
    }

    /// The same for a client, to whom nothing is closed: servers say whom they let in.
    pub(crate) fn of_a_client(mut self) -> Self {
        self.methods.iter_mut().for_each(|policy| policy.access = Access::Public);
        self
    }

    /// The same for a gateway that looks at no token: whoever is not kept out altogether may call.
    #[must_use]
    pub fn without_tokens(mut self) -> Self {
        let open = |access: &mut Access| {
            if *access != Access::Internal {
                *access = Access::Public;
            }
        };
        self.methods.iter_mut().for_each(|policy| open(&mut policy.access));
        if let Some(rules) = &mut self.unlisted {
            open(&mut rules.default_access);
            for access in rules.rules.iter_mut().filter_map(|rule| rule.access.as_mut()) {
                access.open();
            }
        }
        self
    }
}

fn without_option(method: &MethodDescriptor, access: &Access) -> MethodPolicy {
    let (streaming, retry_safe) = (Streaming::of(method), is_idempotent(method));
    MethodPolicy { path: path_of(method), access: access.clone(), streaming, retry_safe }
}
