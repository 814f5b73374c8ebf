use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_gateway::{
    Admin, AuthenticationFailure, Authenticator, Cluster, ClusterPorts, DEFAULT_CONFIG, Gateway, GatewayConfig,
    Identity, LogFilter, TokenMemory,
};
use bojagi_telemetry::metrics::Metrics;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{GUARD, Listening, exchange, http1_request};
use crate::support::log::Log;
use crate::support::upstream::echo;
use crate::support::{FourTokens, builder_with, gateway_with, message, policies};

/// Takes every filter but one.
struct Filter(Mutex<String>);

impl LogFilter for Filter {
    fn get(&self) -> Result<String, String> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn set(&self, filter: &str) -> Result<(), String> {
        if filter == "=" {
            return Err("that is no filter".into());
        }
        *self.0.lock().unwrap() = filter.to_owned();
        Ok(())
    }
}

/// A gateway with an admin port, and what stops both.
struct Watched {
    gateway: Gateway,
    listens: std::net::SocketAddr,
    admin: std::net::SocketAddr,
    served: tokio::task::JoinHandle<()>,
}

impl Watched {
    async fn start() -> Self {
        Self::watch(gateway_with(echo(), |_| {})).await
    }

    async fn watch(gateway: Gateway) -> Self {
        let bound = gateway.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let filter = Arc::new(Filter(Mutex::new("info".into())));
        let admin = Admin::new(bound.running(), Metrics::of_process("1.2.3"), filter);
        let admin = admin.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (listens, admin_address) = (bound.local_addr(), admin.local_addr());
        let served = tokio::spawn(async move {
            let gateway = bound.serve(std::future::pending());
            let admin = admin.serve(std::future::pending());
            // The gateway ends when it has drained, and the admin port with it.
            tokio::select! { () = gateway => {}, () = admin => {} }
        });
        Self { gateway, listens, admin: admin_address, served }
    }

    /// Status line, headers, body.
    async fn ask(&self, request: &str, body: &str) -> (String, String, String) {
        let host = self.admin;
        let length = body.len();
        let request = format!(
            "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.ask_raw(&request).await
    }

    async fn ask_raw(&self, request: &str) -> (String, String, String) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let answer = exchange(&mut stream, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let (status, headers) = head.split_once("\r\n").unwrap();
        (status.trim_start_matches("HTTP/1.1 ").to_owned(), headers.to_owned(), body.to_owned())
    }
}

#[tokio::test]
async fn live_and_ready() {
    let watched = Watched::start().await;
    assert_eq!(watched.ask("GET /live", "").await.0, "200 OK");
    let (status, _, body) = watched.ask("GET /ready", "").await;
    assert_eq!((status.as_str(), body.as_str()), ("503 Service Unavailable", "not ready\n"));
    watched.gateway.readiness().set_serving(true);
    let (status, headers, body) = watched.ask("GET /ready", "").await;
    assert_eq!((status.as_str(), body.as_str()), ("200 OK", "ready\n"));
    assert!(headers.contains("cache-control: no-store"), "{headers}");
    assert_eq!(watched.ask("HEAD /ready", "").await.2, "", "a probe may ask for the head alone");
}

#[tokio::test]
async fn what_was_called_is_counted_with_the_connections() {
    let watched = Watched::start().await;
    let mut stream = TcpStream::connect(watched.listens).await.unwrap();
    let asked = http1_request("/shop.v1.Orders/Get", "connection: close\r\n", &message(b"hello"));
    assert!(exchange(&mut stream, &asked).await.contains("grpc-status:0"));

    let (_, headers, text) = watched.ask("GET /metrics", "").await;
    assert!(headers.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{headers}");
    for sample in [
        "bojagi_build_info{version=\"1.2.3\"} 1\n",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "bojagi_gateway_calls_handled_total{service=\"shop.v1.Orders\",method=\"Get\",dialect=\"grpc-web\",code=\"OK\"} 1\n",
        "bojagi_gateway_connections_accepted_total 1\n",
        "bojagi_gateway_call_duration_seconds_bucket{le=\"+Inf\",service=\"shop.v1.Orders\",method=\"Get\"} 1\n",
        "# EOF\n",
    ] {
        assert!(text.contains(sample), "{sample} in {text}");
    }
}

/// Knows nobody, and remembers what it never knew.
struct Remembering;

impl Authenticator for Remembering {
    fn verify(&self, _: &str) -> Result<Identity, AuthenticationFailure> {
        Err(AuthenticationFailure::Invalid)
    }

    fn memory(&self) -> Option<TokenMemory> {
        Some(TokenMemory { tokens: 2, hits: 50, misses: 3 })
    }
}

#[tokio::test]
async fn the_memory_of_tokens_is_shown_where_there_is_one() {
    let gateway = builder_with(echo(), |_| {}).authenticator(Arc::new(Remembering)).build().unwrap();
    let (_, _, text) = Watched::watch(gateway).await.ask("GET /metrics", "").await;
    for sample in [
        "# TYPE bojagi_gateway_tokens_remembered gauge\n",
        "bojagi_gateway_tokens_remembered 2\n",
        "bojagi_gateway_token_lookups_total{result=\"hit\"} 50\n",
        "bojagi_gateway_token_lookups_total{result=\"miss\"} 3\n",
    ] {
        assert!(text.contains(sample), "{sample} in {text}");
    }
    let (_, _, text) = Watched::start().await.ask("GET /metrics", "").await;
    assert!(!text.contains("token"), "{text}");
}

#[tokio::test]
async fn the_configuration_and_the_upstreams_are_json() {
    let watched = Watched::start().await;
    let (_, headers, body) = watched.ask("GET /config", "").await;
    assert!(headers.contains("content-type: application/json"), "{headers}");
    let config: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(config["deadlines"]["unary_default_ms"], 30_000);
    let (_, _, body) = watched.ask("GET /upstreams", "").await;
    let upstreams: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(upstreams, serde_json::json!({}), "the only upstream of this gateway is in its own process");
}

#[tokio::test]
async fn the_filter_of_the_log_is_read_and_changed() {
    let watched = Watched::start().await;
    assert_eq!(watched.ask("GET /log-level", "").await.2, "info\n");
    let (status, _, body) = watched.ask("PUT /log-level", "debug,h2=info\n").await;
    assert_eq!((status.as_str(), body.as_str()), ("200 OK", "debug,h2=info\n"));
    let (status, _, body) = watched.ask("PUT /log-level", "=").await;
    assert_eq!((status.as_str(), body.as_str()), ("400 Bad Request", "that is no filter\n"));
    assert_eq!(watched.ask("GET /log-level", "").await.2, "debug,h2=info\n");
    assert_eq!(watched.ask("PUT /log-level", &"x".repeat(20_000)).await.0, "413 Payload Too Large");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_asked_in_the_wrong_way() {
    let watched = Watched::start().await;
    for (request, status, allow) in [
        ("GET /nothing", "404 Not Found", ""),
        ("POST /nothing", "404 Not Found", ""),
        ("POST /ready", "405 Method Not Allowed", "allow: GET, HEAD"),
        ("DELETE /metrics", "405 Method Not Allowed", "allow: GET, HEAD"),
        ("POST /log-level", "405 Method Not Allowed", "allow: GET, HEAD, PUT"),
        ("GET /drain", "405 Method Not Allowed", "allow: POST"),
        ("GET /", "200 OK", ""),
    ] {
        let (told, headers, _) = watched.ask(request, "").await;
        assert_eq!(told, status, "{request}");
        assert!(headers.contains(allow), "{request}: {headers}");
    }
}

#[tokio::test]
async fn web_pages_are_kept_out() {
    let watched = Watched::start().await;
    for headers in [
        "host: 127.0.0.1\r\norigin: https://evil.example\r\n",
        "host: evil.example\r\n",
        "host: [::1]\r\nsec-fetch-site: cross-site\r\n",
    ] {
        let request = format!("POST /drain HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(watched.ask_raw(&request).await.0, "403 Forbidden", "{headers}");
    }
    assert!(!watched.served.is_finished());
}

#[tokio::test]
async fn drain_ends_the_gateway_in_an_orderly_way() {
    let watched = Watched::start().await;
    watched.gateway.readiness().set_serving(true);
    let (status, _, body) = watched.ask("POST /drain", "").await;
    assert_eq!((status.as_str(), body.as_str()), ("202 Accepted", "draining\n"));
    timeout(GUARD, watched.served).await.expect("the gateway ends").unwrap();
    assert!(!watched.gateway.readiness().is_serving());
    let refused = timeout(Duration::from_secs(5), TcpStream::connect(watched.listens)).await.unwrap();
    assert!(refused.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_servers_behind_a_route_are_shown_and_counted() {
    let server = Listening::before(echo()).await;
    let url = format!("http://{}", server.address);
    let mut table: toml::Table = DEFAULT_CONFIG.parse().unwrap();
    table.insert("routes".into(), vec![format!("/shop.v1.={url}")].into());
    let config: GatewayConfig = table.try_into().unwrap();
    let route = config.routes[0].clone();
    let cluster = Cluster::new(&route.endpoints, route.upstreams.clone(), ClusterPorts::default()).unwrap();
    let gateway = Gateway::builder(config)
        .policies(policies())
        .authenticator(Arc::new(FourTokens))
        .cluster_route(route, cluster)
        .build()
        .unwrap();
    let watched = Watched::watch(gateway).await;
    let log = Log::begin();
    let asked = http1_request("/shop.v1.Orders/Get", "connection: close\r\n", &message(b"hello"));
    let answer = exchange(&mut TcpStream::connect(watched.listens).await.unwrap(), &asked).await;
    assert!(answer.contains("grpc-status:0"), "{answer}");

    let (_, _, body) = watched.ask("GET /upstreams", "").await;
    let upstreams: serde_json::Value = serde_json::from_str(&body).unwrap();
    let endpoint = &upstreams["/shop.v1."]["endpoints"][0];
    assert_eq!((&endpoint["address"], &endpoint["calls"]), (&server.address.to_string().into(), &1.into()), "{body}");
    assert_eq!((&endpoint["connection"], &endpoint["failures"]), (&"connected".into(), &0.into()), "{body}");
    let (_, _, text) = watched.ask("GET /metrics", "").await;
    let labels = format!("{{route=\"/shop.v1.\",authority=\"{0}\",address=\"{0}\"}}", server.address);
    for sample in [format!("endpoint_calls_total{labels} 1\n"), format!("endpoint_usable{labels} 1\n")] {
        assert!(text.contains(&sample), "{sample} in {text}");
    }
    assert!(text.contains("bojagi_gateway_upstream_attempts_total{service=\"shop.v1.Orders\",method=\"Get\"} 1\n"));
    // The server is a gateway too, and logs the call as well; its own upstream is in the same process.
    let line = log.calls().into_iter().find(|line| line["upstream"].is_string()).unwrap();
    assert_eq!((&line["client"], &line["attempts"]), (&"127.0.0.1".into(), &1.into()));
    assert!(line["upstream"].as_str().unwrap().contains(&server.address.to_string()), "{line}");
}
