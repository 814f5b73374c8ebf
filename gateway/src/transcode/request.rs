//! A request in JSON, as one in protobuf.

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use http_body::Body;
use http_body_util::BodyExt;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_path_to_error::{Path, Segment};

use super::fault::TranscodeFault;
use crate::compression::work_on_message;
use crate::drain::Closing;
use crate::errors::Cause;
use crate::frame::{FrameRules, FrameScanner, PREFIX_BYTES};
use crate::grpc_web::RequestFault;
use crate::methods::Call;
use crate::own_body::OwnBody;

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Reads the whole request and translates it, before the upstream hears of the call. `limit` bounds the JSON in bytes.
pub(super) async fn to_proto<B>(
    call: Call<B>,
    message: MessageDescriptor,
    limit: u32,
) -> Result<Call<OwnBody<B>>, Cause>
where
    B: Body<Data = Bytes, Error = RequestFault>,
{
    let (mut head, body) = call.request.into_parts();
    head.headers.remove(GRPC_ENCODING);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc+proto"));

    let frame = read_frame(body, limit).await?;
    let framed = work_on_message(&frame, limit, move |json| translate(&json?, message)).await.ok_or(Closing)??;
    let request = http::Request::from_parts(head, OwnBody::of(framed));
    Ok(Call { method: call.method, request })
}

async fn read_frame<B>(body: B, limit: u32) -> Result<Bytes, RequestFault>
where
    B: Body<Data = Bytes, Error = RequestFault>,
{
    let mut scanner = FrameScanner::new(FrameRules { longest_message: limit, longest_trailer: None });
    let mut body = pin!(body);
    let mut frame = BytesMut::new();
    while let Some(chunk) = body.frame().await {
        let Ok(chunk) = chunk?.into_data() else { continue };
        scanner.scan(&chunk)?;
        frame.put(chunk);
    }
    scanner.finish()?;
    Ok(frame.freeze())
}

fn translate(json: &[u8], message: MessageDescriptor) -> Result<Bytes, TranscodeFault> {
    let message = parse(json, message)?;
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.encoded_len());
    framed.put_u8(0);
    // Protobuf is shorter than the JSON that it was made of.
    framed.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
    framed.put_slice(&message.encode_to_vec());
    Ok(framed.freeze())
}

/// Reads the JSON form of protobuf, in which a field that the message does not have is a mistake.
fn parse(json: &[u8], message: MessageDescriptor) -> Result<DynamicMessage, TranscodeFault> {
    let mut place = serde_path_to_error::Track::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut place);
    let read = DynamicMessage::deserialize(message.clone(), tracked).map_err(|error| {
        let path = place.path();
        let place = if path.iter().len() == 0 { String::new() } else { path.to_string() };
        TranscodeFault::Json { place, known_place: known_place(&path, message), problem: error.to_string() }
    })?;
    reader.end().map_err(|error| TranscodeFault::Json {
        place: String::new(),
        known_place: String::new(),
        problem: error.to_string(),
    })?;
    Ok(read)
}

/// As much of a path as has its names from the contract. A key of a map has come with the message.
fn known_place(path: &Path, message: MessageDescriptor) -> String {
    let mut known = String::new();
    let mut message = Some(message);
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => known.push_str(&format!("[{index}]")),
            Segment::Map { key } => {
                let in_message = |message: MessageDescriptor| {
                    message.get_field_by_json_name(key).or_else(|| message.get_field_by_name(key))
                };
                let Some(field) = message.and_then(in_message) else { break };
                if !known.is_empty() {
                    known.push('.');
                }
                known.push_str(key);
                if field.is_map() {
                    break;
                }
                message = field.kind().as_message().cloned();
            }
            Segment::Enum { .. } | Segment::Unknown => break,
        }
    }
    known
}
