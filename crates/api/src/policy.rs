//! Who may call a method, and whether a retry is safe: the options of `proto/bojagi/options/v1`, read by the build.

/// A role of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Buys.
    Customer,
    /// Owns stores and sells.
    Seller,
    /// Runs the shop.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Seller, Self::Admin];

    /// The role as tokens and tables name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Seller => "seller",
            Self::Admin => "admin",
        }
    }

    /// The role of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Any signed-in account.
    SignedIn,
    /// An account with one of these roles.
    Roles(&'static [Role]),
    /// Only these workloads of the mesh.
    Internal(&'static [&'static str]),
}

/// A method and its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The path of its calls: `/bojagi.order.v1.OrderService/PlaceOrder`.
    pub path: &'static str,
    /// Who may call.
    pub access: Access,
    /// Whether a second delivery of a request has no second effect.
    pub retry_safe: bool,
    /// Whether it answers with a stream.
    pub server_streaming: bool,
}

/// Every method of the mesh, sorted by path.
pub static METHODS: &[Method] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The method that is called by `path`.
#[must_use]
pub fn of(path: &str) -> Option<&'static Method> {
    METHODS.binary_search_by(|method| method.path.cmp(path)).ok().and_then(|index| METHODS.get(index))
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;
    use prost_types::method_options::IdempotencyLevel;

    use super::*;

    /// The methods that can be called by GET, and so by a link.
    fn methods_without_side_effects() -> Vec<&'static Method> {
        let mut found = Vec::new();
        for file in FileDescriptorSet::decode(crate::FILE_DESCRIPTOR_SET).unwrap().file {
            for service in &file.service {
                let only_look = service.method.iter().filter(|method| {
                    let options = method.options.as_ref();
                    options.is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects)
                });
                let paths = only_look.map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name()));
                found.extend(paths.filter_map(|path| of(&path)));
            }
        }
        found
    }

    #[test]
    fn what_a_link_can_call_is_safe_and_open_to_anybody() {
        let by_get = methods_without_side_effects();
        assert_eq!(by_get.len(), 12);
        for method in by_get {
            assert!(method.retry_safe && !method.server_streaming, "{}", method.path);
            assert_eq!(method.access, Access::Public, "{}", method.path);
        }
    }

    #[test]
    fn every_method_is_found_by_its_path() {
        assert!(METHODS.len() > 50);
        for method in METHODS {
            assert_eq!(of(method.path), Some(method));
        }
        assert_eq!(of("/bojagi.order.v1.OrderService/Nothing"), None);
    }
}
