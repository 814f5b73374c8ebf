//! Health and reflection, as tonic's own clients see them through the gateway.

use bojagi_gateway::{Gateway, GatewayService};
use futures::StreamExt;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::support::answer::Answer;
use crate::support::client::{WEB, call, request};
use crate::support::upstream::careless;
use crate::support::{gateway_with, message};

fn a_gateway() -> Gateway {
    gateway_with(careless(Answer::unary(b"")), |_| {})
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn health_says_what_the_owner_says() {
    let gateway = a_gateway();
    let mut health = HealthClient::new(gateway.service());
    for (serving, expected) in
        [(false, ServingStatus::NotServing), (true, ServingStatus::Serving), (false, ServingStatus::NotServing)]
    {
        gateway.readiness().set_serving(serving);
        assert_eq!(gateway.readiness().is_serving(), serving);
        for service in ["", "shop.v1.Orders"] {
            let answer = health.check(of(service)).await.unwrap().into_inner();
            assert_eq!(answer.status(), expected, "{service:?}");
        }
    }
    for unknown in ["shop.v1.Workshop", "other.v1.Things"] {
        assert_eq!(health.check(of(unknown)).await.unwrap_err().code(), Code::NotFound, "{unknown}");
    }
}

#[tokio::test]
async fn a_watcher_is_told_of_every_change() {
    let gateway = a_gateway();
    let mut health = HealthClient::new(gateway.service());
    let mut states = health.watch(of("shop.v1.Orders")).await.unwrap().into_inner();
    for serving in [false, true, false] {
        gateway.readiness().set_serving(serving);
        let expected = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        assert_eq!(states.message().await.unwrap().unwrap().status(), expected);
    }
    let mut of_unknown = health.watch(of("other.v1.Things")).await.unwrap().into_inner();
    assert_eq!(of_unknown.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
}

#[tokio::test]
async fn health_is_there_over_grpc_web() {
    let gateway = a_gateway();
    gateway.readiness().set_serving(true);
    let reply = call(&gateway.service(), request(WEB, "/grpc.health.v1.Health/Check"), message(b"")).await;
    assert_eq!((reply.code(), reply.messages()), (Code::Ok, vec![(&[8, 1][..]).into()]));
}

async fn ask(
    gateway: GatewayService,
    question: v1::server_reflection_request::MessageRequest,
) -> Result<v1::server_reflection_response::MessageResponse, tonic::Status> {
    let question = v1::ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(gateway);
    let mut answers = client.server_reflection_info(futures::stream::iter([question])).await?.into_inner();
    Ok(answers.next().await.unwrap()?.message_response.unwrap())
}

#[tokio::test]
async fn reflection_lists_what_can_be_called() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;

    let gateway = a_gateway().service();
    let MessageResponse::ListServicesResponse(list) =
        ask(gateway, MessageRequest::ListServices(String::new())).await.unwrap()
    else {
        panic!("not a list");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "shop.v1.Orders",
        ]
    );
}

#[tokio::test]
async fn reflection_describes_methods_with_their_options_and_hides_internal_ones() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;

    let gateway = a_gateway().service();
    let mut pool = DescriptorPool::global();
    for file in ["bojagi/options/v1/options.proto", "shop.proto"] {
        let question = MessageRequest::FileByFilename(file.to_owned());
        let MessageResponse::FileDescriptorResponse(answer) = ask(gateway.clone(), question).await.unwrap() else {
            panic!("not a file");
        };
        for file in answer.file_descriptor_proto {
            assert!(!contains(&file, b"without a key") && !contains(&file, b"for anybody outside"));
            pool.decode_file_descriptor_proto(&file[..]).unwrap();
        }
    }
    let orders = pool.get_service_by_name("shop.v1.Orders").unwrap();
    let methods: Vec<_> = orders.methods().map(|method| method.name().to_owned()).collect();
    assert_eq!(methods, ["Get", "Look", "Describe", "Mine", "Sell", "Watch", "Follow", "Upload", "Talk"]);
    assert!(pool.get_service_by_name("shop.v1.Workshop").is_none());
    let commented: Vec<_> =
        orders.methods().filter_map(|method| Some((method.name().to_owned(), comment_of(&method)?))).collect();
    let expected = [("Look", " Looks at an order and changes nothing.\n"), ("Watch", " Tells of every change.\n")];
    assert_eq!(commented, expected.map(|(method, comment)| (method.to_owned(), comment.to_owned())));
    let policy = pool.get_extension_by_name("bojagi.options.v1.policy").unwrap();
    assert!(orders.methods().all(|method| method.options().has_extension(&policy)));

    let hidden = MessageRequest::FileContainingSymbol("shop.v1.Orders.Repair".to_owned());
    assert_eq!(ask(gateway, hidden).await.unwrap_err().code(), Code::NotFound);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The comment that stands before a method.
fn comment_of(method: &MethodDescriptor) -> Option<String> {
    let file = method.parent_file();
    let locations = &file.file_descriptor_proto().source_code_info.as_ref()?.location;
    let location = locations.iter().find(|location| location.path == method.path())?;
    location.leading_comments.clone()
}

#[tokio::test]
async fn reflection_knows_the_details_of_errors() {
    let question =
        v1::server_reflection_request::MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned());
    assert!(ask(a_gateway().service(), question).await.is_ok());
}

#[tokio::test]
async fn older_clients_reflect_with_v1alpha() {
    let question = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            "shop.v1.Orders".to_owned(),
        )),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(a_gateway().service());
    let mut answers = client.server_reflection_info(futures::stream::iter([question])).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(
        answer,
        v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(file)
            if file.file_descriptor_proto.len() == 1
    ));
}
