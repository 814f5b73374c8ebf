//! Cross-origin requests: answers preflights, and makes every answer, refusals included, readable by the pages that may call.
//!
//! Place: outermost, because a browser hides from the page whatever comes back without these headers. A preflight never goes further in.
//! It does not keep other clients out: CORS binds browsers only.

mod rules;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub(crate) use rules::CorsRules;

/// Headers that a page can read without being told, and headers that speak of CORS itself.
const NOT_TO_EXPOSE: [&str; 8] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
    "vary",
];

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct Cors<S> {
    inner: S,
    rules: Arc<CorsRules>,
}

impl<S> Cors<S> {
    pub(crate) fn layer(rules: CorsRules) -> impl Layer<S, Service = Self> {
        let rules = Arc::new(rules);
        tower::layer::layer_fn(move |inner| Self { inner, rules: Arc::clone(&rules) })
    }

    fn answer_preflight<R: Default>(&self, allowed_origin: Option<HeaderValue>) -> Response<R> {
        let mut response = Response::new(R::default());
        response.headers_mut().insert(VARY, HeaderValue::from_static("origin, access-control-request-method"));
        let Some(origin) = allowed_origin else {
            *response.status_mut() = StatusCode::FORBIDDEN;
            return response;
        };
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.rules.allowed_headers());
        headers.insert(ACCESS_CONTROL_MAX_AGE, self.rules.max_age_seconds());
        response
    }
}

impl<S, B, R> Service<Request<B>> for Cors<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    R: Default,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = CorsAnswer<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let allowed_origin = request.headers().get(ORIGIN).and_then(|origin| self.rules.allow(origin));
        if is_preflight(&request) {
            return CorsAnswer::Preflight { response: Some(self.answer_preflight(allowed_origin)) };
        }
        CorsAnswer::Asked { answer: self.inner.call(request), allowed_origin }
    }
}

fn is_preflight<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

pin_project! {
    /// The answer with the headers that let the page read it.
    #[project = ProjectedAnswer]
    pub(crate) enum CorsAnswer<F, R> {
        Preflight { response: Option<Response<R>> },
        Asked { #[pin] answer: F, allowed_origin: Option<HeaderValue> },
    }
}

impl<F, R> Future for CorsAnswer<F, R>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
    R: Default,
{
    type Output = Result<Response<R>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project() {
            ProjectedAnswer::Preflight { response } => response.take().unwrap_or_default(),
            ProjectedAnswer::Asked { answer, allowed_origin } => {
                let mut response = ready!(answer.poll(cx)?);
                write_headers(response.headers_mut(), allowed_origin.take());
                response
            }
        }))
    }
}

fn write_headers(headers: &mut HeaderMap, allowed_origin: Option<HeaderValue>) {
    // What a service says about origins does not hold for the address of the gateway.
    for of_service in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS] {
        headers.remove(of_service);
    }
    headers.append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = allowed_origin else { return };
    if let Some(exposed) = exposed_headers(headers) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
}

/// The names of the headers that are really there and that a page could not read otherwise.
fn exposed_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut names = String::with_capacity(64);
    for name in headers.keys().map(|name| name.as_str()).filter(|name| !NOT_TO_EXPOSE.contains(name)) {
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(name);
    }
    if names.is_empty() { None } else { HeaderValue::try_from(names).ok() }
}
