//! Lets in calls of methods that exist, from callers that may make them.
//!
//! Place: inside the layer that answers errors; before the deadline, which depends on the method, and before anything that costs the
//! upstream work. Whether the thing asked for is the caller's own is for the service to decide.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::call_notes::CallNotes;
use crate::connect::ConnectFault;
use crate::errors::Cause;
use crate::identity::{AuthenticationFailure, Authenticator, Identity};
use crate::methods::{Call, Method, Methods};
use crate::policies::Access;

/// The method does not exist, as far as callers are concerned.
#[derive(Debug, thiserror::Error)]
#[error("there is no method {path}")]
pub(crate) struct UnknownMethod {
    path: String,
}

/// No token where one is needed.
#[derive(Debug, thiserror::Error)]
#[error("the method needs a bearer token")]
pub(crate) struct TokenMissing;

/// A token of somebody without the roles; `roles` lists those of which one would do.
#[derive(Debug, thiserror::Error)]
#[error("the method needs a role that the caller does not have")]
pub(crate) struct RoleRequired {
    pub(crate) roles: String,
}

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Admit<S> {
    inner: S,
    door: Arc<Door>,
}

struct Door {
    methods: Methods,
    /// Absent where every method is public.
    authenticator: Option<Arc<dyn Authenticator>>,
}

impl<S> Admit<S> {
    pub(crate) fn layer(
        methods: Methods,
        authenticator: Option<Arc<dyn Authenticator>>,
    ) -> impl Layer<S, Service = Self> {
        let door = Arc::new(Door { methods, authenticator });
        tower::layer::layer_fn(move |inner| Self { inner, door: Arc::clone(&door) })
    }
}

impl<S, B, R> Service<Request<B>> for Admit<S>
where
    S: Service<Call<B>, Response = Response<R>, Error = Cause> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<R>;
    type Error = Cause;
    type Future = AdmitFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let Some(method) = self.door.methods.find(path).cloned() else {
            return AdmitFuture::refused(UnknownMethod { path: path.to_owned() });
        };
        CallNotes::of(&request).method_found(&method.metrics);
        // What could not be translated is told here, where it looks like any other refusal.
        if let Some(fault) = request.extensions().get::<ConnectFault>() {
            return AdmitFuture::refused(fault.clone());
        }
        match self.door.check(&method.policy.access, request.headers()) {
            Ok(identity) => AdmitFuture::LetIn { answer: self.inner.call(let_in(method, request, identity)) },
            Err(cause) => match self.door.wait_after(&cause) {
                None => AdmitFuture::refused(cause),
                Some(wait) => {
                    let (door, mut inner) = (Arc::clone(&self.door), self.inner.clone());
                    let answer = Box::pin(async move {
                        wait.await;
                        let identity = door.check(&method.policy.access, request.headers())?;
                        inner.call(let_in(method, request, identity)).await
                    });
                    AdmitFuture::Waiting { answer }
                }
            },
        }
    }
}

pin_project! {
    /// The answer to a call.
    #[project = ProjectedFuture]
    pub(crate) enum AdmitFuture<F, R> {
        /// It may be made.
        LetIn { #[pin] answer: F },
        /// It may be made or not, once there are keys that tell.
        Waiting { answer: BoxFuture<'static, Result<Response<R>, Cause>> },
        /// It may not be made, as is told once.
        Refused { cause: Option<Cause> },
    }
}

impl<F, R> AdmitFuture<F, R> {
    fn refused(cause: impl Into<Cause>) -> Self {
        Self::Refused { cause: Some(cause.into()) }
    }
}

impl<F, R> Future for AdmitFuture<F, R>
where
    F: Future<Output = Result<Response<R>, Cause>>,
{
    type Output = Result<Response<R>, Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ProjectedFuture::LetIn { answer } => answer.poll(cx),
            ProjectedFuture::Waiting { answer } => answer.as_mut().poll(cx),
            ProjectedFuture::Refused { cause } => cause.take().map_or(Poll::Pending, |cause| Poll::Ready(Err(cause))),
        }
    }
}

fn let_in<B>(method: Arc<Method>, mut request: Request<B>, identity: Option<Identity>) -> Call<B> {
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    Call { method, request }
}

impl Door {
    /// Who calls, where that has to be known.
    fn check(&self, access: &Access, headers: &HeaderMap) -> Result<Option<Identity>, Cause> {
        match access {
            Access::Public => Ok(None),
            Access::SignedIn => self.identify(headers).map(Some),
            Access::OneOf(roles) => {
                let identity = self.identify(headers)?;
                let has_one = roles.iter().any(|role| identity.roles.contains(role));
                if has_one { Ok(Some(identity)) } else { Err(RoleRequired { roles: roles.join(", ") }.into()) }
            }
            // Internal methods are never put into the list; if one were, no token would open it.
            Access::Internal => Err(AuthenticationFailure::Invalid.into()),
        }
    }

    /// What to wait for before the same question is asked once more, if that may have another answer.
    fn wait_after(&self, cause: &Cause) -> Option<BoxFuture<'static, ()>> {
        let no_keys = matches!(cause, Cause::Token(AuthenticationFailure::Unavailable));
        self.authenticator.as_ref().filter(|_| no_keys).and_then(|authenticator| authenticator.wait())
    }

    fn identify(&self, headers: &HeaderMap) -> Result<Identity, Cause> {
        let token = bearer_token(headers)?;
        let authenticator = self.authenticator.as_ref().ok_or(AuthenticationFailure::Unavailable)?;
        Ok(authenticator.verify(token)?)
    }
}

/// The token of the `authorization` header. Two headers are refused, because it would depend on the reader which of them counts.
fn bearer_token(headers: &HeaderMap) -> Result<&str, Cause> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(TokenMissing)?;
    if values.next().is_some() {
        return Err(AuthenticationFailure::Invalid.into());
    }
    let text = value.to_str().map_err(|_| AuthenticationFailure::Invalid)?;
    let (scheme, token) = text.split_once(' ').ok_or(TokenMissing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(TokenMissing.into());
    }
    Ok(token)
}
