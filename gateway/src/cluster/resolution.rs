//! Finds the addresses of the servers, once at the start and then again and again.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::endpoint_set::EndpointSet;
use super::ports::Resolver;
use super::target::Target;

/// A resolver that takes longer does not answer.
const LONGEST: Duration = Duration::from_secs(10);
/// The first pause while no address is known; each further one is twice as long, up to `resolve_ms`.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Begins to look up names. Addresses need no looking up, and are there at once.
pub(crate) fn start(
    set: &Arc<EndpointSet>,
    targets: Vec<Arc<Target>>,
    resolver: Arc<dyn Resolver>,
    stop: &CancellationToken,
) {
    let addresses: Option<Vec<_>> = targets.iter().map(address_of).collect();
    if let Some(addresses) = addresses {
        set.replace(&addresses, None);
        return;
    }
    let (set, stop) = (Arc::downgrade(set), stop.clone());
    tokio::spawn(async move { stop.run_until_cancelled(look_up_again_and_again(&set, &targets, &*resolver)).await });
}

fn address_of(target: &Arc<Target>) -> Option<(Arc<Target>, SocketAddr)> {
    target.address().map(|address| (Arc::clone(target), SocketAddr::new(address, target.port())))
}

async fn look_up_again_and_again(set: &Weak<EndpointSet>, targets: &[Arc<Target>], resolver: &dyn Resolver) {
    let mut known: Vec<Vec<SocketAddr>> = vec![Vec::new(); targets.len()];
    let mut while_unknown = FIRST_PAUSE;
    loop {
        let mut problem = None;
        for (target, known) in targets.iter().zip(&mut known) {
            match look_up(target, resolver).await {
                Ok(addresses) => *known = addresses,
                // The addresses of before are a better guess than none.
                Err(error) => {
                    tracing::warn!(host = target.host(), %error, "the addresses of a server cannot be found");
                    problem = Some(format!("{}: {error}", target.host()));
                }
            }
        }
        let Some(set) = set.upgrade() else { return };
        let pairs = targets.iter().zip(&known);
        let listed: Vec<_> = pairs
            .flat_map(|(target, addresses)| addresses.iter().map(|address| (Arc::clone(target), *address)))
            .collect();
        set.replace(&listed, problem);
        let usual = Duration::from_millis(set.config.resolve_ms);
        drop(set);
        if listed.is_empty() {
            // Servers that start at the same time as this process have names a moment later, and until then no call can succeed.
            sleep(while_unknown.min(usual)).await;
            while_unknown = while_unknown.saturating_mul(2);
        } else {
            sleep(usual).await;
        }
    }
}

async fn look_up(target: &Arc<Target>, resolver: &dyn Resolver) -> io::Result<Vec<SocketAddr>> {
    if let Some((_, address)) = address_of(target) {
        return Ok(vec![address]);
    }
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the resolver does not answer");
    let found =
        timeout(LONGEST, resolver.resolve(target.host().to_owned(), target.port())).await.map_err(|_| late())??;
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}
