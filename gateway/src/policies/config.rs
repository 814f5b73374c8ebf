//! Policies of methods that a configuration gives, for services whose contracts have none, or none that fit.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Access, Streaming};
use crate::config_errors::ConfigMistake;

/// Which methods there are, and who may call them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PoliciesConfig {
    /// A file with an encoded `google.protobuf.FileDescriptorSet`, imports included; empty for none.
    pub descriptor_set: PathBuf,
    /// Whether methods that the descriptor set does not have are served. Without a descriptor set they always are.
    pub serve_unlisted: bool,
    /// Who may call a method about which neither its contract nor a rule says anything.
    pub default_access: AccessName,
    /// What is said about some methods, over their contracts.
    pub rules: Vec<PolicyRule>,
}

/// What is said about methods whose paths begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// A path, such as `/shop.v1.Orders/Get`, or what several begin with, such as `/shop.v1.`.
    pub prefix: String,
    /// Who may call.
    pub access: Option<AccessName>,
    /// For access by `roles`: those of which one will do.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Which sides send more than one message.
    pub streaming: Option<Streaming>,
    /// Whether a second delivery of the same request has no second effect.
    pub retry_safe: Option<bool>,
}

/// A kind of access, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessName {
    /// Anybody.
    Public,
    /// Anybody with a valid token.
    SignedIn,
    /// Anybody with a valid token and one of some roles.
    Roles,
    /// Nobody outside: the method looks as if it did not exist.
    Internal,
}

impl AccessName {
    /// The access of this name, with the roles where they matter.
    pub(crate) fn with(self, roles: &[String]) -> Access {
        match self {
            Self::Public => Access::Public,
            Self::SignedIn => Access::SignedIn,
            Self::Roles => Access::OneOf(roles.to_vec()),
            Self::Internal => Access::Internal,
        }
    }

    /// Makes access by token access by anybody.
    pub(super) fn open(&mut self) {
        if *self != Self::Internal {
            *self = Self::Public;
        }
    }
}

impl PoliciesConfig {
    /// The files that are named, which may change.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        Some(&self.descriptor_set).filter(|path| !path.as_os_str().is_empty()).into_iter()
    }

    /// Every mistake that can be seen without reading the descriptor set.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        let mut mistakes = Vec::new();
        if self.default_access == AccessName::Roles {
            mistakes.push(ConfigMistake::new("policies.default_access", "cannot be roles, because it names none"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let option = format!("policies.rules[{index}]");
            let mut refuse =
                |field: &str, problem: &str| mistakes.push(ConfigMistake::new(format!("{option}{field}"), problem));
            if !rule.prefix.starts_with('/') {
                refuse(".prefix", "must begin with /");
            }
            if self.rules[..index].iter().any(|earlier| earlier.prefix == rule.prefix) {
                refuse(".prefix", "is given twice");
            }
            if (rule.access == Some(AccessName::Roles)) == rule.roles.is_empty() {
                refuse(".roles", "belong to access = \"roles\", and are needed there");
            }
            if rule.access.is_none() && rule.streaming.is_none() && rule.retry_safe.is_none() {
                refuse("", "says nothing");
            }
        }
        mistakes
    }
}
