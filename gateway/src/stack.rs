//! What a request goes through, in order.

use std::sync::Arc;

use tower::{Service, ServiceBuilder};

use crate::access_log::AccessLog;
use crate::admit::Admit;
use crate::answer_errors::AnswerErrors;
use crate::clean_headers::CleanHeaders;
use crate::config::GatewayConfig;
use crate::cors::{Cors, CorsRules};
use crate::deadline::Deadline;
use crate::drain::{Drain, DrainSignal};
use crate::forward::Forward;
use crate::grpc_web::GrpcWeb;
use crate::identity::Authenticator;
use crate::messages::CheckMessages;
use crate::methods::Methods;
use crate::request_ids::RequestIds;

/// All layers around the upstreams, as a type, so that a call needs no dynamic dispatch until it reaches one.
pub(crate) type Stack =
    Cors<CleanHeaders<RequestIds<GrpcWeb<AccessLog<AnswerErrors<Drain<Admit<Deadline<CheckMessages<Forward>>>>>>>>>>;

/// The future of the stack. It does not depend on the body of the request, which is boxed for the upstream.
pub(crate) type StackFuture = <Stack as Service<http::Request<tonic::body::Body>>>::Future;

/// The body that comes out of the stack.
pub(crate) type StackBody = <<Stack as Service<http::Request<tonic::body::Body>>>::Response as IntoBody>::Body;

/// Names the body of a response type.
pub(crate) trait IntoBody {
    type Body;
}

impl<B> IntoBody for http::Response<B> {
    type Body = B;
}

/// Puts the layers together, outermost first.
pub(crate) fn stack(
    config: &GatewayConfig,
    cors: CorsRules,
    methods: Methods,
    authenticator: Option<Arc<dyn Authenticator>>,
    drain: &DrainSignal,
) -> Stack {
    ServiceBuilder::new()
        // A browser hides from the page any answer without CORS headers, so no answer may come from outside this layer.
        .layer(Cors::layer(cors))
        // Nothing further in may read a header that a client has no right to set.
        .layer(CleanHeaders::layer())
        // Even a request that is refused as no gRPC can be found by its id.
        .layer(RequestIds::layer())
        // Translates, so that everything further in knows one dialect only.
        .layer(GrpcWeb::layer(config.connections.header_list_bytes))
        // Sees what the client gets, in native form: the true status, also when a layer further in made it.
        .layer(AccessLog::layer())
        // The one place where errors become answers; the layers below fail with a small error of their own.
        .layer(AnswerErrors::layer())
        // Reaches every call that still runs when the gateway has to go.
        .layer(Drain::layer(drain))
        // Finds the method and checks the caller before anything is spent on the call.
        .layer(Admit::layer(methods, authenticator))
        // Bounds the time of everything that waits for the upstream; the bound depends on the method.
        .layer(Deadline::layer())
        // Lets nothing but well-formed messages pass to the upstream, and nothing but well-formed answers back.
        .layer(CheckMessages::layer())
        .service(Forward)
}
