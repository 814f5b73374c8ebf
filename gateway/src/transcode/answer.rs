//! An answer that has to be one message, as JSON where the call came as JSON.

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Body;
use http_body_util::BodyExt;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::{Code, Status};

use crate::compression::{GZIP, GzipError, is_compressed, work_on_message};
use crate::drain::Closing;
use crate::errors::Cause;
use crate::frame::PREFIX_BYTES;
use crate::own_body::OwnBody;
use crate::upstream_fault::UpstreamFault;

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Reads the whole answer. `json_of` is the type of its message where it is to be JSON; `limit` bounds the message in bytes.
pub(super) async fn one_message<R>(
    response: Response<R>,
    json_of: Option<MessageDescriptor>,
    limit: u32,
) -> Result<Response<OwnBody<R>>, Cause>
where
    R: Body<Data = Bytes, Error = Cause>,
{
    let (mut head, body) = response.into_parts();
    if head.headers.contains_key(Status::GRPC_STATUS) {
        return Ok(Response::from_parts(head, OwnBody::Passed { inner: body }));
    }
    let (mut frame, trailers) = read(body).await?;
    if Status::from_header_map(&trailers).is_none_or(|status| status.code() != Code::Ok) {
        // Whatever came before an error is not part of it.
        let body = OwnBody::Whole { data: None, trailers: Some(trailers) };
        return Ok(Response::from_parts(head, body));
    }
    if frame.is_empty() {
        return Err(UpstreamFault::MessageCount.into());
    }
    if let Some(message) = json_of {
        let encoding = head.headers.remove(GRPC_ENCODING);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc+json"));
        if is_compressed(&frame) && encoding.is_none_or(|encoding| encoding != GZIP) {
            return Err(no_json("its message is compressed in a way that was not asked for").into());
        }
        frame = work_on_message(&frame, limit, move |proto| to_json(proto, message)).await.ok_or(Closing)??;
    }
    let body = OwnBody::Whole { data: Some(frame), trailers: Some(trailers) };
    Ok(Response::from_parts(head, body))
}

/// The frame of the one message, empty if there is none, and the trailers.
async fn read<R>(body: R) -> Result<(Bytes, HeaderMap), Cause>
where
    R: Body<Data = Bytes, Error = Cause>,
{
    let mut body = pin!(body);
    let mut frame = BytesMut::new();
    while let Some(next) = body.frame().await {
        match next?.into_data() {
            Ok(chunk) => frame.put(chunk),
            Err(trailers) => return Ok((frame.freeze(), trailers.into_trailers().unwrap_or_default())),
        }
        if has_more_than_one(&frame) {
            return Err(UpstreamFault::MessageCount.into());
        }
    }
    Err(UpstreamFault::NoTrailers.into())
}

fn has_more_than_one(frames: &[u8]) -> bool {
    let Some((&[_, a, b, c, d], rest)) = frames.split_first_chunk::<PREFIX_BYTES>() else { return false };
    rest.len() as u64 > u64::from(u32::from_be_bytes([a, b, c, d]))
}

fn to_json(proto: Result<Bytes, GzipError>, message: MessageDescriptor) -> Result<Bytes, UpstreamFault> {
    let message = DynamicMessage::decode(message, proto.map_err(no_json)?).map_err(no_json)?;
    let json = serde_json::to_vec(&message).map_err(no_json)?;
    let length = u32::try_from(json.len()).map_err(|_| no_json("it is too long"))?;
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + json.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.put_slice(&json);
    Ok(framed.freeze())
}

fn no_json(problem: impl ToString) -> UpstreamFault {
    UpstreamFault::NoJson(problem.to_string())
}
