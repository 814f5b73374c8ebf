//! The port to the services behind the gateway.

use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

/// A gRPC server: one in the same process, or a client of one elsewhere. It is cloned for every call, so a clone must be cheap.
pub type Upstream = BoxCloneSyncService<http::Request<tonic::body::Body>, http::Response<tonic::body::Body>, BoxError>;

/// Makes an [`Upstream`] of any tower service that speaks gRPC, such as `tonic::service::Routes` or a generated server.
pub fn upstream<S>(service: S) -> Upstream
where
    S: Service<http::Request<tonic::body::Body>, Response = http::Response<tonic::body::Body>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    BoxCloneSyncService::new(service.map_err(Into::into))
}
