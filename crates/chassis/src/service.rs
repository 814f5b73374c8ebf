//! What a context is given, and what it hands to the process.

use std::convert::Infallible;
use std::sync::Arc;

use bojagi_events::Hears;
use bojagi_kernel::{Clock, ShopCalendar};
use bojagi_store::Store;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;

use crate::Pager;
use crate::channel::Handler;
use crate::guard::Guard;
use crate::tokens::Verifier;

/// What every context is given. Clones share everything.
#[derive(Clone)]
pub struct Context {
    /// Its own store, migrated.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The shop's days.
    pub calendar: ShopCalendar,
    /// Page tokens.
    pub pager: Pager,
    /// Verifies access tokens.
    pub verifier: Arc<Verifier>,
    /// Cancelled when the process is to end.
    pub stop: CancellationToken,
}

/// A group of consumers and the topics that it follows.
pub struct Subscription {
    /// What it reacts to.
    pub hears: Hears,
    /// The topics, such as `bojagi.order.v1`.
    pub topics: &'static [&'static str],
}

/// A context, composed: what it answers, what it hears, and what it does by itself.
pub struct Service {
    /// The name of the context.
    pub name: &'static str,
    /// Its gRPC services, guarded, by full name.
    pub handlers: Vec<(&'static str, Handler)>,
    /// What it hears.
    pub subscriptions: Vec<Subscription>,
    /// What it does by itself; each ends when the process is to end.
    pub tasks: Vec<BoxFuture<'static, ()>>,
    verifier: Arc<Verifier>,
}

impl Service {
    /// A context that does nothing yet.
    #[must_use]
    pub fn new(name: &'static str, context: &Context) -> Self {
        Self {
            name,
            handlers: Vec::new(),
            subscriptions: Vec::new(),
            tasks: Vec::new(),
            verifier: Arc::clone(&context.verifier),
        }
    }

    /// Answers the calls of a generated server.
    #[must_use]
    pub fn answers<S>(mut self, server: S) -> Self
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let guarded = Guard::new(server, self.name, Arc::clone(&self.verifier));
        self.handlers.push((S::NAME, Handler::new(guarded)));
        self
    }

    /// Reacts to facts told on `topics`.
    #[must_use]
    pub fn hears(mut self, hears: Hears, topics: &'static [&'static str]) -> Self {
        self.subscriptions.push(Subscription { hears, topics });
        self
    }

    /// Does `task` until the process is to end.
    #[must_use]
    pub fn does(mut self, task: impl Future<Output = ()> + Send + 'static) -> Self {
        self.tasks.push(Box::pin(task));
        self
    }
}
