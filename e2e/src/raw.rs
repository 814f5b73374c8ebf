//! Calls by path with bytes for a message.

use bojagi_api::policy::Method;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Messages as bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = bytes::Buf::remaining(buffer);
        Ok(Some(bytes::Buf::copy_to_bytes(buffer, length).to_vec()))
    }
}

/// Calls a method with an encoded message, and answers the encoded answer; of a stream the first one.
///
/// # Errors
/// What the call ended with.
///
/// # Panics
/// When the gateway cannot be reached.
pub async fn call(gateway: Channel, method: &Method, token: Option<&str>, message: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}")).unwrap());
    }
    request.set_timeout(std::time::Duration::from_secs(20));
    let path = PathAndQuery::from_static(method.path);
    let mut grpc = Grpc::new(gateway);
    grpc.ready().await.unwrap();
    if method.server_streaming {
        let stream = grpc.server_streaming(request, path, Bytes).await?;
        Ok(stream.into_inner().message().await?.unwrap_or_default())
    } else {
        Ok(grpc.unary(request, path, Bytes).await?.into_inner())
    }
}

/// The code that a call ended with.
pub fn code<T>(ended: &Result<T, Status>) -> Code {
    ended.as_ref().err().map_or(Code::Ok, Status::code)
}
