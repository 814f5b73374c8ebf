//! What a gateway does with services it has never seen.

use futures::StreamExt;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1;

use super::{Alone, ending};
use crate::support::answer::Answer;
use crate::support::server::Server;
use crate::support::upstream::{answering, careless, echo, silent};
use crate::support::{descriptor_set, message};

async fn open(upstream: &Server, more: &str) -> Alone {
    Alone::with(&format!("routes = [\"/={}\"]\nauth.mode = \"off\"\n{more}", upstream.url())).await
}

#[tokio::test]
async fn methods_of_any_name_are_forwarded() {
    let (upstream, mut received) = answering(Answer::unary(b"answer"));
    let upstream = Server::of(upstream).await;
    let gateway = open(&upstream, "").await;
    assert_eq!(ending(gateway.call("/never.seen.v9.Things/DoIt").await).await, (0, message(b"answer")));
    let received = received.recv().await.unwrap();
    assert_eq!(received.head.uri.path(), "/never.seen.v9.Things/DoIt");
    assert_eq!(received.body.unwrap(), message(b"hello"));
    assert!(received.head.headers.get("grpc-timeout").is_none(), "it may be a stream, which no default cuts");

    for no_call in ["/", "/never", "/never/", "//DoIt", "/never.seen//DoIt"] {
        assert_eq!(ending(gateway.call(no_call).await).await.0, Code::Unimplemented as i32, "{no_call}");
    }
}

#[tokio::test]
async fn calls_go_where_the_longest_prefix_leads() {
    let one = Server::of(careless(Answer::unary(b"one"))).await;
    let other = Server::of(careless(Answer::unary(b"other"))).await;
    let routes = format!("routes = [\"/a.={}\", \"/a.b.={}\"]\nauth.mode = \"off\"", one.url(), other.url());
    let gateway = Alone::with(&routes).await;
    assert_eq!(ending(gateway.call("/a.Things/Get").await).await, (0, message(b"one")));
    assert_eq!(ending(gateway.call("/a.b.Things/Get").await).await, (0, message(b"other")));
    assert_eq!(ending(gateway.call("/c.Things/Get").await).await.0, Code::Unimplemented as i32);
}

#[tokio::test]
async fn limits_are_those_of_the_route() {
    let upstream = Server::of(echo()).await;
    let gateway = Alone::with(&format!(
        r#"
        auth.mode = "off"
        routes = [
            {{ prefix = "/", endpoints = ["{0}"] }},
            {{ prefix = "/narrow.", endpoints = ["{0}"], messages = {{ max_request_bytes = 4 }} }},
        ]
        "#,
        upstream.url()
    ))
    .await;
    assert_eq!(ending(gateway.call("/wide.Things/Get").await).await.0, Code::Ok as i32);
    assert_eq!(ending(gateway.call("/narrow.Things/Get").await).await.0, Code::ResourceExhausted as i32);
}

#[tokio::test]
async fn deadlines_are_those_of_the_route_and_of_the_kind_that_a_rule_names() {
    let (upstream, _began) = silent();
    let upstream = Server::of(upstream).await;
    let gateway = Alone::with(&format!(
        r#"
        auth.mode = "off"
        routes = [{{ prefix = "/", endpoints = ["{}"], deadlines = {{ unary_default_ms = 20 }} }}]
        policies.rules = [{{ prefix = "/slow.Things/", streaming = "unary" }}]
        "#,
        upstream.url()
    ))
    .await;
    assert_eq!(ending(gateway.call("/slow.Things/Get").await).await.0, Code::DeadlineExceeded as i32);
}

#[tokio::test]
async fn internal_methods_look_as_if_they_did_not_exist() {
    let upstream = Server::of(careless(Answer::unary(b""))).await;
    let rules = "policies.rules = [{ prefix = \"/shop.Repairs/\", access = \"internal\" }]";
    let gateway = open(&upstream, rules).await;
    // Also as a server would read them that decodes paths and resolves dots in them.
    for path in [
        "/shop.Repairs/Mend",
        "/shop.%52epairs/Mend",
        "/shop.Repairs%2FMend/x",
        "/./shop.Repairs/Mend",
        "/shop.Orders/../shop.Repairs/Mend",
        "/shop..Repairs/Mend",
    ] {
        assert_eq!(ending(gateway.call(path).await).await.0, Code::Unimplemented as i32, "{path}");
    }
    assert_eq!(ending(gateway.call("/shop.Orders/Get").await).await.0, Code::Ok as i32);
}

#[tokio::test]
async fn with_a_descriptor_set_only_what_it_has_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("shop.binpb");
    std::fs::write(&set, descriptor_set()).unwrap();
    let upstream = Server::of(careless(Answer::unary(b""))).await;
    let strict = format!("[policies]\ndescriptor_set = {:?}\n", set.display().to_string());
    let gateway = open(&upstream, &strict).await;
    let status_of = async |gateway: &Alone, path: &str| ending(gateway.call(path).await).await.0;
    for (path, code) in [
        ("/shop.v1.Orders/Get", Code::Ok),
        ("/shop.v1.Orders/Mine", Code::Ok),
        ("/shop.v1.Orders/Unruled", Code::Ok),
        ("/shop.v1.Orders/Repair", Code::Unimplemented),
        ("/shop.v1.Orders/Newer", Code::Unimplemented),
    ] {
        assert_eq!(status_of(&gateway, path).await, code as i32, "{path}");
    }

    let lenient = format!("{strict}serve_unlisted = true\n");
    let gateway = open(&upstream, &lenient).await;
    assert_eq!(status_of(&gateway, "/shop.v1.Orders/Newer").await, Code::Ok as i32);
    assert_eq!(status_of(&gateway, "/shop.v1.Orders/Repair").await, Code::Unimplemented as i32, "it is known and kept");
}

#[tokio::test]
async fn reflection_of_the_services_is_passed_through_and_health_is_its_own() {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(&descriptor_set())
        .build_v1()
        .unwrap();
    let upstream = Server::of(bojagi_gateway::upstream(reflection)).await;
    let gateway = open(&upstream, "").await;
    let channel = Channel::from_shared(format!("http://{}", gateway.address)).unwrap().connect().await.unwrap();

    let question = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let mut answers = client.server_reflection_info(futures::stream::iter([question])).await.unwrap().into_inner();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answers.next().await.unwrap().unwrap().message_response
    else {
        panic!("not a list");
    };
    assert!(list.service.iter().any(|service| service.name == "shop.v1.Workshop"), "{list:?}");

    let mut health = HealthClient::new(channel);
    for service in ["", "any.Service"] {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service:?}");
    }
}
