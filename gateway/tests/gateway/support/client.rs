//! Calls of a gateway in the same process, and what came back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bojagi_gateway::{GatewayBody, GatewayService};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::ServiceExt;

use super::answer::never_fails;

pub(crate) const WEB: &str = "application/grpc-web+proto";
pub(crate) const WEB_TEXT: &str = "application/grpc-web-text+proto";
pub(crate) const NATIVE: &str = "application/grpc";

/// A request of this content type, to be completed by the test.
pub(crate) fn request(content_type: &str, path: &str) -> http::request::Builder {
    let version = if content_type == NATIVE { Version::HTTP_2 } else { Version::HTTP_11 };
    Request::post(path).version(version).header("content-type", content_type)
}

/// What came back, all of it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status, wherever it is: in the headers, in trailers, or in the trailer frame of a gRPC-Web body.
    pub(crate) fn grpc_status(&self) -> Status {
        let of_frame = self.trailer_frame();
        Status::from_header_map(&self.headers)
            .or_else(|| self.trailers.as_ref().and_then(Status::from_header_map))
            .or_else(|| of_frame.as_ref().and_then(Status::from_header_map))
            .unwrap_or_else(|| panic!("no status anywhere in {self:?}"))
    }

    pub(crate) fn code(&self) -> Code {
        self.grpc_status().code()
    }

    pub(crate) fn details(&self) -> ErrorDetails {
        self.grpc_status().get_error_details()
    }

    /// The reason of the error.
    pub(crate) fn reason(&self) -> String {
        let info = self.details().error_info().expect("an error has a reason").clone();
        assert_eq!(info.domain, "bojagi.gateway");
        info.reason
    }

    /// The messages of the body, without a trailer frame.
    pub(crate) fn messages(&self) -> Vec<Bytes> {
        self.frames().into_iter().filter(|(flags, _)| flags & 0x80 == 0).map(|(_, payload)| payload).collect()
    }

    fn trailer_frame(&self) -> Option<HeaderMap> {
        let (_, lines) = self.frames().into_iter().find(|(flags, _)| flags & 0x80 != 0)?;
        let lines = String::from_utf8(lines.to_vec()).unwrap();
        Some(
            lines
                .lines()
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
                .collect(),
        )
    }

    fn frames(&self) -> Vec<(u8, Bytes)> {
        let mut frames = Vec::new();
        let is_text = self.header("content-type").is_some_and(|value| value.starts_with("application/grpc-web-text"));
        let mut rest = if is_text { decode_groups(&self.body) } else { self.body.clone() };
        while rest.len() >= 5 {
            let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
            if rest.len() < 5 + length {
                break;
            }
            let frame = rest.split_to(5 + length);
            frames.push((frame[0], frame.slice(5..)));
        }
        frames
    }
}

/// Decodes base64 in which every group may be padded.
pub(crate) fn decode_groups(text: &[u8]) -> Bytes {
    text.chunks(4).flat_map(|group| STANDARD.decode(group).unwrap()).collect()
}

/// Sends the request with a body of one chunk, and reads everything.
pub(crate) async fn call(gateway: &GatewayService, request: http::request::Builder, body: impl Into<Bytes>) -> Reply {
    read(send(gateway, request.body(Full::new(body.into())).unwrap()).await).await
}

/// Sends the request with a body of these chunks, and reads everything.
pub(crate) async fn call_in_chunks(
    gateway: &GatewayService,
    request: http::request::Builder,
    chunks: Vec<Bytes>,
) -> Reply {
    let frames = stream::iter(chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk))));
    read(send(gateway, request.body(StreamBody::new(frames)).unwrap()).await).await
}

pub(crate) async fn send<B>(gateway: &GatewayService, request: Request<B>) -> Response<GatewayBody>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    never_fails(gateway.clone().oneshot(request).await)
}

pub(crate) async fn read(response: Response<GatewayBody>) -> Reply {
    let (head, body) = response.into_parts();
    let collected = never_fails(body.collect().await);
    let trailers = collected.trailers().cloned();
    Reply { status: head.status, headers: head.headers, body: collected.to_bytes(), trailers }
}
