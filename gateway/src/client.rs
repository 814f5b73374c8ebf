//! Calls that a program makes in its own name to the servers of a cluster: deadlines, the check of messages and retries as a route has them,
//! without the layers that are about clients whom nobody knows.

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::BodyExt;
use tonic::body::Body;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

use crate::admit::Admit;
use crate::answer_errors::AnswerErrors;
use crate::cluster::{Cluster, ClusterRefusal};
use crate::deadline::Deadline;
use crate::errors::Cause;
use crate::forward::Forward;
use crate::grpc_web::RequestFault;
use crate::messages::CheckMessages;
use crate::methods::Methods;
use crate::metrics::GatewayMetrics;
use crate::policies::Policies;
use crate::retry::Retry;
use crate::routes::{RouteConfig, Routes};
use crate::trace::MadeBy;
use crate::upstream_fault::UpstreamFault;

/// A client of a cluster. It always answers: what goes wrong on the way is a gRPC status. A clone is cheap.
pub type ClusterClient = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

impl Cluster {
    /// A client that calls the methods of `policies` in the name of `caller`, under which its spans are found, internal methods too: whether
    /// it may is for the servers to say. What holds for its calls stands in `route`. A call may say in `grpc-timeout` how long it has; each attempt tells what is left of that.
    ///
    /// When there are as many calls as may be at a time, one more is UNAVAILABLE like one that finds no server: to whoever calls it is the
    /// same, and a refusal by the server would mean something else.
    #[must_use]
    pub fn client(&self, caller: &'static str, policies: Policies, route: RouteConfig) -> ClusterClient {
        let mut routes = Routes::default();
        routes.add(RouteConfig { prefix: "/".to_owned(), ..route }, self.upstream());
        let methods = Methods::of(&policies.of_a_client(), &routes, &GatewayMetrics::default());
        BoxCloneSyncService::new(
            ServiceBuilder::new()
                .map_response(|answer: Response<_>| answer.map(Body::new))
                .layer(AnswerErrors::layer())
                .map_err(overload_is_absence)
                .map_request(move |mut request: Request<Body>| {
                    request.extensions_mut().insert(MadeBy(caller));
                    request.map(|body| body.map_err(|_| RequestFault::BrokenOff))
                })
                .layer(Admit::layer(methods, None))
                .layer(Deadline::layer())
                .layer(CheckMessages::layer())
                .layer(Retry::layer())
                .service(Forward),
        )
    }
}

fn overload_is_absence(cause: Cause) -> Cause {
    match cause {
        Cause::Upstream(UpstreamFault::Refused(ClusterRefusal::Overloaded)) => {
            UpstreamFault::Refused(ClusterRefusal::Unreachable).into()
        }
        other => other,
    }
}
