//! Checks bearer tokens that are JSON Web Tokens (RFC 7519) with the keys of JSON Web Key Sets (RFC 7517).
//!
//! The keys are fetched in the background, before anybody asks for them, and kept when their source cannot be reached. A token whose key is
//! not among them makes them be fetched once more, but not more often than once in half a minute however many such tokens come; the call
//! waits for that, for a moment. A token that was verified is remembered until it expires, so that most calls cost a look.

mod config;
mod fetching;
mod http_source;
mod keys;
mod source;
mod token;
mod verified;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::config::{JwksConfig, TokenAlgorithm};
pub use self::source::{KeySource, SourceError};

use self::fetching::Fetching;
use self::http_source::HttpSource;
use self::source::FileSource;
use self::token::{TokenFault, TokenRules};
use self::verified::VerifiedTokens;
use crate::config_errors::{ConfigErrors, ConfigMistake};
use crate::identity::{AuthenticationFailure, Authenticator, Identity, TokenMemory};
use crate::masked_url::masked;

/// The time in seconds since 1970.
pub type UnixClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// An [`Authenticator`] for JWTs; see the module. Its tasks end when it is dropped.
pub struct JwksAuthenticator {
    rules: TokenRules,
    fetching: Arc<Fetching>,
    verified: VerifiedTokens,
    now: UnixClock,
    _stop: DropGuard,
}

impl JwksAuthenticator {
    /// Begins to fetch keys at once, so this must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// All mistakes of the configuration at once; `option` is where it stands, such as `auth.jwks`.
    pub fn new(config: &JwksConfig, option: &str) -> Result<Self, ConfigErrors> {
        Self::after(None, config, option)
    }

    /// The same in the place of another, if there is one: of a source that both have, its keys hold until the source answers anew.
    pub(crate) fn after(previous: Option<&Self>, config: &JwksConfig, option: &str) -> Result<Self, ConfigErrors> {
        let mut mistakes = config.mistakes(option);
        let mut sources: Vec<Box<dyn KeySource>> = Vec::new();
        for url in &config.urls {
            match HttpSource::new(url, config) {
                Ok(source) => sources.push(Box::new(source)),
                Err(problem) => {
                    mistakes.push(ConfigMistake::new(format!("{option}.urls"), format!("{:?} {problem}", masked(url))))
                }
            }
        }
        if config.file.as_os_str().is_empty() {
            if config.urls.is_empty() {
                mistakes.push(ConfigMistake::new(option, "name urls or a file with the keys of the tokens"));
            }
        } else {
            sources.push(Box::new(FileSource::new(config.file.clone(), config.max_bytes)));
        }
        if !mistakes.is_empty() {
            return Err(ConfigErrors(mistakes));
        }
        Ok(Self::with_sources_after(previous, config, sources, Arc::new(jsonwebtoken::get_current_timestamp)))
    }

    /// The same with sources and a clock of one's own.
    #[must_use]
    pub fn with_sources(config: &JwksConfig, sources: Vec<Box<dyn KeySource>>, now: UnixClock) -> Self {
        Self::with_sources_after(None, config, sources, now)
    }

    fn with_sources_after(
        previous: Option<&Self>,
        config: &JwksConfig,
        sources: Vec<Box<dyn KeySource>>,
        now: UnixClock,
    ) -> Self {
        let stop = CancellationToken::new();
        let verified = VerifiedTokens::new(config.max_tokens);
        let before = previous.map(|previous| previous.fetching.as_ref());
        let fetching = Fetching::start(config, sources, before, &stop);
        Self { rules: TokenRules::new(config), fetching, verified, now, _stop: stop.drop_guard() }
    }

    fn judge(&self, token: &str, now: u64) -> Result<Identity, TokenFault> {
        let keys = self.fetching.keys();
        if let Some(identity) = self.verified.look_up(token, keys.version(), now, &self.rules)? {
            return Ok(identity);
        }
        let verified = self.rules.verify(token, &keys, now)?;
        let identity = verified.identity.clone();
        self.verified.remember(token, keys.version(), verified);
        Ok(identity)
    }
}

impl Authenticator for JwksAuthenticator {
    fn verify(&self, bearer_token: &str) -> Result<Identity, AuthenticationFailure> {
        self.judge(bearer_token, (self.now)()).map_err(|fault| match fault {
            TokenFault::Invalid => AuthenticationFailure::Invalid,
            TokenFault::Expired => AuthenticationFailure::Expired,
            TokenFault::UnknownKey if self.fetching.may_find_more() => AuthenticationFailure::Unavailable,
            TokenFault::UnknownKey => AuthenticationFailure::Invalid,
        })
    }

    fn wait(&self) -> Option<BoxFuture<'static, ()>> {
        self.fetching.wait()
    }

    fn keys(&self) -> Option<Bytes> {
        Some(self.fetching.keys().document())
    }

    fn memory(&self) -> Option<TokenMemory> {
        Some(self.verified.memory())
    }
}

impl fmt::Debug for JwksAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksAuthenticator").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
