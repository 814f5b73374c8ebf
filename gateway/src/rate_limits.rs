//! Bounds how often one caller may call the methods of a route: so many calls at once, and so many a minute in the long run.
//!
//! Place: after the door, where the caller is known, and before anything is spent on the call. Calls that the door refuses do not count.

mod buckets;

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::Either;
use http::Response;
use serde::{Deserialize, Serialize};
use tower::{Layer, Service};

pub(crate) use self::buckets::Buckets;
use self::buckets::Rate;
use crate::client_address::ClientAddress;
use crate::config_errors::ConfigMistake;
use crate::errors::Cause;
use crate::identity::Identity;
use crate::methods::Call;

/// How often one caller may call the methods of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Calls a minute in the long run; 0 for no limit.
    pub calls_per_minute: u32,
    /// Calls at once, after a pause.
    pub burst: u32,
}

impl RateLimitConfig {
    /// Every mistake; `option` is where it stands in the configuration.
    pub(crate) fn mistakes(&self, option: &str) -> Vec<ConfigMistake> {
        let no_call_at_all = self.calls_per_minute > 0 && self.burst == 0;
        let mistake = || ConfigMistake::new(format!("{option}.burst"), "must be greater than 0");
        no_call_at_all.then(mistake).into_iter().collect()
    }
}

/// The caller calls too often.
#[derive(Debug, thiserror::Error)]
#[error("too many calls; the next one will be taken in {} ms", .retry_after.as_millis())]
pub(crate) struct RateLimited {
    pub(crate) retry_after: Duration,
}

/// The middleware; see the module.
#[derive(Clone)]
pub(crate) struct RateLimit<S> {
    inner: S,
    buckets: Buckets,
}

impl<S> RateLimit<S> {
    pub(crate) fn layer(buckets: Buckets) -> impl Layer<S, Service = Self> {
        tower::layer::layer_fn(move |inner| Self { inner, buckets: buckets.clone() })
    }
}

impl<S, B, R> Service<Call<B>> for RateLimit<S>
where
    S: Service<Call<B>, Response = Response<R>, Error = Cause>,
{
    type Response = Response<R>;
    type Error = Cause;
    type Future = Either<S::Future, Ready<Result<Response<R>, Cause>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call<B>) -> Self::Future {
        match self.check(&call) {
            Ok(()) => Either::Left(self.inner.call(call)),
            Err(limited) => Either::Right(ready(Err(limited.into()))),
        }
    }
}

impl<S> RateLimit<S> {
    fn check<B>(&self, call: &Call<B>) -> Result<(), RateLimited> {
        let route = &call.method.route.settings.config;
        let Some(rate) = Rate::of(route.rate_limits) else { return Ok(()) };
        let taken = match Caller::of(call) {
            Some(caller) => self.buckets.take(rate, &(route.prefix.as_str(), caller)),
            // Nobody in the same process is limited.
            None => Ok(()),
        };
        taken.map_err(|retry_after| RateLimited { retry_after })
    }
}

/// Whose calls are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Caller<'c> {
    /// An account, wherever it calls from.
    Account(&'c str),
    /// Everybody at an address, when nobody has to say who they are.
    Address(IpAddr),
}

impl<'c> Caller<'c> {
    fn of<B>(call: &'c Call<B>) -> Option<Self> {
        let extensions = call.request.extensions();
        let account = extensions.get::<Identity>().map(|identity| Self::Account(&identity.subject));
        account.or_else(|| extensions.get::<ClientAddress>().map(|client| Self::Address(network_of(client.0))))
    }
}

/// A household with IPv6 has 2^64 addresses, so they count as one.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
