//! The gateway of the shop in a process of its own, in front of services that run elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;

use bojagi_chassis::Switchboard;
use bojagi_chassis::settings::Mistakes;
use bojagi_chassis::tokens::{self, Verifier};
use bojagi_gateway::{BoundGateway, RouteConfig, RunningGateway, WatchedFiles};
use bojagi_kernel::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::front;
use crate::identity::{GATEWAY, Identity};
use crate::mesh::StartError;
use crate::remote::Remotes;
use crate::serve::keys_come;
use crate::settings::MeshSettings;

/// What the gateway of the shop is started with.
pub struct ShopGatewayOptions {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Everything else.
    pub settings: MeshSettings,
}

/// The gateway of the shop, with a socket. It does what the gateway in one process with the services does: the contracts and
/// policies are those of this build, and tokens are checked by the keys of user and against its revocations.
pub struct ShopGateway {
    bound: BoundGateway,
    verifier: Arc<Verifier>,
    /// Milliseconds for which readiness waits for the keys of tokens.
    keys_ms: u64,
    stop: CancellationToken,
    work: TaskTracker,
    /// Kept for the channel by which tokens are followed.
    _switchboard: Switchboard,
}

impl ShopGateway {
    /// Puts the gateway together and begins to connect to the services.
    ///
    /// # Errors
    /// See [`StartError`]. Mistakes in the settings are told all at once, before anything is opened.
    pub async fn start(options: ShopGatewayOptions) -> Result<Self, StartError> {
        let ShopGatewayOptions { listen, clock, settings } = options;
        let missing = settings.services.missing_for(&[GATEWAY]);
        let identity = match Identity::read(settings.serve.identity.clone(), vec![GATEWAY]) {
            Ok(identity) if missing.is_empty() => identity,
            Ok(_) => return Err(Mistakes(missing).into()),
            Err(of_identity) => return Err(Mistakes([missing, of_identity.0].concat()).into()),
        };

        let keys_ms = settings.serve.keys_ms;
        let verifier = Arc::new(Verifier::new(clock));
        let remotes = Remotes::connect(&settings.services, &[GATEWAY], &identity)?;
        let switchboard = Switchboard::default();
        let first = switchboard.connect(remotes.handlers(&settings.services)?);
        let (of_gateway, retries, checked_by) = (settings.gateway, settings.services.retries, Arc::clone(&verifier));
        // Looked at before they are read, so that no change is missed.
        let watched = (WatchedFiles::look_at(of_gateway.files()), of_gateway.reload.interval());
        let make = move || {
            let mut builder = front::of_the_shop(of_gateway.clone(), &checked_by)?;
            for (context, cluster) in remotes.of(GATEWAY) {
                let route = RouteConfig { retries, ..of_gateway.route(format!("/bojagi.{context}.")) };
                builder = builder.cluster_route(route, cluster.clone());
            }
            Ok(builder)
        };
        let bound = make()?.build()?.bind(listen).await?;

        debug_assert!(first, "a switchboard is connected once");
        let (stop, work) = (CancellationToken::new(), TaskTracker::new());
        let (follower, channel, until) = (Arc::clone(&verifier), switchboard.channel(GATEWAY), stop.clone());
        work.spawn(async move { tokens::follow(&follower, channel, until).await });
        work.spawn(identity.follow_files(stop.clone()));
        work.spawn(front::follow_files(bound.running(), watched, make, stop.clone()));
        Ok(Self { bound, verifier, keys_ms, stop, work, _switchboard: switchboard })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.bound.local_addr()
    }

    /// The gateway, for an admin port.
    #[must_use]
    pub fn running(&self) -> RunningGateway {
        self.bound.running()
    }

    /// Serves until `shutdown` is over, then drains. It says that it is ready when it can check tokens, or has waited for that for
    /// as long as a service does; calls are answered before.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { bound, verifier, keys_ms, stop, work, _switchboard } = self;
        // All gateways that take the place of this one share its readiness.
        let readiness = bound.running().gateway().readiness();
        work.spawn(stop.clone().run_until_cancelled_owned(async move {
            keys_come(&verifier, keys_ms).await;
            readiness.set_serving(true);
        }));
        bound.serve(shutdown).await;
        stop.cancel();
        work.close();
        work.wait().await;
    }
}
