//! Every method × every kind of caller, from the table of policies: nobody gets an OK that the policy does not give. Whose
//! a thing is, is in `strangers.rs`.

use bojagi_api::policy::{Access, METHODS, Method, Role};
use bojagi_e2e::{Shop, call, code};
use futures::StreamExt;
use tonic::Code;

use crate::forged::forgeries;

/// Calls at once.
const AT_ONCE: usize = 16;

#[derive(Clone)]
enum Kind {
    Nobody,
    WithToken(String, Vec<Role>),
    /// Somebody whose token does not hold.
    Forged(String),
}

fn kinds(shop: &Shop) -> Vec<(String, Kind)> {
    let mut kinds = vec![("nobody".to_owned(), Kind::Nobody)];
    let groups: [(&str, &[Role]); 5] = [
        ("somebody without a role", &[]),
        ("a customer", &[Role::Customer]),
        ("a seller", &[Role::Seller]),
        ("an admin", &[Role::Admin]),
        ("somebody with all roles", &Role::ALL),
    ];
    kinds.extend(groups.map(|(name, roles)| {
        (name.to_owned(), Kind::WithToken(shop.person(roles).token().to_owned(), roles.to_vec()))
    }));
    kinds.extend(forgeries(shop).into_iter().map(|(what, token)| (what, Kind::Forged(token))));
    kinds
}

/// The code of the refusal, or nothing where the call comes to the handler. What is open to anybody takes no notice of a
/// token that does not hold: who cannot even sign in or refresh with it would be locked out.
fn expected(method: &Method, kind: &Kind) -> Option<Code> {
    match (method.access, kind) {
        (Access::Internal(_), _) => Some(Code::Unimplemented),
        (Access::Public, _) => None,
        (_, Kind::Nobody | Kind::Forged(_)) => Some(Code::Unauthenticated),
        (Access::SignedIn, Kind::WithToken(..)) => None,
        (Access::Roles(needed), Kind::WithToken(_, roles)) => {
            let fits = needed.iter().any(|role| roles.contains(role));
            (!fits).then_some(Code::PermissionDenied)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_an_unexpected_ok() {
    let shop = Shop::open().await;
    let kinds = kinds(&shop);
    let calls = METHODS.iter().flat_map(|method| kinds.iter().map(move |(name, kind)| (method, name, kind)));
    let answered = futures::stream::iter(calls).map(async |(method, name, kind)| {
        let token = match kind {
            Kind::Nobody => None,
            Kind::WithToken(token, _) | Kind::Forged(token) => Some(token.as_str()),
        };
        let code = code(&call(shop.gateway(), method, token, Vec::new()).await);
        if let Some(refusal) = expected(method, kind) {
            return assert_eq!(code, refusal, "{} by {name}", method.path);
        }
        // Webhooks prove who they are by a signature.
        let is_webhook = ["/IngestProviderEvent", "/IngestBankEvent"].iter().any(|name| method.path.ends_with(name));
        let proves_itself = is_webhook && code == Code::Unauthenticated;
        let unexpected =
            [Code::Unauthenticated, Code::PermissionDenied, Code::Unimplemented, Code::Internal, Code::Unknown];
        assert!(proves_itself || !unexpected.contains(&code), "{} by {name}: {code:?}", method.path);
    });
    let count = answered.buffer_unordered(AT_ONCE).count().await;
    assert_eq!(count, METHODS.len() * kinds.len());
}
