//! What the gateway knows of the messages of methods, from descriptors. Only JSON and the description of the API need it.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

use crate::config_errors::ConfigMistake;
use crate::policies::path_of;

/// The value of `google.protobuf.MethodOptions.IdempotencyLevel` for methods that only look.
const NO_SIDE_EFFECTS: i32 = 1;

/// The contracts of methods by path, and every type that an answer may hold.
#[derive(Debug, Default)]
pub(crate) struct Contracts {
    by_path: HashMap<String, MethodDescriptor>,
    pools: Vec<DescriptorPool>,
}

impl Contracts {
    /// Reads encoded descriptor sets. Where two of them have a method or a type, the first one counts.
    pub(crate) fn read<'s>(descriptor_sets: impl IntoIterator<Item = &'s [u8]>) -> Result<Self, ConfigMistake> {
        let mut contracts = Self::default();
        // So that the details of errors can be shown, which services are free to make of types that their contracts do not mention.
        let of_errors = tonic_types::pb::FILE_DESCRIPTOR_SET;
        for set in descriptor_sets.into_iter().chain([of_errors]) {
            let pool = DescriptorPool::decode(set)
                .map_err(|error| ConfigMistake::new("policies", format!("the descriptors cannot be read: {error}")))?;
            for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
                contracts.by_path.entry(path_of(&method)).or_insert(method);
            }
            contracts.pools.push(pool);
        }
        Ok(contracts)
    }

    pub(crate) fn method(&self, path: &str) -> Option<&MethodDescriptor> {
        self.by_path.get(path)
    }

    /// All methods, by path.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (&str, &MethodDescriptor)> {
        self.by_path.iter().map(|(path, method)| (path.as_str(), method))
    }

    pub(crate) fn message(&self, full_name: &str) -> Option<MessageDescriptor> {
        self.pools.iter().find_map(|pool| pool.get_message_by_name(full_name))
    }
}

/// Whether a method says of itself that it only looks (`idempotency_level = NO_SIDE_EFFECTS`), so that a GET may call it. That a call
/// may be repeated is not enough: a link that places an order must not be possible.
pub(crate) fn only_looks(method: &MethodDescriptor) -> bool {
    let options = method.options();
    let level = options.get_field_by_name("idempotency_level");
    level.and_then(|level| level.as_enum_number()) == Some(NO_SIDE_EFFECTS)
}
