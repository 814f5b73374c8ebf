//! `bojagi gateway` as its user sees it: the real binary, its lines, its signals and its exit codes.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use bojagi_testkit::eventually;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const GUARD: Duration = Duration::from_secs(30);

/// A gRPC service that the gateway has never heard of; it has a stream in both directions, too.
async fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(bojagi_api::FILE_DESCRIPTOR_SET)
        .build_v1()
        .unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(reflection.clone());
            tokio::spawn(async move {
                let http = auto::Builder::new(TokioExecutor::new()).http2_only();
                // How a connection ends is for its other end to judge.
                let _ended = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    url
}

/// The names of the services that it has, asked through the gateway.
async fn services_behind(gateway: SocketAddr) -> Result<Vec<String>, tonic::Status> {
    let channel = Channel::from_shared(format!("http://{gateway}")).unwrap().connect().await.unwrap();
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::iter([question])).await?.into_inner();
    let answer = timeout(GUARD, answers.message()).await.unwrap()?.unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("not a list: {answer:?}") };
    Ok(list.service.into_iter().map(|service| service.name).collect())
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bojagi"));
    command.arg("gateway").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A gateway that runs. It is killed if the test ends without stopping it.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    first_line: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first_line = lines.next().unwrap().unwrap();
        Self { child, lines, first_line }
    }

    fn address(&self) -> SocketAddr {
        self.first_line.strip_prefix("gateway listening on http://").unwrap().parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a gateway ends that does not start: its exit code, and what it says about it.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_line_says_where_it_listens_and_services_it_has_never_seen_are_behind_it() {
    let service = service().await;
    let route = format!("/={service}");
    for signal in ["TERM", "INT"] {
        let arguments = ["--listen", "127.0.0.1:0", "--route", &route, "--auth", "off"];
        let mut running = Running::start(&mut command(&arguments));
        assert_eq!(running.first_line, format!("gateway listening on http://{}", running.address()));
        assert_ne!(running.address().port(), 0);
        let services = services_behind(running.address()).await.unwrap();
        assert!(services.contains(&"bojagi.order.v1.OrderService".to_owned()), "{services:?}");

        running.signal(signal);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(running.lines.next().is_none(), "nothing else goes to standard output");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_come_before_the_environment_and_the_environment_before_the_file() {
    let (taken, service) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), service().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let text = format!(
        "listen = \"{}\"\nauth.mode = \"jwks\"\nroutes = [\"/nothing.=http://127.0.0.1:1\"]",
        taken.local_addr().unwrap()
    );
    std::fs::write(&file, text).unwrap();
    let running = Running::start(
        command(&["--auth", "off", "--config", file.to_str().unwrap()])
            .env("BOJAGI_GATEWAY__AUTH__MODE", "nonsense, were it not for the flag")
            .env("BOJAGI_GATEWAY__LISTEN", "127.0.0.1:0")
            .env("BOJAGI_GATEWAY__ROUTES", format!("/nothing.=http://127.0.0.1:1,/={service},{service}"))
            .env("BOJAGI_ORDER__DEADLINE_SECONDS", "is of no concern"),
    );
    assert!(services_behind(running.address()).await.is_ok());
}

#[test]
fn all_mistakes_are_told_at_once_before_a_socket_opens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, "colour = 1\n[connections]\nmax = \"many\"").unwrap();
    let (code, told) = refused(
        command(&["--listen", "somewhere", "--route", "shop", "--log", "=,", "--config", file.to_str().unwrap()])
            .env("BOJAGI_GATEWAY__DRAIN__GRACE_MS", "soon"),
    );
    assert_eq!(code, Some(64), "{told}");
    for expected in [
        "gateway.toml: colour: there is no such setting",
        "gateway.toml: connections: max: expected integer, found string",
        "BOJAGI_GATEWAY__DRAIN__GRACE_MS: \"soon\" is not a value of",
        "listen: invalid socket address",
        "routes: \"shop\" is not PREFIX=URL[,URL…]",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }

    let (code, told) = refused(&mut command(&["--route", "/=shop:9000", "--log", "=,"]));
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("log.filter: "), "{told}");
    let (code, told) = refused(&mut command(&["--auth", "off", "--route", "/=shop:9000", "--descriptor-set", "/no"]));
    assert_eq!(code, Some(64), "{told}");
    for expected in ["routes[0].endpoints: \"shop:9000\"", "policies.descriptor_set: /no: No such file"] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let (code, told) = refused(
        command(&["--auth", "off", "--route", "/=http://127.0.0.1:1"])
            .env("BOJAGI_TELEMETRY__ENDPOINT", "https://localhost:4317")
            .env("BOJAGI_TELEMETRY__CA_FILE", "/no/such/ca.pem"),
    );
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("telemetry.ca_file, certificate_file and key_file: /no/such/ca.pem: No such file"), "{told}");
    let (code, told) = refused(&mut command(&["--config", "/no/such/file.toml"]));
    assert_eq!((code, told.contains("/no/such/file.toml: No such file")), (Some(64), true), "{told}");
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, told) =
        refused(&mut command(&["--listen", &address, "--route", "/=http://127.0.0.1:1", "--auth", "off"]));
    assert_eq!((code, told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.starts_with(&format!("bojagi: cannot listen on {address}: ")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_makes_it_read_its_file_again() {
    let service = service().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let write = |file: &Path, prefix: &str| {
        let routes = format!("routes = [\"{prefix}={service}\"]\n");
        std::fs::write(file, format!("{routes}auth.mode = \"off\"\nreload.watch_ms = 0")).unwrap();
    };
    write(&file, "/elsewhere.");
    let running = Running::start(&mut command(&["--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()]));
    assert_eq!(services_behind(running.address()).await.unwrap_err().code(), tonic::Code::Unimplemented);
    write(&file, "/");
    running.signal("HUP");
    eventually("the new route is open", async || services_behind(running.address()).await.is_ok()).await;
}
