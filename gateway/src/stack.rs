//! What a request goes through, in order.

use std::sync::Arc;

use tower::{Service, ServiceBuilder};

use crate::account::Account;
use crate::admit::Admit;
use crate::answer_errors::AnswerErrors;
use crate::clean_headers::CleanHeaders;
use crate::client_address::TrustedProxies;
use crate::concurrency::LimitConcurrency;
use crate::config::GatewayConfig;
use crate::connect::Connect;
use crate::contracts::Contracts;
use crate::cors::{Cors, CorsRules};
use crate::deadline::Deadline;
use crate::documents::{Documents, JsonDocuments};
use crate::drain::{Drain, DrainSignal};
use crate::forward::Forward;
use crate::grpc_web::GrpcWeb;
use crate::identity::Authenticator;
use crate::messages::CheckMessages;
use crate::methods::Methods;
use crate::metrics::GatewayMetrics;
use crate::rate_limits::{Buckets, RateLimit};
use crate::request_ids::RequestIds;
use crate::retry::Retry;
use crate::transcode::Transcode;

/// All layers around the upstreams, as a type, so that a call needs no dynamic dispatch until it reaches one.
pub(crate) type Stack = Cors<
    CleanHeaders<
        RequestIds<
            Documents<
                GrpcWeb<
                    Connect<
                        Account<
                            AnswerErrors<
                                Drain<
                                    LimitConcurrency<
                                        Admit<RateLimit<Deadline<Transcode<CheckMessages<Retry<Forward>>>>>>,
                                    >,
                                >,
                            >,
                        >,
                    >,
                >,
            >,
        >,
    >,
>;

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

/// What the layers are made with.
pub(crate) struct Parts<'g> {
    pub(crate) config: &'g GatewayConfig,
    pub(crate) cors: CorsRules,
    pub(crate) proxies: TrustedProxies,
    pub(crate) metrics: &'g GatewayMetrics,
    pub(crate) methods: Methods,
    pub(crate) contracts: Arc<Contracts>,
    pub(crate) documents: JsonDocuments,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) drain: &'g DrainSignal,
}

/// Puts the layers together, outermost first.
pub(crate) fn stack(parts: Parts<'_>) -> Stack {
    let Parts { config, cors, proxies, metrics, methods, contracts, documents, authenticator, drain } = parts;
    ServiceBuilder::new()
        // A browser hides from the page any answer without CORS headers, so no answer may come from outside this layer.
        .layer(Cors::layer(cors))
        // Nothing further in may read a header that a client has no right to set.
        .layer(CleanHeaders::layer(proxies))
        // Even a request that is refused as no gRPC can be found by its id.
        .layer(RequestIds::layer())
        // What is no call is answered before anything asks which dialect it speaks.
        .layer(Documents::layer(documents))
        // Tells dialects apart and translates gRPC-Web; with the next layer, everything further in knows native gRPC only.
        .layer(GrpcWeb::layer(config.connections.header_list_bytes))
        // Translates the Connect protocol. A layer of its own, because its answers are written when they are complete.
        .layer(Connect::layer(Arc::clone(&contracts), methods.longest_request()))
        // Sees what the client gets, in native form: the true status, also when a layer further in made it.
        .layer(Account::layer(metrics.of_others()))
        // The one place where errors become answers; the layers below fail with a small error of their own.
        .layer(AnswerErrors::layer())
        // Reaches every call that still runs when the gateway has to go.
        .layer(Drain::layer(drain))
        // Before the first thing that costs something; a refusal for want of room has to be cheap.
        .layer(LimitConcurrency::layer(config.limits))
        // Finds the method and checks the caller before anything is spent on the call.
        .layer(Admit::layer(methods, authenticator))
        // Needs to know who calls, and what for; what it refuses has cost nothing but the check of a token.
        .layer(RateLimit::layer(Buckets::with_room_for(config.limits.max_rates)))
        // Bounds the time of everything that waits for the upstream; the bound depends on the method.
        .layer(Deadline::layer())
        // Translates JSON, which takes the contract of the method and is done for nobody who may not call it.
        .layer(Transcode::layer(contracts))
        // Lets nothing but well-formed messages pass to the upstream, and nothing but well-formed answers back.
        .layer(CheckMessages::layer())
        // Around the hop to the upstream alone: a request is checked once however often it is sent, the deadline holds for all attempts
        // together, and callers are counted and limited by calls, not by attempts.
        .layer(Retry::layer())
        .service(Forward)
}
