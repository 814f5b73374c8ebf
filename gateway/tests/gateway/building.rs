//! Putting a gateway together, and what is told when that does not work.

use std::sync::Arc;

use bojagi_gateway::{Access, Gateway, GatewayConfig, MethodPolicy, Policies, PolicyErrors, Streaming};

use crate::support::answer::Answer;
use crate::support::upstream::careless;
use crate::support::{FourTokens, descriptor_set, policies};

#[test]
fn all_mistakes_are_told_at_once() {
    let mut config = GatewayConfig::default();
    config.connections.max = 0;
    let errors = Gateway::builder(config)
        .policies(policies())
        .route("/shop.v1.", careless(Answer::grpc()))
        .route("shop.v2.", careless(Answer::grpc()))
        .build()
        .unwrap_err();
    let told: Vec<_> = errors.mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "connections.max: must be greater than 0",
            "route \"shop.v2.\": must begin with /",
            "authenticator: is missing, although not all methods are public",
        ]
    );
    assert_eq!(errors.to_string(), told.join("\n"));
}

#[test]
fn policies_are_required() {
    let errors = Gateway::builder(GatewayConfig::default()).authenticator(Arc::new(FourTokens)).build().unwrap_err();
    assert_eq!(errors.to_string(), "policies: are missing");
}

#[test]
fn without_methods_that_need_one_an_authenticator_is_not_required() {
    assert!(Gateway::builder(GatewayConfig::default()).policies(policies()).build().is_ok());
}

#[test]
fn policies_are_read_from_the_descriptor_set() {
    let policies = policies();
    let policy = |path: &str, access, streaming, retry_safe| MethodPolicy {
        path: format!("/shop.v1.{path}"),
        access,
        streaming,
        retry_safe,
    };
    let seller_or_admin = Access::OneOf(vec!["seller".into(), "admin".into()]);
    assert_eq!(
        policies.methods(),
        [
            policy("Orders/Get", Access::Public, Streaming::Unary, true),
            // Its contract says that it has no side effects.
            policy("Orders/Look", Access::Public, Streaming::Unary, true),
            policy("Orders/Describe", Access::Public, Streaming::Unary, false),
            policy("Orders/Mine", Access::SignedIn, Streaming::Unary, false),
            policy("Orders/Sell", seller_or_admin, Streaming::Unary, false),
            policy("Orders/Repair", Access::Internal, Streaming::Unary, false),
            policy("Orders/Watch", Access::Public, Streaming::Server, false),
            policy("Orders/Follow", Access::Public, Streaming::Server, true),
            policy("Orders/Upload", Access::Public, Streaming::Client, false),
            policy("Orders/Talk", Access::Public, Streaming::Both, false),
            policy("Workshop/Build", Access::Internal, Streaming::Unary, false),
        ]
    );
    assert_eq!(policies.without_policy(), ["/shop.v1.Orders/Unruled"]);
}

#[test]
fn a_descriptor_set_that_is_of_no_use_is_refused() {
    let cut = &descriptor_set()[..100];
    assert!(matches!(Policies::from_descriptor_set(cut), Err(PolicyErrors::Descriptors(_))));
    let without_option = tonic_health::pb::FILE_DESCRIPTOR_SET;
    assert!(matches!(Policies::from_descriptor_set(without_option), Err(PolicyErrors::NoOption)));
}

#[test]
fn policies_that_say_nothing_are_refused_by_name() {
    let proto = r#"
        syntax = "proto3";
        package odd.v1;
        import "bojagi/options/v1/options.proto";
        message Nothing {}
        service Odd {
          rpc Silent(Nothing) returns (Nothing) { option (bojagi.options.v1.policy) = {retry_safe: true}; }
          rpc Roleless(Nothing) returns (Nothing) { option (bojagi.options.v1.policy) = {access: ACCESS_ROLES}; }
        }
    "#;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("odd.proto"), proto).unwrap();
    let contracts = format!("{}/../proto", env!("CARGO_MANIFEST_DIR"));
    let set = protox::Compiler::new([folder.path(), contracts.as_ref()])
        .unwrap()
        .include_imports(true)
        .open_files(["odd.proto"])
        .unwrap()
        .encode_file_descriptor_set();

    assert_eq!(
        Policies::from_descriptor_set(&set).unwrap_err().to_string(),
        "/odd.v1.Odd/Silent: the policy does not say who may call\n/odd.v1.Odd/Roleless: access by role names no role"
    );
}
