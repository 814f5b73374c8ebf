//! Who is at the other end of a connection.

use bojagi_api::policy::{Access, METHODS, Method};

use crate::Caller;

/// The workload that carries the calls of others.
const GATEWAY: &str = "gateway";

/// A workload that has shown by the certificate of its connection who it is. A server that checks certificates puts it into
/// the extensions of each request; it cannot come over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    workload: &'static str,
}

impl Peer {
    /// The workload of this name, if any method is meant for it. To all others it makes no difference who they are.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let meant = METHODS.iter().flat_map(|method| match method.access {
            Access::Internal(workloads) => workloads,
            Access::Public | Access::SignedIn | Access::Roles(_) => &[],
        });
        meant.copied().find(|workload| *workload == name).map(|workload| Self { workload })
    }

    /// Who makes a call without a token. The gateway makes calls in its own name only of methods that are meant for it, and
    /// lets nobody else through to those; all others it carries for somebody, who is nobody until a token says more.
    pub(crate) fn caller(self, method: Option<&Method>) -> Caller {
        let meant_for_it =
            method.is_some_and(|method| matches!(method.access, Access::Internal(names) if names.contains(&GATEWAY)));
        if self.workload == GATEWAY && !meant_for_it { Caller::Anonymous } else { Caller::Workload(self.workload) }
    }
}

#[cfg(test)]
mod tests {
    use bojagi_api::policy;

    use super::*;

    #[test]
    fn every_workload_of_a_policy_is_known_and_nobody_else() {
        for name in ["user", "item", "coupon", "order", "payment", "settlement", "gateway"] {
            assert_eq!(Peer::named(name).unwrap().caller(None) == Caller::Anonymous, name == GATEWAY);
        }
        assert_eq!(Peer::named("Order"), None);
        assert_eq!(Peer::named("order.evil"), None);
    }

    #[test]
    fn the_gateway_speaks_for_itself_only_where_it_is_meant() {
        let gateway = Peer::named(GATEWAY).unwrap();
        let caller_of = |path| gateway.caller(Some(policy::of(path).unwrap()));
        assert_eq!(caller_of("/bojagi.user.v1.SessionService/WatchRevocations"), Caller::Workload(GATEWAY));
        assert_eq!(caller_of("/bojagi.user.v1.SessionService/SignIn"), Caller::Anonymous);
        assert_eq!(caller_of("/bojagi.item.v1.StockService/ReserveStock"), Caller::Anonymous);
    }
}
