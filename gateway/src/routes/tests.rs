use tonic::body::Body;
use tower::ServiceExt;

use super::*;
use crate::config::{DEFAULT_CONFIG, GatewayConfig};
use crate::upstream::upstream;

fn answering(status: u16) -> Upstream {
    upstream(tower::service_fn(move |_| async move {
        let mut response = http::Response::new(Body::empty());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Ok::<_, std::convert::Infallible>(response)
    }))
}

fn routes(prefixes: &[(&str, u16)]) -> Routes {
    let mut routes = Routes::default();
    for (prefix, status) in prefixes {
        routes.add(GatewayConfig::default().route(*prefix), answering(*status));
    }
    routes
}

/// The defaults with the lines of a test over them; its routes come instead of none.
fn config(routes: &str) -> Result<GatewayConfig, toml::de::Error> {
    let mut table: toml::Table = DEFAULT_CONFIG.parse().unwrap();
    table.extend(routes.parse::<toml::Table>().unwrap());
    table.try_into()
}

#[tokio::test]
async fn the_longest_prefix_wins_whatever_the_order() {
    let routes = routes(&[("/shop.", 201), ("/shop.order.v1.", 202), ("/shop.order.", 203)]);
    for (path, status) in
        [("/shop.order.v1.Orders/Get", 202), ("/shop.order.v2.Orders/Get", 203), ("/shop.item.v1.Items/Get", 201)]
    {
        let found = routes.find(path).unwrap().upstream.clone();
        let answer = found.oneshot(http::Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    assert!(routes.find("/other.v1.Things/Get").is_none());
}

#[test]
fn prefixes_are_checked() {
    let mistakes: Vec<_> =
        routes(&[("/a.", 200), ("b.", 200), ("/a.", 200)]).mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, ["route \"b.\": must begin with /", "route \"/a.\": is given twice"]);
}

#[test]
fn a_route_inherits_what_it_does_not_say() {
    let config = config(
        r#"
        [[routes]]
        prefix = "/shop.reports."
        endpoints = ["http://127.0.0.1:9001"]
        deadlines = {unary_default_ms = 120000}
        messages.max_response_bytes = 99

        [[routes]]
        prefix = "/"
        endpoints = ["http://127.0.0.1:9000", "https://shop.example:9000"]
        "#,
    )
    .unwrap();
    assert_eq!(config.mistakes(), Vec::new());
    let [reports, rest] = &config.routes[..] else { panic!("{:?}", config.routes) };
    assert_eq!(reports.deadlines, DeadlineConfig { unary_default_ms: 120_000, ..config.deadlines });
    assert_eq!(reports.messages, MessageConfig { max_response_bytes: 99, ..config.messages });
    assert_eq!((rest.deadlines, rest.messages), (config.deadlines, config.messages));
}

#[test]
fn the_short_form_survives_being_cut_at_its_commas() {
    let whole = config(r#"routes = ["/a.=http://127.0.0.1:1,http://127.0.0.1:2", "/=http://127.0.0.1:3"]"#).unwrap();
    let cut = config(r#"routes = ["/a.=http://127.0.0.1:1", "http://127.0.0.1:2", "/=http://127.0.0.1:3"]"#).unwrap();
    assert_eq!(whole, cut);
    let endpoints: Vec<_> = whole.routes.iter().map(|route| (&route.prefix[..], route.endpoints.len())).collect();
    assert_eq!(endpoints, [("/a.", 2), ("/", 1)]);
}

#[test]
fn what_is_no_route_is_told_with_its_place() {
    let told = |routes: &str| config(routes).unwrap_err().to_string();
    assert!(told(r#"routes = ["http://127.0.0.1:1", 7]"#).contains("\"http://127.0.0.1:1\" is not PREFIX=URL[,URL…]"));
    assert!(told(r#"routes = ["http://127.0.0.1:1", 7]"#).contains("routes[1]: a integer is no route"));
    assert!(told("routes = [{prefix = \"/\", deadline = 3}]").contains("unknown field `deadline`"));
    assert!(told("routes = [{prefix = \"/\", deadlines = {soon = 3}}]").contains("unknown field `soon`"));
}

#[test]
fn endpoints_are_urls_without_a_path() {
    let config = config(
        r#"routes = [{prefix = "/"}, {prefix = "/a", endpoints = ["shop:9000", "ftp://shop", "http://shop/x", "http://"]}]"#,
    )
    .unwrap();
    let mistakes: Vec<_> = config.mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "routes[0].endpoints: name no server",
            "routes[1].endpoints: \"shop:9000\" must be http://HOST:PORT or https://HOST:PORT",
            "routes[1].endpoints: \"ftp://shop\" must be http://HOST:PORT or https://HOST:PORT",
            "routes[1].endpoints: \"http://shop/x\" must end after the host or port",
            "routes[1].endpoints: \"http://\" is no URL",
        ]
    );
}
