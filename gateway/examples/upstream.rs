//! A gRPC server that costs next to nothing, to measure what stands in front of it.
//!
//! It takes any request and answers what the last part of the path says: `/any.Service/3x69` is three messages of 69 bytes. It speaks HTTP/2
//! by prior knowledge, and HTTP/1.1 for the direct way beside a gRPC-Web proxy (then without trailers). It prints its address.
//!
//! `cargo run --release -p bojagi-gateway --example upstream`
#![allow(clippy::unwrap_used, reason = "a tool")]

use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let mut http = auto::Builder::new(TokioExecutor::new());
            http.http2().max_concurrent_streams(1024);
            // A connection that breaks off concerns nobody here.
            let _ = http.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

type Body = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let (count, bytes) = asked_for(request.uri().path()).unwrap_or((1, 69));
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }

    let message = message_of(bytes);
    let mut frames: Vec<_> = (0..count).map(|_| Ok(Frame::data(message.clone()))).collect();
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]);
    frames.push(Ok(Frame::trailers(trailers)));
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// How many messages of how many bytes.
fn asked_for(path: &str) -> Option<(usize, usize)> {
    let (count, bytes) = path.rsplit('/').next()?.split_once('x')?;
    Some((count.parse().ok()?, bytes.parse().ok()?))
}

fn message_of(bytes: usize) -> Bytes {
    let mut message = BytesMut::with_capacity(5 + bytes);
    message.put_u8(0);
    message.put_u32(u32::try_from(bytes).unwrap());
    message.put_bytes(b'x', bytes);
    message.freeze()
}
