//! Connections to endpoints, with TLS to those whose URL asks for it.

use std::io;
use std::net::SocketAddr;

use futures::future::BoxFuture;
use tokio_rustls::TlsConnector;

use super::UpstreamTls;
use crate::cluster::{ByteStream, Connector, Target, TcpConnector, connect_tcp};

impl Connector for UpstreamTls {
    fn connect(&self, target: &Target, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> {
        if !target.is_tls() {
            return TcpConnector.connect(target, address);
        }
        let (client, name) = (self.over_http2(), self.name_of(target.host()));
        Box::pin(async move {
            let stream = TlsConnector::from(client).connect(name?, connect_tcp(address).await?).await?;
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") | None => Ok(Box::new(stream) as Box<dyn ByteStream>),
                Some(_) => Err(io::Error::other("the endpoint speaks no HTTP/2")),
            }
        })
    }
}
