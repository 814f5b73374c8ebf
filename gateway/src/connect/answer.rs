//! An answer of native gRPC, as one of the Connect protocol.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tonic::{Code, Status};

use super::error_body;
use crate::compression::{self, GZIP};
use crate::contracts::Contracts;
use crate::dialect::Codec;
use crate::errors::Reason;
use crate::frame::{COMPRESSED, PREFIX_BYTES};
use crate::long_work::work_on_if_there_is_room;
use crate::own_body::OwnBody;

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// A shorter message gains nothing from being compressed.
const WORTH_COMPRESSING: usize = 1024;

/// How an answer is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) codec: Codec,
    pub(super) accepts_gzip: bool,
    pub(super) by_get: bool,
}

/// Waits for the whole answer, because what comes last in gRPC comes first here: the status.
pub(super) async fn write<R>(response: Response<R>, form: Form, contracts: Arc<Contracts>) -> Response<OwnBody<R>>
where
    R: Body<Data = Bytes, Error = Infallible>,
{
    let (mut head, body) = response.into_parts();
    let Ok(collected) = body.collect().await;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let status = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&head.headers));
    // The layers further in end every answer with a status.
    let status = status.unwrap_or_else(|| Status::unknown("the answer has no status"));

    let encoding = take_grpc_headers(&mut head.headers);
    append_prefixed(&mut head.headers, trailers);
    head.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if form.by_get {
        limit_caching(&mut head.headers);
    }
    if status.code() != Code::Ok {
        let error = error_body::write(&status, &contracts);
        head.status = match head.extensions.get::<Reason>() {
            Some(reason) => refused_status(reason).unwrap_or_else(|| error_body::http_status(status.code())),
            None => error_body::http_status(status.code()),
        };
        if head.status == StatusCode::METHOD_NOT_ALLOWED {
            head.headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        head.headers.insert(CONTENT_TYPE, Codec::Json.content_type());
        return Response::from_parts(head, OwnBody::of(error.into()));
    }

    head.headers.insert(CONTENT_TYPE, form.codec.content_type());
    let mut message = collected.to_bytes();
    let is_compressed = message.first() == Some(&COMPRESSED);
    message.advance(PREFIX_BYTES.min(message.len()));
    if is_compressed {
        head.headers.insert(CONTENT_ENCODING, encoding.unwrap_or(HeaderValue::from_static(GZIP)));
    } else if form.accepts_gzip && form.codec == Codec::Json && message.len() >= WORTH_COMPRESSING {
        let plain = message.clone();
        // No deadline holds here any more, so nothing is waited for.
        let compressed = work_on_if_there_is_room(plain.len(), move || compression::compress(&plain)).await;
        if let Some(Ok(compressed)) = compressed {
            head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(GZIP));
            message = compressed;
        }
    }
    Response::from_parts(head, OwnBody::of(message))
}

/// Keeps caches from giving the answer to others than its caller, and from giving it at all unless the service has said for how long: some
/// of them keep for hours what says nothing.
fn limit_caching(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("authorization"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}

/// Removes what only gRPC says in headers, and answers the encoding of the message.
fn take_grpc_headers(headers: &mut HeaderMap) -> Option<HeaderValue> {
    for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS, GRPC_ACCEPT_ENCODING] {
        headers.remove(name);
    }
    headers.remove(GRPC_ENCODING)
}

/// Adds the trailers that are the service's own to the headers, each with a prefix that says what it is.
fn append_prefixed(headers: &mut HeaderMap, mut trailers: HeaderMap) {
    take_grpc_headers(&mut trailers);
    for (name, value) in &trailers {
        if let Ok(prefixed) = HeaderName::try_from(format!("trailer-{name}")) {
            headers.append(prefixed, value.clone());
        }
    }
}

/// The HTTP status of a refusal for which the protocol has one that says more than its code.
fn refused_status(reason: &Reason) -> Option<StatusCode> {
    match reason.0 {
        "METHOD_UNKNOWN" => Some(StatusCode::NOT_FOUND),
        "METHOD_NOT_BY_GET" => Some(StatusCode::METHOD_NOT_ALLOWED),
        "METHOD_STREAMS" => Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::sync::mpsc;
    use std::thread::available_parallelism;

    use bytes::{BufMut, BytesMut};
    use futures::FutureExt;
    use http_body_util::Full;

    use super::*;
    use crate::long_work::{SHORT, work_on};

    fn ended_well(message: &[u8]) -> Response<Full<Bytes>> {
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(message.len() as u32);
        frame.put_slice(message);
        Response::builder().header("grpc-status", "0").body(Full::new(frame.freeze())).unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_compressed_if_there_is_room_for_that_and_waits_for_none() {
        let form = Form { codec: Codec::Json, accepts_gzip: true, by_get: false };
        let message = vec![b' '; SHORT + 1];
        let write = || write(ended_well(&message), form, Arc::new(Contracts::default()));
        assert_eq!(write().await.headers()[CONTENT_ENCODING], GZIP);

        let room = available_parallelism().map_or(1, NonZero::get);
        let (ends, begun): (Vec<_>, Vec<_>) = (0..room)
            .map(|_| {
                let ((end, ended), (begins, begun)) = (mpsc::channel::<()>(), tokio::sync::oneshot::channel());
                tokio::spawn(work_on(SHORT + 1, move || (begins.send(()), ended.recv().is_ok())));
                (end, begun)
            })
            .unzip();
        for begun in begun {
            begun.await.unwrap();
        }
        let answer = write().now_or_never().expect("it waits for nothing");
        assert_eq!(answer.headers().get(CONTENT_ENCODING), None);
        let Ok(written) = answer.into_body().collect().await;
        assert_eq!(written.to_bytes(), message);
        drop(ends);
    }
}
