//! A gateway, from its configuration to a service that can be called.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use crate::client_address::TrustedProxies;
use crate::cluster::Cluster;
use crate::config::GatewayConfig;
use crate::config_errors::{ConfigErrors, ConfigMistake};
use crate::contracts::Contracts;
use crate::cors::CorsRules;
use crate::documents::JsonDocuments;
use crate::drain::DrainSignal;
use crate::health::Readiness;
use crate::identity::Authenticator;
use crate::methods::Methods;
use crate::metrics::GatewayMetrics;
use crate::openapi;
use crate::own_services;
use crate::policies::Policies;
use crate::routes::{RouteConfig, Routes};
use crate::server::Connections;
use crate::stack::{Parts, Stack, StackBody, StackFuture, stack};
use crate::upstream::Upstream;

/// Where the keys of tokens are published, as many who check tokens expect it.
const KEYS_PATH: &str = "/.well-known/jwks.json";

/// A gateway that is complete, but listens nowhere yet; see [`bind`](Self::bind).
#[derive(Clone)]
pub struct Gateway {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) drain: DrainSignal,
    pub(crate) connections: Arc<Connections>,
    pub(crate) metrics: GatewayMetrics,
    pub(crate) proxies: Arc<TrustedProxies>,
    /// The servers of the routes that lead out of the process, by prefix.
    pub(crate) clusters: Arc<Vec<(String, Cluster)>>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    readiness: Readiness,
    openapi: Bytes,
    service: GatewayService,
}

impl Gateway {
    /// Begins to put a gateway together.
    #[must_use]
    pub fn builder(config: GatewayConfig) -> GatewayBuilder {
        GatewayBuilder {
            config,
            policies: None,
            authenticator: None,
            routes: Routes::default(),
            clusters: Vec::new(),
            metrics: None,
        }
    }

    /// The description of what can be called with JSON: an OpenAPI 3.1 document.
    #[must_use]
    pub fn openapi(&self) -> Bytes {
        self.openapi.clone()
    }

    /// The gateway as a service, for callers in the same process.
    #[must_use]
    pub fn service(&self) -> GatewayService {
        self.service.clone()
    }

    /// Begins to drain, as if [`serve`](crate::BoundGateway::serve) had been asked to end.
    pub fn begin_drain(&self) {
        self.drain.asked.cancel();
    }

    /// The handle by which the owner says what health checks are told.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }
}

/// The parts of a gateway.
pub struct GatewayBuilder {
    config: GatewayConfig,
    policies: Option<Policies>,
    authenticator: Option<Arc<dyn Authenticator>>,
    routes: Routes,
    clusters: Vec<(String, Cluster)>,
    metrics: Option<GatewayMetrics>,
}

impl GatewayBuilder {
    /// The methods that there are and who may call them. Required.
    #[must_use]
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Who checks tokens. Required if any method that is served is not public.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Sends calls whose path begins with `prefix`, such as `/bojagi.order.v1.`, to `upstream`. The longest prefix wins.
    #[must_use]
    pub fn route(self, prefix: impl Into<String>, upstream: Upstream) -> Self {
        let config = self.config.route(prefix);
        self.configured_route(config, upstream)
    }

    /// Sends calls to `upstream` as the route says.
    #[must_use]
    pub fn configured_route(mut self, config: RouteConfig, upstream: Upstream) -> Self {
        self.routes.add(config, upstream);
        self
    }

    /// Sends calls to the servers of `cluster` as the route says, and shows the cluster to operators.
    #[must_use]
    pub fn cluster_route(mut self, config: RouteConfig, cluster: Cluster) -> Self {
        let upstream = cluster.upstream();
        self.clusters.push((config.prefix.clone(), cluster));
        self.configured_route(config, upstream)
    }

    /// Where calls are counted; without it, in counters of its own that nobody sees.
    #[must_use]
    pub fn metrics(mut self, metrics: GatewayMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Checks the parts and puts them together.
    ///
    /// # Errors
    /// All mistakes of the configuration and of the parts at once.
    pub fn build(self) -> Result<Gateway, ConfigErrors> {
        self.build_with(Lifetime::default())
    }

    /// The same for a gateway that comes in the place of another, so that both are ready, drain and end together.
    pub(crate) fn build_in_place_of(self, running: &Gateway) -> Result<Gateway, ConfigErrors> {
        self.build_with(Lifetime {
            drain: running.drain.clone(),
            readiness: running.readiness.clone(),
            metrics: running.metrics.clone(),
        })
    }

    fn build_with(self, lifetime: Lifetime) -> Result<Gateway, ConfigErrors> {
        let Lifetime { drain, readiness, metrics } = lifetime;
        let mut mistakes = self.config.mistakes();
        mistakes.extend(self.routes.mistakes());
        let Some(policies) = self.policies else {
            mistakes.push(ConfigMistake::new("policies", "are missing"));
            return Err(ConfigErrors(mistakes));
        };

        let metrics = self.metrics.unwrap_or(metrics);
        let mut methods = Methods::of(&policies, &self.routes, &metrics);
        if methods.needs_authenticator() && self.authenticator.is_none() {
            mistakes.push(ConfigMistake::new("authenticator", "is missing, although not all methods are public"));
        }
        if let Err(mistake) = own_services::add(&mut methods, &policies, &readiness, &self.config) {
            mistakes.push(mistake);
        }
        let tls = self.config.tls.acceptor().unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            None
        });
        let contracts = contracts_of(&policies).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Contracts::default()
        });
        let rules = (CorsRules::read(&self.config.cors), TrustedProxies::read(&self.config.proxies));
        let (cors, proxies) = match rules {
            (Ok(cors), Ok(proxies)) if mistakes.is_empty() => (cors, proxies),
            // What is wrong with them is among the mistakes of the configuration already.
            _ => return Err(ConfigErrors(mistakes)),
        };

        let openapi: Bytes = openapi::document(&self.config.openapi, &methods, &contracts).to_string().into();
        let documents = documents(&self.config, self.authenticator.clone(), &openapi);
        let stack = stack(Parts {
            config: &self.config,
            cors,
            proxies: proxies.clone(),
            metrics: &metrics,
            methods,
            contracts: Arc::new(contracts),
            documents,
            authenticator: self.authenticator.clone(),
            drain: &drain,
        });
        let connections = Arc::new(Connections::new(&self.config.connections, tls, drain.clone()));
        let service = GatewayService { stack };
        Ok(Gateway {
            config: Arc::new(self.config),
            drain,
            connections,
            metrics,
            proxies: Arc::new(proxies),
            clusters: Arc::new(self.clusters),
            authenticator: self.authenticator,
            readiness,
            openapi,
            service,
        })
    }
}

/// What the gateway answers to a GET.
fn documents(config: &GatewayConfig, authenticator: Option<Arc<dyn Authenticator>>, openapi: &Bytes) -> JsonDocuments {
    let mut documents = JsonDocuments::new();
    if config.openapi.serve {
        let openapi = openapi.clone();
        documents.insert(openapi::PATH, Arc::new(move || Some(openapi.clone())));
    }
    if let Some(authenticator) = authenticator {
        documents.insert(KEYS_PATH, Arc::new(move || authenticator.keys()));
    }
    documents
}

/// What a gateway shares with the one that comes in its place.
#[derive(Default)]
struct Lifetime {
    drain: DrainSignal,
    readiness: Readiness,
    metrics: GatewayMetrics,
}

/// The contracts of all methods that are known, those of the gateway's own services included.
fn contracts_of(policies: &Policies) -> Result<Contracts, ConfigMistake> {
    let of_services = Some(policies.descriptor_set()).filter(|set| !set.is_empty());
    Contracts::read(of_services.into_iter().chain([own_services::HEALTH]))
}

/// A gateway as a tower service. It takes HTTP requests with any body, and always answers.
#[derive(Clone)]
pub struct GatewayService {
    stack: Stack,
}

impl<B> Service<Request<B>> for GatewayService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<GatewayBody>;
    type Error = Infallible;
    type Future = GatewayFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.stack, cx)
    }

    fn call(&mut self, request: Request<B>) -> GatewayFuture {
        GatewayFuture { answer: self.stack.call(request) }
    }
}

pin_project! {
    /// The answer of a [`GatewayService`].
    pub struct GatewayFuture {
        #[pin]
        answer: StackFuture,
    }
}

impl Future for GatewayFuture {
    type Output = Result<Response<GatewayBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().answer.poll(cx).map_ok(|response| response.map(|inner| GatewayBody { inner }))
    }
}

pin_project! {
    /// The body of an answer of a [`GatewayService`].
    pub struct GatewayBody {
        #[pin]
        inner: StackBody,
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for GatewayService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayService").finish_non_exhaustive()
    }
}

impl fmt::Debug for GatewayBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayBody").field("is_end_stream", &self.is_end_stream()).finish()
    }
}
