#![doc = include_str!("../README.md")]

mod access_log;
mod admit;
mod answer_errors;
mod auth;
mod clean_headers;
mod config;
mod config_errors;
mod cors;
mod deadline;
mod dialect;
mod drain;
mod errors;
mod forward;
mod frame;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod grpc_timeout;
mod grpc_web;
mod health;
mod identity;
mod messages;
mod methods;
mod own_services;
mod policies;
mod reflection;
mod request_ids;
mod routes;
mod server;
mod stack;
mod tls;
mod upstream;
mod upstream_fault;

pub use auth::{AuthConfig, AuthMode};
pub use config::{
    ConnectionConfig, CorsConfig, DEFAULT_CONFIG, DeadlineConfig, DrainConfig, GatewayConfig, LogConfig, LogFormat,
    MessageConfig, ReloadConfig,
};
pub use config_errors::{ConfigErrors, ConfigMistake};
pub use gateway::{Gateway, GatewayBody, GatewayBuilder, GatewayFuture, GatewayService};
pub use health::Readiness;
pub use identity::{AuthenticationFailure, Authenticator, Identity};
pub use policies::{Access, AccessName, MethodPolicy, Policies, PoliciesConfig, PolicyErrors, PolicyRule, Streaming};
pub use routes::RouteConfig;
pub use server::{BindError, BoundGateway};
pub use tls::{ListenerTlsConfig, UpstreamTlsConfig};
pub use upstream::{Upstream, upstream};
