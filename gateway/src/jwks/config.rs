//! What can be configured about tokens and the keys they are checked with.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};

use crate::config::{GatewayConfig, must_be_positive};
use crate::config_errors::ConfigMistake;

/// Which tokens hold, and where their keys come from; see `[auth.jwks]` in `config.default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JwksConfig {
    /// Where key sets are fetched, `http://` or `https://`.
    pub urls: Vec<String>,
    /// A file with a key set; empty for none.
    pub file: PathBuf,
    /// Certificates of the authorities that may sign the certificates of the URLs, in PEM; empty for those that the system trusts.
    pub ca: PathBuf,
    /// Who may have issued a token: the values that its `iss` may have.
    pub issuers: Vec<String>,
    /// For whom a token may be: the values of which its `aud` must have one.
    pub audiences: Vec<String>,
    /// What a token may be: the values that the `typ` of its header may have; empty for any.
    pub types: Vec<String>,
    /// How a token may be signed.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Where a token lists the roles of its subject: the name of a claim, with dots for claims inside claims.
    pub roles_claim: String,
    /// Seconds by which the clocks of the gateway and of the issuer may differ.
    pub leeway_seconds: u64,
    /// Milliseconds between two fetches of the keys.
    pub refresh_ms: u64,
    /// Milliseconds between two fetches because of a key that is not known.
    pub unknown_key_ms: u64,
    /// Milliseconds that a source has to answer.
    pub timeout_ms: u64,
    /// Milliseconds that a call may wait for keys that are being fetched.
    pub wait_ms: u64,
    /// Bytes of the longest key set.
    pub max_bytes: usize,
    /// Verified tokens that are remembered.
    pub max_tokens: usize,
}

/// How a token may be signed: always with a key of which the public half is enough to check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[allow(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum TokenAlgorithm {
    EdDSA,
    ES256,
    ES384,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
}

impl TokenAlgorithm {
    pub(crate) const fn algorithm(self) -> Algorithm {
        match self {
            Self::EdDSA => Algorithm::EdDSA,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
        }
    }
}

impl JwksConfig {
    /// The files that are named, which may change.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.file, &self.ca].into_iter().filter(|path| !path.as_os_str().is_empty())
    }

    /// Every mistake of a configuration that is used; `option` is where it stands.
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let named = |name: &str| format!("{option}.{name}");
        let mut mistakes = must_be_positive(&[
            (&named("refresh_ms"), self.refresh_ms),
            (&named("timeout_ms"), self.timeout_ms),
            (&named("max_bytes"), self.max_bytes as u64),
            (&named("max_tokens"), self.max_tokens as u64),
        ]);
        // Without these, a token that somebody else issued, or that was meant for somebody else, would open the door.
        let lists = [
            ("issuers", self.issuers.is_empty()),
            ("audiences", self.audiences.is_empty()),
            ("algorithms", self.algorithms.is_empty()),
        ];
        let empty = lists.into_iter().filter(|(_, is_empty)| *is_empty);
        mistakes.extend(empty.map(|(name, _)| ConfigMistake::new(named(name), "must not be empty")));
        mistakes
    }
}

impl Default for JwksConfig {
    /// The values of `config.default.toml`, with which no token holds yet.
    fn default() -> Self {
        GatewayConfig::default().auth.jwks
    }
}
