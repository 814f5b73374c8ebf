//! Answers of an upstream, right or wrong, put together step by step.

use std::convert::Infallible;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::Status;
use tonic::body::Body;

use super::message;

/// An answer that an upstream gives again and again.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Reset(h2::Reason),
    Fail(Status),
    Never,
}

impl Answer {
    /// The headers of a gRPC answer and nothing else yet.
    pub(crate) fn grpc() -> Self {
        Self { status: StatusCode::OK, headers: headers(&[("content-type", "application/grpc")]), steps: Vec::new() }
    }

    /// A whole unary answer.
    pub(crate) fn unary(payload: &[u8]) -> Self {
        Self::grpc().data(message(payload)).trailers(&[("grpc-status", "0")])
    }

    pub(crate) fn http_status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.append(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn data(mut self, bytes: impl Into<Bytes>) -> Self {
        self.steps.push(Step::Data(bytes.into()));
        self
    }

    pub(crate) fn trailers(mut self, trailers: &[(&'static str, &'static str)]) -> Self {
        self.steps.push(Step::Trailers(headers(trailers)));
        self
    }

    /// The stream is reset.
    pub(crate) fn reset(mut self, reason: h2::Reason) -> Self {
        self.steps.push(Step::Reset(reason));
        self
    }

    /// The service fails with a status of its own.
    pub(crate) fn fail(mut self, status: Status) -> Self {
        self.steps.push(Step::Fail(status));
        self
    }

    /// Nothing more comes, and the stream stays open.
    pub(crate) fn never(mut self) -> Self {
        self.steps.push(Step::Never);
        self
    }

    pub(crate) fn to_response(&self) -> Response<Body> {
        let body = if self.steps.is_empty() {
            Body::empty()
        } else {
            Body::new(StreamBody::new(stream::iter(self.steps.clone()).flat_map(Step::play)))
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

impl Step {
    fn play(self) -> BoxStream<'static, Result<Frame<Bytes>, Status>> {
        let frame = match self {
            Self::Data(bytes) => Ok(Frame::data(bytes)),
            Self::Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Self::Reset(reason) => Err(Status::from_error(Box::new(h2::Error::from(reason)))),
            Self::Fail(status) => Err(status),
            Self::Never => return stream::pending().boxed(),
        };
        stream::iter([frame]).boxed()
    }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

/// What `Infallible` bodies need when they are collected.
pub(crate) fn never_fails<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
