//! Translates gRPC-Web to native gRPC on the way in and back on the way out; other dialects pass as they are. What speaks none of them is
//! refused here, as plain HTTP.
//!
//! Place: inside CORS, so that a page can read a refusal; outside everything that looks at status or messages.

mod base64_text;
mod request_body;
mod response_body;
mod trailer_frame;
mod web_encoder;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Layer, Service};

pub(crate) use request_body::{RequestBody, RequestFault};
pub(crate) use response_body::ResponseBody;

use crate::connect;
use crate::dialect::{Codec, Dialect, GrpcContentType, WebEncoding, accepted_encoding};

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct GrpcWeb<S> {
    inner: S,
    longest_request_trailer: u32,
}

impl<S> GrpcWeb<S> {
    /// `longest_request_trailer` is in bytes and bounds the trailer frame that a gRPC-Web request may end with.
    pub(crate) fn layer(longest_request_trailer: u32) -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(move |inner| Self { inner, longest_request_trailer })
    }
}

impl<S, B, R> Service<Request<B>> for GrpcWeb<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>, Error = Infallible>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = Infallible;
    type Future = TranslatedAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let dialect = match read_dialect(&request) {
            Ok(dialect) => dialect,
            Err(refusal) => return TranslatedAnswer::Refused { refusal: Some(refusal) },
        };
        // Further in nobody asks again which it is.
        request.extensions_mut().insert(dialect);
        let answer_in = to_native(request.headers_mut(), dialect);
        let request = request.map(|body| RequestBody::new(body, dialect, self.longest_request_trailer));
        TranslatedAnswer::Asked { answer: self.inner.call(request), answer_in }
    }
}

/// Why something is no gRPC request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotGrpc {
    Method,
    ContentType,
    NativeOverHttp1,
}

fn read_dialect<B>(request: &Request<B>) -> Result<Dialect, NotGrpc> {
    if request.method() == Method::GET {
        let codec = connect::codec_name(request.uri()).ok_or(NotGrpc::Method)?;
        let codec = Codec::of_name(&codec).ok_or(NotGrpc::ContentType)?;
        return Ok(Dialect::Connect { codec, by_get: true });
    }
    if request.method() != Method::POST {
        return Err(NotGrpc::Method);
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(GrpcContentType::parse);
    match content_type.ok_or(NotGrpc::ContentType)?.dialect {
        // The status of native gRPC is in trailers, which clients of HTTP/1.1 do not get to see.
        Dialect::Native if request.version() < Version::HTTP_2 => Err(NotGrpc::NativeOverHttp1),
        dialect => Ok(dialect),
    }
}

/// Makes the headers those of native gRPC, and answers how the answer is to be written.
fn to_native(headers: &mut HeaderMap, dialect: Dialect) -> Dialect {
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let Dialect::Web(encoding) = dialect else { return dialect };

    let native = headers.get(CONTENT_TYPE).and_then(GrpcContentType::parse).map(GrpcContentType::to_native);
    if let Some(native) = native {
        headers.insert(CONTENT_TYPE, native);
    }
    // These speak of the HTTP body that ends here.
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_ENCODING);
    let accept = headers.remove(ACCEPT);
    Dialect::Web(accepted_encoding(accept.as_ref(), encoding))
}

pin_project! {
    /// The answer in the dialect of the request.
    #[project = ProjectedAnswer]
    pub(crate) enum TranslatedAnswer<F> {
        Refused { refusal: Option<NotGrpc> },
        Asked { #[pin] answer: F, answer_in: Dialect },
    }
}

impl<F, R> Future for TranslatedAnswer<F>
where
    F: Future<Output = Result<Response<R>, Infallible>>,
{
    type Output = Result<Response<ResponseBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project() {
            ProjectedAnswer::Refused { refusal } => refusal.take().map(refuse).unwrap_or_default(),
            ProjectedAnswer::Asked { answer, answer_in } => {
                let response = ready!(answer.poll(cx)?);
                match *answer_in {
                    Dialect::Native | Dialect::Connect { .. } => response.map(|inner| ResponseBody::Native { inner }),
                    Dialect::Web(encoding) => to_web(response, encoding),
                }
            }
        }))
    }
}

fn to_web<R>(mut response: Response<R>, encoding: WebEncoding) -> Response<ResponseBody<R>> {
    let web =
        response.headers().get(CONTENT_TYPE).and_then(GrpcContentType::parse).map(|native| native.to_web(encoding));
    if let Some(web) = web {
        response.headers_mut().insert(CONTENT_TYPE, web);
    }
    response.map(|inner| ResponseBody::web(inner, encoding))
}

fn refuse<R>(refusal: NotGrpc) -> Response<ResponseBody<R>> {
    let (status, sentence) = match refusal {
        NotGrpc::Method => (StatusCode::METHOD_NOT_ALLOWED, "Calls are POST requests.\n"),
        NotGrpc::ContentType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The content-type must be application/grpc, application/grpc-web, application/grpc-web-text, application/json or \
             application/proto.\n",
        ),
        NotGrpc::NativeOverHttp1 => {
            (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "Native gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web.\n")
        }
    };
    let mut response = Response::new(ResponseBody::Plain { sentence: Some(Bytes::from_static(sentence.as_bytes())) });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if refusal == NotGrpc::Method {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
