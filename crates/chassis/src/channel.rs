//! Calls between contexts.
//!
//! In one process the generated client calls the generated server without a socket: a call is looked up on the
//! [`Switchboard`] by the name of its service and goes through the same guard as a call from outside. What a call over the
//! wire would say in headers (who calls, until when, in which trace) goes along as an extension, which nobody outside the
//! process can set. To a service of another process, [`Elsewhere`] says the same in headers.

mod elsewhere;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use bojagi_telemetry::TraceContext;
use futures::future::{Either, Ready, ready};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tower::util::BoxCloneSyncService;

pub use self::elsewhere::Elsewhere;
use crate::deadline;

/// A guarded service: takes calls of one gRPC service by path.
pub type Handler = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// What goes along with a call inside the process.
#[derive(Debug, Clone)]
pub(crate) struct InProcess {
    pub(crate) workload: &'static str,
    pub(crate) deadline: Option<Instant>,
    pub(crate) trace: Option<TraceContext>,
}

/// All services of the process, by full name. Contexts get channels before it is connected, because they are built with them.
/// It has to be kept: with its last clone and the last way in, the services go, and with them what they hold.
#[derive(Clone, Default)]
pub struct Switchboard(Arc<Handlers>);

type Handlers = OnceLock<HashMap<&'static str, Handler>>;

impl Switchboard {
    /// Connects the services. Only the first call has an effect; false says that it was not the first.
    pub fn connect(&self, handlers: impl IntoIterator<Item = (&'static str, Handler)>) -> bool {
        self.0.set(handlers.into_iter().collect()).is_ok()
    }

    /// The channel by which the context `workload` calls others.
    #[must_use]
    pub fn channel(&self, workload: &'static str) -> Channel {
        Channel { handlers: Arc::downgrade(&self.0), workload }
    }

    /// A way in for calls from outside, such as a gateway's: they are whoever their headers prove them to be, or the
    /// [`Peer`](crate::Peer) that the server has put into their extensions.
    #[must_use]
    pub fn entrance(&self) -> Entrance {
        Entrance(self.clone())
    }

    /// The handler that takes calls of `path`.
    #[must_use]
    pub fn handler(&self, path: &str) -> Option<&Handler> {
        handler(&self.0, path)
    }
}

fn handler<'a>(handlers: &'a Handlers, path: &str) -> Option<&'a Handler> {
    let service = path.strip_prefix('/')?.split('/').next()?;
    handlers.get()?.get(service)
}

/// By which one context calls others; made for the generated clients: `StockServiceClient::new(channel)`.
#[derive(Clone)]
pub struct Channel {
    /// Not held: the services that are called hold channels themselves.
    handlers: Weak<Handlers>,
    workload: &'static str,
}

/// Takes calls from outside. What only the process itself may say of a call is removed.
#[derive(Clone)]
pub struct Entrance(Switchboard);

impl Service<http::Request<Body>> for Entrance {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Called, Ready<Result<http::Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        request.extensions_mut().remove::<InProcess>();
        match self.0.handler(request.uri().path()) {
            Some(handler) => Either::Left(handler.clone().call(request)),
            None => Either::Right(ready(Ok(Status::unimplemented("there is no such service").into_http()))),
        }
    }
}

type Called = <Handler as Service<http::Request<Body>>>::Future;

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Called, Ready<Result<http::Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let handlers = self.handlers.upgrade();
        let Some(mut handler) = handlers.and_then(|handlers| handler(&handlers, request.uri().path()).cloned()) else {
            return Either::Right(ready(Ok(Status::unavailable("the service is not there").into_http())));
        };
        request.extensions_mut().insert(InProcess {
            workload: self.workload,
            deadline: deadline::current(),
            trace: TraceContext::current(),
        });
        Either::Left(handler.call(request))
    }
}
