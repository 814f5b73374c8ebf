//! Who checks the tokens of callers.

use serde::{Deserialize, Serialize};

use crate::config_errors::ConfigMistake;
use crate::jwks::JwksConfig;

/// Who checks the tokens of callers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// Whether tokens are checked, and by what.
    pub mode: AuthMode,
    /// Which tokens hold, and where their keys come from.
    pub jwks: JwksConfig,
}

/// Whether tokens are checked, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Nobody's token is looked at: every method that is not internal may be called by anybody, as far as the gateway is concerned.
    Off,
    /// Tokens are JWTs, checked with the keys of a JWKS.
    Jwks,
}

impl AuthConfig {
    /// Every mistake.
    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        Vec::new()
    }
}
