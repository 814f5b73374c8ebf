use super::{Alone, mistakes_of};
use crate::support::descriptor_set;

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let config = r#"
        routes = ["/shop.=http://127.0.0.1:1/path", "/shop.=https://127.0.0.1:1", "shop.=http://127.0.0.1:1"]
        connections = { max = 0 }
        auth = { mode = "off" }
        policies = { descriptor_set = "/nowhere/at/all" }
        upstream_tls = { ca = "/nowhere/ca.pem" }
        tls = { certificate = "/nowhere/cert.pem" }
    "#;
    let told = mistakes_of(config).await.join("\n");
    assert!(told.contains("\"shop.=http://127.0.0.1:1\" is not PREFIX=URL"), "{told}");

    let told = mistakes_of(&config.replace(", \"shop.=http://127.0.0.1:1\"", "")).await;
    for expected in [
        "connections.max: must be greater than 0",
        "routes[0].endpoints: \"http://127.0.0.1:1/path\" must end after the host or port",
        "tls: certificate and key must be given together",
        "policies.descriptor_set: /nowhere/at/all: No such file",
        "routes[1].upstream_tls: /nowhere/ca.pem: No such file",
    ] {
        assert!(told.iter().any(|mistake| mistake.starts_with(expected)), "{expected} in {told:#?}");
    }
}

#[tokio::test]
async fn sections_that_cannot_be_read_are_all_told() {
    let told = mistakes_of(
        r#"
        routes = [{prefix = "/", deadline = 1}, {prefix = "/a.", deadlines = {unary_cap_ms = "long"}}]
        auth = { mode = "sometimes" }
        [policies]
        default_access = "friends"
        "#,
    )
    .await
    .join("\n");
    for expected in [
        "routes[0]: unknown field `deadline`",
        "routes[1]: invalid type",
        "auth: unknown variant `sometimes`",
        "policies: unknown variant `friends`",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
}

#[tokio::test]
async fn without_a_route_there_is_nothing_to_do() {
    assert_eq!(mistakes_of("auth.mode = \"off\"").await, ["routes: are missing: name at least one"]);
}

#[tokio::test]
async fn tokens_are_checked_unless_that_is_said_to_be_off() {
    let told = mistakes_of("routes = [\"/=http://127.0.0.1:1\"]").await;
    assert!(told.iter().any(|mistake| mistake.starts_with("auth.jwks: name urls or a file")), "{told:?}");
    assert!(told.iter().all(|mistake| mistake.starts_with("auth.jwks")), "{told:?}");
}

#[tokio::test]
async fn a_descriptor_set_that_is_none_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set.binpb");
    std::fs::write(&set, &descriptor_set()[..100]).unwrap();
    let config = format!(
        "routes = [\"/=http://127.0.0.1:1\"]\nauth.mode = \"off\"\npolicies.descriptor_set = {:?}",
        set.display().to_string()
    );
    let told = mistakes_of(&config).await;
    assert!(
        told[0].starts_with(&format!("policies.descriptor_set: {}: the descriptor set", set.display())),
        "{told:?}"
    );
}

#[tokio::test]
async fn it_is_ready_as_soon_as_it_serves() {
    let gateway = Alone::with("routes = [\"/=http://127.0.0.1:1\"]\nauth.mode = \"off\"").await;
    let answer = gateway.call("/grpc.health.v1.Health/Check").await;
    assert_eq!(answer.status(), 200);
    assert!(gateway.running.gateway().readiness().is_serving());
    gateway.stop.send(()).unwrap();
    gateway.served.await.unwrap();
}
