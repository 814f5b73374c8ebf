//! The description of what can be called with JSON, as an OpenAPI 3.1 document: made of the contracts and the policies of the methods that
//! are served, with the comments of the contracts. <https://spec.openapis.org/oas/v3.1.1.html>

mod comments;
mod schemas;

use prost_reflect::MethodDescriptor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::comments::Comments;
use self::schemas::{Schemas, is_deprecated};
use crate::config_errors::ConfigMistake;
use crate::contracts::{Contracts, only_looks};
use crate::methods::Methods;
use crate::policies::{Access, MethodPolicy, Streaming};

/// Where the document is served.
pub(crate) const PATH: &str = "/openapi.json";

/// What the API is called, and whether it is described to everybody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OpenApiConfig {
    /// Whether `GET /openapi.json` is answered.
    pub serve: bool,
    /// The title of the document.
    pub title: String,
    /// The version of the API that the document names.
    pub version: String,
}

impl OpenApiConfig {
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        let required = [("openapi.title", &self.title), ("openapi.version", &self.version)];
        let missing = required.into_iter().filter(|(_, value)| value.trim().is_empty());
        missing.map(|(option, _)| ConfigMistake::new(option, "must not be empty")).collect()
    }
}

/// The document: every unary method that is served and whose contract is known. Streams cannot be called with JSON and are left out.
pub(crate) fn document(config: &OpenApiConfig, methods: &Methods, contracts: &Contracts) -> Value {
    let mut writer = Writer::default();
    let mut served: Vec<_> =
        contracts.methods().filter_map(|(path, contract)| Some((methods.find(path)?, contract))).collect();
    served.sort_by_key(|(method, _)| &method.policy.path);
    for (method, contract) in served {
        // The policy may say more than the contract, and a rule may have changed it.
        if method.policy.streaming == Streaming::Unary {
            writer.add(&method.policy, contract);
        }
    }
    writer.finish(config)
}

#[derive(Default)]
struct Writer {
    comments: Comments,
    schemas: Schemas,
    paths: Map<String, Value>,
    tags: Vec<Value>,
}

impl Writer {
    fn add(&mut self, policy: &MethodPolicy, contract: &MethodDescriptor) {
        let service = contract.parent_service();
        if self.tags.last().is_none_or(|tag| tag["name"] != service.full_name()) {
            let description = self.comments.of(service).unwrap_or_default();
            self.tags.push(json!({"name": service.full_name(), "description": description}));
        }
        let input = self.schemas.of_message(&contract.input(), &mut self.comments);
        let output = self.schemas.of_message(&contract.output(), &mut self.comments);
        let description = self.comments.of(contract).unwrap_or_default();
        let operation = json!({
            "operationId": contract.full_name(),
            "tags": [service.full_name()],
            "summary": contract.name(),
            "description": description,
            "deprecated": is_deprecated(&contract.options()),
            "security": security(&policy.access),
            "responses": {
                "200": {"description": "The answer.", "content": {"application/json": {"schema": output}}},
                "default": {"$ref": "#/components/responses/Error"},
            },
        });
        let mut path = json!({"post": operation});
        path["post"]["parameters"] = json!([{"$ref": "#/components/parameters/Timeout"}]);
        path["post"]["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": input}}});
        if only_looks(contract) {
            path["get"] = operation_by_get(&operation, contract, &input);
        }
        self.paths.insert(policy.path.clone(), path);
    }

    fn finish(self, config: &OpenApiConfig) -> Value {
        let mut schemas = self.schemas.into_map();
        schemas.insert("connect.error".into(), error_schema());
        json!({
            "openapi": "3.1.1",
            "info": {
                "title": config.title,
                "version": config.version,
                "description": "Unary methods of gRPC services, called with JSON in the form of the Connect protocol. Fields that are absent have the default of their type.",
            },
            "servers": [{"url": "/"}],
            "tags": self.tags,
            "paths": self.paths,
            "components": {
                "schemas": schemas,
                "parameters": {"Timeout": timeout_parameter()},
                "responses": {"Error": error_response()},
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "An access token."}},
            },
        })
    }
}

/// Each entry is enough by itself, so that one of several roles will do.
fn security(access: &Access) -> Value {
    match access {
        Access::Public | Access::Internal => json!([]),
        Access::SignedIn => json!([{"bearer": []}]),
        Access::OneOf(roles) => roles.iter().map(|role| json!({"bearer": [role]})).collect(),
    }
}

fn operation_by_get(operation: &Value, contract: &MethodDescriptor, input: &Value) -> Value {
    let mut by_get = operation.clone();
    by_get["operationId"] = format!("{}.get", contract.full_name()).into();
    by_get["parameters"] = json!([
        {"$ref": "#/components/parameters/Timeout"},
        {"name": "encoding", "in": "query", "required": true, "schema": {"const": "json"}},
        {"name": "message", "in": "query", "required": true, "content": {"application/json": {"schema": input}}},
    ]);
    by_get
}

fn timeout_parameter() -> Value {
    json!({
        "name": "connect-timeout-ms",
        "in": "header",
        "description": "Milliseconds after which nobody waits for the answer any more.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,10}$"},
    })
}

fn error_response() -> Value {
    json!({
        "description": "The call was refused or has failed.",
        "content": {"application/json": {"schema": schemas::reference("connect.error")}},
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a call was refused or has failed.",
        "required": ["code"],
        "properties": {
            "code": {
                "type": "string",
                "description": "The kind of error; the HTTP status follows from it.",
                "enum": crate::connect::ERROR_CODES,
            },
            "message": {"type": "string", "description": "A sentence for developers."},
            "details": {
                "type": "array",
                "description": "What a program can act upon, such as google.rpc.ErrorInfo with the reason.",
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {
                        "type": {"type": "string", "description": "The full name of the message."},
                        "value": {"type": "string", "contentEncoding": "base64", "description": "The message as protobuf."},
                        "debug": {"description": "The message as JSON, for people."},
                    },
                },
            },
        },
    })
}
