//! The layers in front of every handler, outermost first:
//!
//! 1. **trace**: the caller's trace goes on, or a new one begins; everything below belongs to it; the call is a span of it, and
//!    is counted;
//! 2. **identity**: a workload of this process, an account by its token, the workload at the other end of the connection, or
//!    nobody; where anybody may call, a token that does not hold is nobody's;
//! 3. **policy**: what the method's policy refuses is refused before a handler sees it;
//! 4. **deadline**: the caller's, or the default; its end is DEADLINE_EXCEEDED, and calls made below carry what is left;
//! 5. **panic**: a defect in a handler fails the call, not the process.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bojagi_api::policy::{self, Access, Method};
use bojagi_kernel::Failure;
use bojagi_telemetry::TraceContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use tonic::body::Body;
use tower::Service;

use crate::channel::InProcess;
use crate::served::Served;
use crate::tokens::{TokenFault, Verifier};
use crate::{Caller, CommonRefusal, Peer, answer, deadline};

/// How long a unary call may take when its caller does not say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A generated server behind the layers.
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    domain: &'static str,
    verifier: Arc<Verifier>,
}

impl<S> Guard<S> {
    /// Puts the layers in front of a server of the context `domain`.
    pub const fn new(inner: S, domain: &'static str, verifier: Arc<Verifier>) -> Self {
        Self { inner, domain, verifier }
    }
}

impl<S> Service<http::Request<Body>> for Guard<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let called_inside = request.extensions_mut().remove::<InProcess>();
        let method = policy::of(request.uri().path());
        let served = Served::begin(self.domain, method, trace_of(&request, called_inside.as_ref()));

        let admitted = identify(&request, called_inside.as_ref(), method, &self.verifier)
            .and_then(|caller| {
                method.map_or(Ok(()), |method| admit(method, &caller))?;
                Ok(caller)
            })
            .and_then(|caller| {
                deadline_of(&request, called_inside.as_ref(), method).map(|deadline| (caller, deadline))
            });
        let (caller, deadline) = match admitted {
            Ok(admitted) => admitted,
            Err(failure) => {
                let refused = served.end(answer::status(self.domain, failure).into_http());
                return Box::pin(std::future::ready(Ok(refused)));
            }
        };

        request.extensions_mut().insert(caller);
        let handled = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let domain = self.domain;
        let path = method.map_or("unknown", |method| method.path);
        Box::pin(served.trace().scope(async move {
            let outcome = match deadline {
                None => handled.await,
                Some(deadline) => {
                    let timed = tokio::time::timeout_at(deadline.into(), deadline::scope(deadline, handled));
                    match timed.await {
                        Ok(outcome) => outcome,
                        Err(_) => Ok(Ok(answer::status(domain, CommonRefusal::DeadlineExceeded.into()).into_http())),
                    }
                }
            };
            let answered = outcome.unwrap_or_else(|panic| {
                let failure = Failure::broken(format!("{path} panicked: {}", message_of(panic.as_ref())));
                Ok(answer::status(domain, failure).into_http())
            });
            answered.map(|answer| served.end(answer))
        }))
    }
}

/// The trace that the caller is in, if it says so.
fn trace_of(request: &http::Request<Body>, inside: Option<&InProcess>) -> Option<TraceContext> {
    match inside {
        Some(call) => call.trace.clone(),
        None => TraceContext::from_headers(request.headers()),
    }
}

fn identify(
    request: &http::Request<Body>,
    inside: Option<&InProcess>,
    method: Option<&Method>,
    verifier: &Verifier,
) -> Result<Caller, Failure> {
    if let Some(call) = inside {
        return Ok(Caller::Workload(call.workload));
    }
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        let peer = request.extensions().get::<Peer>();
        return Ok(peer.map_or(Caller::Anonymous, |peer| peer.caller(method)));
    };
    let bearer = header.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let account = bearer.ok_or(TokenFault::Malformed).and_then(|token| verifier.verify(token));
    match account {
        Ok(account) => Ok(Caller::Account(account)),
        // What is open to anybody is open to somebody whose token has run out: they could not even refresh it otherwise.
        Err(_) if method.is_some_and(|method| method.access == Access::Public) => Ok(Caller::Anonymous),
        Err(fault) => Err(fault.into()),
    }
}

/// What the policy of a method says to a caller.
fn admit(method: &Method, caller: &Caller) -> Result<(), CommonRefusal> {
    match (method.access, caller) {
        (Access::Public, _) | (Access::SignedIn, Caller::Account(_)) => Ok(()),
        (Access::Internal(workloads), Caller::Workload(name)) if workloads.contains(name) => Ok(()),
        (Access::Internal(_), _) => Err(CommonRefusal::WorkloadRequired),
        (Access::Roles(roles), Caller::Account(account)) if roles.iter().any(|role| account.has(*role)) => Ok(()),
        (Access::Roles(_), Caller::Account(_)) => Err(CommonRefusal::RoleRequired),
        (Access::SignedIn | Access::Roles(_), Caller::Anonymous) => Err(CommonRefusal::TokenMissing),
        (Access::SignedIn | Access::Roles(_), Caller::Workload(_)) => Err(CommonRefusal::AccountRequired),
    }
}

/// Until when the caller waits. A stream has no default: it lives as long as somebody listens.
fn deadline_of(
    request: &http::Request<Body>,
    inside: Option<&InProcess>,
    method: Option<&Method>,
) -> Result<Option<Instant>, Failure> {
    let now = Instant::now();
    if let Some(deadline) = inside.and_then(|call| call.deadline) {
        return if deadline > now { Ok(Some(deadline)) } else { Err(CommonRefusal::DeadlineExceeded.into()) };
    }
    if let Some(header) = request.headers().get("grpc-timeout") {
        let timeout = header.to_str().ok().and_then(deadline::parse_timeout).ok_or(CommonRefusal::MalformedTimeout)?;
        return Ok(Some(now + timeout));
    }
    let streams = method.is_some_and(|method| method.server_streaming);
    Ok((!streams).then(|| now + DEFAULT_TIMEOUT))
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
