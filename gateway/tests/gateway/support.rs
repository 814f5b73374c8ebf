//! What the tests share: a gateway before an upstream that does as it is told.

pub mod answer;
pub mod client;
pub mod upstream;

use std::sync::Arc;

use bojagi_gateway::{
    AuthenticationFailure, Authenticator, Gateway, GatewayConfig, GatewayService, Identity, Policies, Upstream,
};
use bytes::{BufMut, Bytes, BytesMut};

/// The descriptor set of `shop.proto`, with all imports.
pub fn descriptor_set() -> Vec<u8> {
    let here = env!("CARGO_MANIFEST_DIR");
    protox::Compiler::new([format!("{here}/tests/gateway"), format!("{here}/../proto")])
        .unwrap()
        .include_imports(true)
        .open_files(["shop.proto"])
        .unwrap()
        .encode_file_descriptor_set()
}

pub fn policies() -> Policies {
    Policies::from_descriptor_set(&descriptor_set()).unwrap()
}

/// Knows four tokens.
pub struct FourTokens;

impl Authenticator for FourTokens {
    fn verify(&self, bearer_token: &str) -> Result<Identity, AuthenticationFailure> {
        let roles: &[&str] = match bearer_token {
            "customer" => &["customer"],
            "seller" => &["customer", "seller"],
            "expired" => return Err(AuthenticationFailure::Expired),
            "keyless" => return Err(AuthenticationFailure::Unavailable),
            _ => return Err(AuthenticationFailure::Invalid),
        };
        Ok(Identity { subject: bearer_token.to_owned(), roles: roles.iter().map(ToString::to_string).collect() })
    }
}

/// A gateway before `upstream`, configured by `configure`.
pub fn gateway_with(upstream: Upstream, configure: impl FnOnce(&mut GatewayConfig)) -> Gateway {
    let mut config = GatewayConfig::default();
    configure(&mut config);
    Gateway::builder(config)
        .policies(policies())
        .authenticator(Arc::new(FourTokens))
        .route("/shop.v1.", upstream)
        .build()
        .unwrap()
}

pub fn gateway(upstream: Upstream) -> GatewayService {
    gateway_with(upstream, |_| {}).service()
}

/// One message as it is on the wire.
pub fn message(payload: &[u8]) -> Bytes {
    frame(0, payload)
}

/// One frame as it is on the wire.
pub fn frame(flags: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flags);
    frame.put_u32(payload.len() as u32);
    frame.put_slice(payload);
    frame.freeze()
}
