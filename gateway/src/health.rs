//! `grpc.health.v1` for all services behind the gateway, or of another server, and the handle by which the owner says whether they serve.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::methods::{Methods, Unlisted};

/// What the owner says about everything that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotServing,
    Serving,
    /// Not serving, and never again: whoever watches is sent away.
    Leaving,
}

/// Says whether a gateway, or another server, is ready for calls. It is not, until told so. All clones are one.
#[derive(Clone, Debug)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::NotServing)) }
    }
}

impl Readiness {
    /// Sets what health checks are told. Calls are answered in either case. Without effect after [`leave`](Self::leave).
    pub fn set_serving(&self, serving: bool) {
        let wanted = if serving { State::Serving } else { State::NotServing };
        self.state.send_if_modified(|state| {
            let changes = *state != State::Leaving && *state != wanted;
            if changes {
                *state = wanted;
            }
            changes
        });
    }

    /// Whether health checks are told SERVING.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        *self.state.borrow() == State::Serving
    }

    /// Not ready, and never again: whoever watches is told, and sent away.
    pub fn leave(&self) {
        self.state.send_replace(State::Leaving);
    }

    /// The health service of a server with these services, and of the server itself (`""`).
    #[must_use]
    pub fn health_service(&self, services: Vec<String>) -> HealthServer<impl Health + use<>> {
        let services = services.into_iter().chain([String::new()]).collect();
        HealthServer::new(GatewayHealth { readiness: self.clone(), services, unlisted: Unlisted::default() })
    }
}

/// The health service for the services that have a method the gateway serves, and for the gateway itself (`""`).
pub(crate) fn service(readiness: &Readiness, methods: &Methods) -> HealthServer<impl Health + use<>> {
    let mut services = methods.services();
    services.insert(String::new());
    HealthServer::new(GatewayHealth { readiness: readiness.clone(), services, unlisted: methods.unlisted() })
}

struct GatewayHealth {
    readiness: Readiness,
    services: HashSet<String>,
    unlisted: Unlisted,
}

impl GatewayHealth {
    fn knows(&self, service: &str) -> bool {
        self.services.contains(service) || self.unlisted.find(&format!("/{service}/AnyMethod")).is_some()
    }
}

#[tonic::async_trait]
impl Health for GatewayHealth {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        if !self.knows(&request.get_ref().service) {
            return Err(Status::not_found("there is no such service here"));
        }
        let state = *self.readiness.state.borrow();
        Ok(Response::new(answer(state)))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        if !self.knows(&request.get_ref().service) {
            // The health protocol keeps such a watch open, in case the service appears later; the set of services here is fixed.
            let unknown = HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() };
            return Ok(Response::new(stream::iter([Ok(unknown)]).chain(stream::pending()).boxed()));
        }
        let states = WatchStream::new(self.readiness.state.subscribe());
        let answers = states.flat_map(|state| {
            let farewell = (state == State::Leaving).then(|| Err(Status::unavailable("the server is closing")));
            stream::iter([Ok(answer(state))].into_iter().chain(farewell))
        });
        Ok(Response::new(answers.boxed()))
    }
}

fn answer(state: State) -> HealthCheckResponse {
    let status = match state {
        State::Serving => ServingStatus::Serving,
        State::NotServing | State::Leaving => ServingStatus::NotServing,
    };
    HealthCheckResponse { status: status.into() }
}
