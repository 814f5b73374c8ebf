//! Every method × every kind of caller, from the table of policies: nobody gets an OK that the policy does not give.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use bojagi_api::policy::{Access, METHODS, Method, Role};
use bojagi_e2e::{Person, Shop, call};
use tonic::Code;

#[derive(Clone)]
enum Kind {
    Nobody,
    WithToken(String, Vec<Role>),
    Broken(String),
}

fn kinds(shop: &Shop) -> Vec<(&'static str, Kind)> {
    let with = |roles: &[Role]| -> (Person, Kind) {
        let person = shop.person(roles);
        let kind = Kind::WithToken(person.token().to_owned(), roles.to_vec());
        (person, kind)
    };
    let (customer, as_customer) = with(&[Role::Customer]);
    let token = customer.token();
    let (head, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    vec![
        ("nobody", Kind::Nobody),
        ("somebody without a role", with(&[]).1),
        ("a customer", as_customer),
        ("a seller", with(&[Role::Seller]).1),
        ("an admin", with(&[Role::Admin]).1),
        ("a forged signature", Kind::Broken(format!("{head}.{body}.{}", "A".repeat(signature.len())))),
        // {"alg":"none"}
        ("no signature", Kind::Broken(format!("eyJhbGciOiJub25lIn0.{body}."))),
        ("half a token", Kind::Broken(token[..token.len() / 2].to_owned())),
        ("no token at all", Kind::Broken("nonsense".into())),
    ]
}

fn expected(method: &Method, kind: &Kind) -> Option<Code> {
    match (method.access, kind) {
        (Access::Internal(_), _) => Some(Code::Unimplemented),
        (Access::Public, Kind::Nobody | Kind::WithToken(..)) => None,
        (Access::Public, Kind::Broken(_)) => None,
        (_, Kind::Nobody | Kind::Broken(_)) => Some(Code::Unauthenticated),
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
    for (name, kind) in kinds(&shop) {
        for method in METHODS {
            let token = match &kind {
                Kind::Nobody => None,
                Kind::WithToken(token, _) | Kind::Broken(token) => Some(token.as_str()),
            };
            let code = call(shop.gateway(), method, token, Vec::new()).await;
            match expected(method, &kind) {
                Some(refusal) => assert_eq!(code, refusal, "{} by {name}", method.path),
                None => assert!(
                    !matches!(code, Code::PermissionDenied | Code::Unimplemented | Code::Internal | Code::Unknown),
                    "{} by {name}: {code:?}",
                    method.path
                ),
            }
        }
    }
}
