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

use crate::config::GatewayConfig;
use crate::config_errors::{ConfigErrors, ConfigMistake};
use crate::cors::CorsRules;
use crate::drain::DrainSignal;
use crate::health::Readiness;
use crate::identity::Authenticator;
use crate::methods::Methods;
use crate::own_services;
use crate::policies::Policies;
use crate::routes::{RouteConfig, Routes};
use crate::stack::{Stack, StackBody, StackFuture, stack};
use crate::upstream::Upstream;

/// A gateway that is complete, but listens nowhere yet; see [`bind`](Self::bind).
#[derive(Clone)]
pub struct Gateway {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) drain: DrainSignal,
    readiness: Readiness,
    service: GatewayService,
}

impl Gateway {
    /// Begins to put a gateway together.
    #[must_use]
    pub fn builder(config: GatewayConfig) -> GatewayBuilder {
        GatewayBuilder { config, policies: None, authenticator: None, routes: Routes::default() }
    }

    /// The gateway as a service, for callers in the same process.
    #[must_use]
    pub fn service(&self) -> GatewayService {
        self.service.clone()
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

    /// Checks the parts and puts them together.
    ///
    /// # Errors
    /// All mistakes of the configuration and of the parts at once.
    pub fn build(self) -> Result<Gateway, ConfigErrors> {
        let mut mistakes = self.config.mistakes();
        mistakes.extend(self.routes.mistakes());
        let Some(policies) = self.policies else {
            mistakes.push(ConfigMistake::new("policies", "are missing"));
            return Err(ConfigErrors(mistakes));
        };

        let mut methods = Methods::of(&policies, &self.routes);
        if methods.needs_authenticator() && self.authenticator.is_none() {
            mistakes.push(ConfigMistake::new("authenticator", "is missing, although not all methods are public"));
        }
        let readiness = Readiness::default();
        if let Err(mistake) = own_services::add(&mut methods, &policies, &readiness, &self.config) {
            mistakes.push(mistake);
        }
        let cors = match CorsRules::read(&self.config.cors) {
            Ok(cors) if mistakes.is_empty() => cors,
            // Mistakes of CORS are among those of the configuration already.
            _ => return Err(ConfigErrors(mistakes)),
        };

        let drain = DrainSignal::default();
        let stack = stack(&self.config, cors, methods, self.authenticator, &drain);
        Ok(Gateway { config: Arc::new(self.config), drain, readiness, service: GatewayService { stack } })
    }
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
