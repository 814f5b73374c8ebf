#![doc = include_str!("../README.md")]

mod access_log;
mod account;
mod admin;
mod admit;
mod answer_errors;
mod answer_status;
mod auth;
mod call_notes;
mod clean_headers;
mod client;
mod client_address;
mod cluster;
mod compression;
mod concurrency;
mod config;
mod config_errors;
mod connect;
mod contracts;
mod cors;
mod deadline;
mod dialect;
mod documents;
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
mod holding;
mod identity;
mod jwks;
mod long_work;
mod masked_url;
mod messages;
mod methods;
mod metrics;
mod openapi;
mod own_body;
mod own_services;
mod policies;
mod rate_limits;
mod reflection;
mod request_ids;
mod retry;
mod routes;
mod server;
mod stack;
mod standalone;
mod tls;
mod trace;
mod transcode;
mod upstream;
mod upstream_fault;

pub use admin::{Admin, AdminConfig, BoundAdmin, LogFilter, Operated};
pub use auth::{AuthConfig, AuthMode};
pub use client::ClusterClient;
pub use client_address::ProxiesConfig;
pub use cluster::{
    ByteStream, Cluster, ClusterConfig, ClusterPorts, ClusterStatus, Connector, EjectionConfig, EndpointConnection,
    EndpointHealth, EndpointStatus, HealthConfig, Resolver, SystemResolver, Target, TcpConnector,
};
pub use concurrency::LimitConfig;
pub use config::{
    ConnectionConfig, CorsConfig, DEFAULT_CONFIG, DeadlineConfig, DrainConfig, GatewayConfig, LogConfig, LogFormat,
    MessageConfig, ReloadConfig,
};
pub use config_errors::{ConfigErrors, ConfigMistake};
pub use gateway::{Gateway, GatewayBody, GatewayBuilder, GatewayFuture, GatewayService};
pub use health::Readiness;
pub use identity::{AuthenticationFailure, Authenticator, Identity, TokenMemory};
pub use jwks::{JwksAuthenticator, JwksConfig, KeySource, SourceError, TokenAlgorithm, UnixClock};
pub use metrics::GatewayMetrics;
pub use openapi::OpenApiConfig;
pub use policies::{Access, AccessName, MethodPolicy, Policies, PoliciesConfig, PolicyErrors, PolicyRule, Streaming};
pub use rate_limits::RateLimitConfig;
pub use retry::RetryConfig;
pub use routes::RouteConfig;
pub use server::{BindError, BoundGateway, RunningGateway};
pub use standalone::{ConfigSource, Standalone, StandaloneError, WatchedFiles};
pub use tls::{ListenerTlsConfig, UpstreamTls, UpstreamTlsConfig};
pub use upstream::{Upstream, upstream};
