//! The description of the API, from the contracts and policies of the shop.

use std::collections::BTreeSet;

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::client::{call, read, request, send};
use crate::support::gateway_with;
use crate::support::upstream::echo;

fn described() -> Value {
    serde_json::from_slice(&gateway_with(echo(), |_| {}).openapi()).unwrap()
}

#[test]
fn what_is_served_and_unary_is_described() {
    let document = described();
    assert_eq!(document["openapi"], "3.1.1");
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    let orders = ["Describe", "Get", "Look", "Mine", "Sell"].map(|name| format!("/shop.v1.Orders/{name}"));
    let expected: BTreeSet<_> = orders.into_iter().chain(["/grpc.health.v1.Health/Check".to_owned()]).collect();
    assert_eq!(
        paths.into_iter().collect::<BTreeSet<_>>(),
        expected,
        "no streams, nothing internal, nothing without policy"
    );
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    assert_eq!(tags, ["grpc.health.v1.Health", "shop.v1.Orders"]);
    assert_eq!(document["tags"][1]["description"], "Orders, from both sides of the counter.");
}

#[test]
fn an_operation_says_what_it_takes_and_gives_and_who_may_call() {
    let document = described();
    let paths = &document["paths"];
    let look = &paths["/shop.v1.Orders/Look"];
    let post = &look["post"];
    assert_eq!((&post["operationId"], &post["summary"]), (&"shop.v1.Orders.Look".into(), &"Look".into()));
    assert_eq!(post["description"], "Looks at an order and changes nothing.");
    let text = json!({"$ref": "#/components/schemas/shop.v1.Text"});
    assert_eq!(post["requestBody"]["content"]["application/json"]["schema"], text);
    assert_eq!(post["responses"]["200"]["content"]["application/json"]["schema"], text);
    assert_eq!(post["responses"]["default"], json!({"$ref": "#/components/responses/Error"}));
    assert_eq!(look["get"]["parameters"][2]["content"]["application/json"]["schema"], text);
    assert!(paths["/shop.v1.Orders/Get"].get("get").is_none(), "only what has no side effects goes by GET");

    let security = |name: &str| &paths[format!("/shop.v1.Orders/{name}")]["post"]["security"];
    assert_eq!(*security("Get"), json!([]));
    assert_eq!(*security("Mine"), json!([{"bearer": []}]));
    assert_eq!(*security("Sell"), json!([{"bearer": ["seller"]}, {"bearer": ["admin"]}]), "one of the roles is enough");
}

#[test]
fn every_kind_of_field_has_a_schema() {
    let document = described();
    let schemas = &document["components"]["schemas"];
    let message = &schemas["shop.v1.Everything"];
    assert_eq!((&message["type"], &message["additionalProperties"]), (&"object".into(), &false.into()));
    assert_eq!(message["description"], "A field of every kind.");
    let fields = &message["properties"];
    let count = json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$", "description": "More than a double can count."});
    assert_eq!(fields["count"], count);
    assert_eq!(fields["small"], json!({"type": "integer", "format": "int32"}));
    assert_eq!(fields["data"], json!({"type": "string", "contentEncoding": "base64"}));
    assert_eq!(fields["color"], json!({"$ref": "#/components/schemas/shop.v1.Color"}));
    assert_eq!(fields["when"], json!({"type": "string", "format": "date-time"}));
    assert_eq!(fields["note"], json!({"type": ["string", "null"]}));
    assert_eq!(fields["detail"]["required"], json!(["@type"]));
    let list = json!({"type": "array", "items": {"$ref": "#/components/schemas/shop.v1.Text"}});
    assert_eq!(fields["lineItems"], list);
    assert_eq!(fields["byKey"], json!({"type": "object", "additionalProperties": {"type": "string"}}));
    assert_eq!(message["allOf"], json!([{"not": {"required": ["either", "or"]}}]));

    let color = &schemas["shop.v1.Color"];
    assert_eq!(color["enum"], json!(["COLOR_UNSPECIFIED", "COLOR_GREEN"]));
    assert_eq!(
        color["description"],
        "The colours there are.\n* `COLOR_UNSPECIFIED`: Not said.\n* `COLOR_GREEN`: Green."
    );
    assert_eq!(schemas["connect.error"]["properties"]["code"]["enum"].as_array().unwrap().len(), 16);
}

#[test]
fn everything_that_is_referred_to_is_there_and_nothing_else() {
    let document = described();
    let mut referred = BTreeSet::new();
    collect_references(&document, &mut referred);
    for reference in &referred {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(referred.contains(&format!("#/components/schemas/{name}")), "{name} is described for nobody");
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn it_is_served_to_everybody_unless_it_is_switched_off() {
    let page = "https://tools.example";
    let gateway = gateway_with(echo(), |config| config.cors.allowed_origins = vec![page.to_owned()]);
    let asked = Request::get("/openapi.json").header("origin", page).body(Full::new(bytes::Bytes::new())).unwrap();
    let reply = read(send(&gateway.service(), asked).await).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.header("access-control-allow-origin"), Some(page));
    assert_eq!(reply.body, gateway.openapi());
    assert_eq!(
        call(&gateway.service(), request("text/plain", "/openapi.json"), "").await.status,
        415,
        "only GET is answered"
    );

    let silent = gateway_with(echo(), |config| config.openapi.serve = false);
    let asked = Request::get("/openapi.json").body(Full::new(bytes::Bytes::new())).unwrap();
    assert_eq!(read(send(&silent.service(), asked).await).await.status, 405);
}

#[test]
fn a_document_has_a_title_and_a_version() {
    let mut config = bojagi_gateway::GatewayConfig::default();
    config.openapi.title = " ".into();
    config.openapi.version = String::new();
    let options: Vec<_> = config.mistakes().iter().map(|mistake| mistake.option().to_owned()).collect();
    assert_eq!(options, ["openapi.title", "openapi.version"]);
}
