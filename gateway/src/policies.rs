//! Who may call which method, read from a descriptor set.
//!
//! The policies are a method option of the contracts, `bojagi.options.v1.policy`. It is read by reflection, so that the gateway serves
//! contracts it was not compiled with.

mod config;
mod configured;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, ReflectMessage, Value};
use serde::{Deserialize, Serialize};

pub use config::{AccessName, PoliciesConfig, PolicyRule};
pub(crate) use configured::Rules;

const POLICY_EXTENSION: &str = "bojagi.options.v1.policy";
const ROLE_PREFIX: &str = "ROLE_";

/// The methods of a descriptor set with their policies. By default there are none, and nothing is served.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    methods: Vec<MethodPolicy>,
    without_policy: Vec<String>,
    descriptor_set: Vec<u8>,
    /// What holds for methods that are not among these; nothing where they are not served.
    unlisted: Option<Rules>,
}

/// The policy of one method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodPolicy {
    /// The path of a call, such as `/bojagi.order.v1.OrderService/PlaceOrder`.
    pub path: String,
    /// Who may call.
    pub access: Access,
    /// Which sides send more than one message.
    pub streaming: Streaming,
    /// Whether a second delivery of the same request has no second effect.
    pub retry_safe: bool,
}

/// Who may call a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody. A token is not looked at.
    Public,
    /// Anybody with a valid token.
    SignedIn,
    /// Anybody with a valid token and one of these roles: the enum value of the option in lower case and without `ROLE_`, such as `seller`.
    OneOf(Vec<String>),
    /// Workloads of the mesh. The gateway has no such method.
    Internal,
}

/// Which sides of a method send more than one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Streaming {
    /// Neither.
    Unary,
    /// The client.
    Client,
    /// The server.
    Server,
    /// Both.
    Both,
    /// It is not known, because no contract and no rule says so.
    Unknown,
}

impl Streaming {
    fn of(method: &MethodDescriptor) -> Self {
        match (method.is_client_streaming(), method.is_server_streaming()) {
            (false, false) => Self::Unary,
            (true, false) => Self::Client,
            (false, true) => Self::Server,
            (true, true) => Self::Both,
        }
    }
}

/// Why policies cannot be read from a descriptor set.
#[derive(Debug, thiserror::Error)]
pub enum PolicyErrors {
    /// The bytes are no descriptor set, or one that is not complete.
    #[error("the descriptor set cannot be read: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// The contracts do not know the option.
    #[error("the descriptor set does not define the method option {POLICY_EXTENSION}")]
    NoOption,
    /// Policies that say nothing; each with its method.
    #[error("{}", .0.join("\n"))]
    Unclear(Vec<String>),
}

impl Policies {
    /// Reads the policies of all methods of an encoded `google.protobuf.FileDescriptorSet`, imports included.
    ///
    /// # Errors
    /// When the set cannot be read, does not know the option, or has policies without a kind of access or without roles.
    pub fn from_descriptor_set(descriptor_set: &[u8]) -> Result<Self, PolicyErrors> {
        let pool = DescriptorPool::decode(descriptor_set)?;
        let extension = pool.get_extension_by_name(POLICY_EXTENSION).ok_or(PolicyErrors::NoOption)?;

        let descriptor_set = descriptor_set.to_vec();
        let mut policies = Self { methods: Vec::new(), without_policy: Vec::new(), descriptor_set, unlisted: None };
        let mut unclear = Vec::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            match policy_of(&method, &extension) {
                Some(Ok(policy)) => policies.methods.push(policy),
                Some(Err(problem)) => unclear.push(format!("{}: {problem}", path_of(&method))),
                None => policies.without_policy.push(path_of(&method)),
            }
        }
        if unclear.is_empty() { Ok(policies) } else { Err(PolicyErrors::Unclear(unclear)) }
    }

    /// The methods that have a policy, internal ones included, in the order of the descriptor set.
    #[must_use]
    pub fn methods(&self) -> &[MethodPolicy] {
        &self.methods
    }

    /// The paths of methods without a policy. The gateway does not serve them.
    #[must_use]
    pub fn without_policy(&self) -> &[String] {
        &self.without_policy
    }

    /// The contracts; empty where there are none.
    pub(crate) fn descriptor_set(&self) -> &[u8] {
        &self.descriptor_set
    }

    pub(crate) fn unlisted(&self) -> Option<&Rules> {
        self.unlisted.as_ref()
    }
}

/// The path of a call of the method.
pub(crate) fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// The policy of a method that anybody may call, for the gateway's own services.
pub(crate) fn public(method: &MethodDescriptor) -> MethodPolicy {
    let streaming = Streaming::of(method);
    MethodPolicy { path: path_of(method), access: Access::Public, streaming, retry_safe: true }
}

fn policy_of(method: &MethodDescriptor, extension: &ExtensionDescriptor) -> Option<Result<MethodPolicy, &'static str>> {
    let options = method.options();
    if !options.has_extension(extension) {
        return None;
    }
    let value = options.get_extension(extension);
    let policy = value.as_message()?;
    let access = match enum_names(policy, "access").first().map(String::as_str) {
        Some("ACCESS_PUBLIC") => Access::Public,
        Some("ACCESS_SIGNED_IN") => Access::SignedIn,
        Some("ACCESS_INTERNAL") => Access::Internal,
        Some("ACCESS_ROLES") => match role_names(policy) {
            roles if roles.is_empty() => return Some(Err("access by role names no role")),
            roles => Access::OneOf(roles),
        },
        _ => return Some(Err("the policy does not say who may call")),
    };
    let says_so = policy.get_field_by_name("retry_safe").and_then(|value| value.as_bool()).unwrap_or(false);
    let retry_safe = says_so || is_idempotent(method);
    Some(Ok(MethodPolicy { path: path_of(method), access, streaming: Streaming::of(method), retry_safe }))
}

/// Whether the contract itself says that a second delivery has no second effect (`idempotency_level`).
fn is_idempotent(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown)
}

fn role_names(policy: &DynamicMessage) -> Vec<String> {
    let roles = enum_names(policy, "roles");
    roles.iter().map(|role| role.strip_prefix(ROLE_PREFIX).unwrap_or(role).to_ascii_lowercase()).collect()
}

/// The names of the values of an enum field, one or repeated.
fn enum_names(message: &DynamicMessage, field: &str) -> Vec<String> {
    let descriptor = message.descriptor();
    let Some(field) = descriptor.get_field_by_name(field) else { return Vec::new() };
    let kind = field.kind();
    let Some(values_of_enum) = kind.as_enum() else { return Vec::new() };
    let value = message.get_field(&field);
    let numbers = match value.as_ref() {
        Value::EnumNumber(number) => vec![*number],
        Value::List(values) => values.iter().filter_map(Value::as_enum_number).collect(),
        _ => Vec::new(),
    };
    numbers
        .into_iter()
        .filter_map(|number| values_of_enum.get_value(number))
        .map(|value| value.name().to_owned())
        .collect()
}

#[cfg(test)]
mod tests;
