//! What the tests share: a gateway before an upstream that does as it is told.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod http2;
pub(crate) mod log;
pub(crate) mod raw_upstream;
pub(crate) mod server;
pub(crate) mod upstream;

use std::sync::{Arc, LazyLock};

use bojagi_gateway::{
    AuthenticationFailure, Authenticator, Gateway, GatewayBuilder, GatewayConfig, GatewayService, Identity, Policies,
    Upstream,
};
use bytes::{BufMut, Bytes, BytesMut};

/// The descriptor set of `shop.proto`, with all imports.
pub(crate) fn descriptor_set() -> Vec<u8> {
    let here = env!("CARGO_MANIFEST_DIR");
    protox::Compiler::new([format!("{here}/tests/gateway"), format!("{here}/../proto")])
        .unwrap()
        .include_imports(true)
        .include_source_info(true)
        .open_files(["shop.proto"])
        .unwrap()
        .encode_file_descriptor_set()
}

/// The policies of `shop.proto`, compiled once.
pub(crate) fn policies() -> Policies {
    static POLICIES: LazyLock<Policies> = LazyLock::new(|| Policies::from_descriptor_set(&descriptor_set()).unwrap());
    POLICIES.clone()
}

/// Knows four tokens.
pub(crate) struct FourTokens;

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
pub(crate) fn gateway_with(upstream: Upstream, configure: impl FnOnce(&mut GatewayConfig)) -> Gateway {
    builder_with(upstream, configure).build().unwrap()
}

/// The same, for tests that add something.
pub(crate) fn builder_with(upstream: Upstream, configure: impl FnOnce(&mut GatewayConfig)) -> GatewayBuilder {
    log::install();
    let mut config = GatewayConfig::default();
    configure(&mut config);
    Gateway::builder(config).policies(policies()).authenticator(Arc::new(FourTokens)).route("/shop.v1.", upstream)
}

pub(crate) fn gateway(upstream: Upstream) -> GatewayService {
    gateway_with(upstream, |_| {}).service()
}

/// One message as it is on the wire.
pub(crate) fn message(payload: &[u8]) -> Bytes {
    frame(0, payload)
}

/// One frame as it is on the wire.
pub(crate) fn frame(flags: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flags);
    frame.put_u32(payload.len() as u32);
    frame.put_slice(payload);
    frame.freeze()
}
