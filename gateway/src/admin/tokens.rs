//! How the memory of verified tokens serves, as metrics. Much more misses than new tokens mean that it is too small.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::server::RunningGateway;

/// Asks the authenticator of the gateway that runs when somebody asks for metrics.
pub(super) struct TokenMetrics {
    running: RunningGateway,
}

impl TokenMetrics {
    pub(super) fn new(running: RunningGateway) -> Self {
        Self { running }
    }
}

impl Collector for TokenMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(memory) = self.running.gateway().authenticator.and_then(|authenticator| authenticator.memory()) else {
            return Ok(());
        };
        let remembered = ConstGauge::new(memory.tokens as u64);
        let help = "Verified tokens that are remembered";
        let kind = remembered.metric_type();
        remembered.encode(encoder.encode_descriptor("bojagi_gateway_tokens_remembered", help, None, kind)?)?;

        let help = "Tokens that were looked up among the remembered ones";
        let kind = ConstCounter::new(0_u64).metric_type();
        let mut family = encoder.encode_descriptor("bojagi_gateway_token_lookups", help, None, kind)?;
        for (result, count) in [("hit", memory.hits), ("miss", memory.misses)] {
            ConstCounter::new(count).encode(family.encode_family(&[("result", result)])?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TokenMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenMetrics").finish_non_exhaustive()
    }
}
