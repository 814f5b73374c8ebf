//! A mesh in one process: six services over a store each, the log between them, and the gateway in front.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::settings::Mistakes;
use bojagi_chassis::{Pager, Switchboard};
use bojagi_gateway::{BindError, BoundGateway, ConfigErrors, PolicyErrors, RunningGateway, WatchedFiles};
use bojagi_kernel::{Clock, Failure};
use bojagi_store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::contexts::{Contexts, Surroundings};
use crate::data_folder::{DataFolder, DataFolderError};
use crate::database::CONTEXTS;
use crate::front;
use crate::identity::GATEWAY;
use crate::settings::MeshSettings;

/// What a mesh is started with.
pub struct Options {
    /// The data directory.
    pub data: PathBuf,
    /// Where the gateway listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Everything else.
    pub settings: MeshSettings,
}

/// Why a mesh, or a part of it, did not start. Each is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Mistakes in the settings.
    #[error("{0}")]
    Settings(#[from] Mistakes),
    /// Mistakes in how the gateway is put together.
    #[error("{0}")]
    Gateway(#[from] ConfigErrors),
    /// The descriptors carry policies that contradict each other.
    #[error("{0}")]
    Policies(#[from] PolicyErrors),
    /// The description of the services is not complete.
    #[error("the services cannot be described: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The address is taken.
    #[error("{0}; choose another with --listen")]
    Listen(#[from] BindError),
    /// The data directory is taken or unusable.
    #[error("{0}")]
    Data(#[from] DataFolderError),
    /// A store cannot be opened.
    #[error("the store of {0} cannot be opened: {1}")]
    Store(&'static str, bojagi_store::Error),
    /// A service cannot be composed.
    #[error("the {0} service cannot start: {1}")]
    Service(&'static str, Failure),
}

/// A mesh that runs.
pub struct Mesh {
    address: SocketAddr,
    switchboard: Switchboard,
    users: Store,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    work: TaskTracker,
    running: RunningGateway,
    drained: CancellationToken,
    gateway: JoinHandle<()>,
    stop_within: Duration,
    /// Given back when everything has ended.
    folder: DataFolder,
}

impl Mesh {
    /// Starts a mesh; it is ready when this answers.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { data, listen, clock, mut settings } = options;
        let folder = DataFolder::take(&data)?;
        for instance in [&mut settings.kafka.instance, &mut settings.order.instance] {
            if instance.is_empty() {
                *instance = folder.instance()?;
            }
        }
        let pager = pager(&settings, &folder)?;
        let around = Surroundings::new(folder.path().to_owned(), clock, pager);

        let of_gateway = settings.gateway.clone();
        let (verifier, switchboard) = (Arc::clone(&around.verifier), around.switchboard.clone());
        // Looked at before they are read, so that no change is missed.
        let watched = (WatchedFiles::look_at(of_gateway.files()), of_gateway.reload.interval());
        let make = move || front::gateway(of_gateway.clone(), &verifier, &switchboard);
        let gateway = make()?.build()?;
        let readiness = gateway.readiness();
        readiness.set_serving(false);
        // Bound first: a taken port is told before anything else happens, and early clients wait instead of failing.
        let bound = gateway.bind(listen).await?;

        let contexts = Contexts::compose(&CONTEXTS.map(|(name, _)| name), &settings, &around).await?;
        let users = contexts.store(bojagi_user::NAME)?;
        let first = around.switchboard.connect(contexts.handlers());
        debug_assert!(first, "a switchboard is connected once");
        contexts.run(settings.kafka, &around);
        around.follow_tokens(GATEWAY);

        let address = bound.local_addr();
        let (running, drained) = (bound.running(), CancellationToken::new());
        around.work.spawn(front::follow_files(running.clone(), watched, make, around.stop.clone()));
        let gateway = tokio::spawn(serve(bound, around.stop.clone(), drained.clone()));
        readiness.set_serving(true);
        let stop_within = Duration::from_secs(settings.mesh.stop_seconds);
        let Surroundings { switchboard, clock, stop, work, .. } = around;
        Ok(Self { address, switchboard, users, clock, stop, work, running, drained, gateway, stop_within, folder })
    }

    /// Where the gateway listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The gateway, for an admin port.
    #[must_use]
    pub fn gateway(&self) -> RunningGateway {
        self.running.clone()
    }

    /// Ends when the gateway has drained, because the mesh stops or because an operator asked for it.
    pub async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// All services of the mesh, for callers in the same process.
    #[must_use]
    pub const fn switchboard(&self) -> &Switchboard {
        &self.switchboard
    }

    /// Makes the account with this address an admin.
    ///
    /// # Errors
    /// When there is no such account, or the store fails.
    pub async fn grant_admin(&self, email: &str) -> Result<(), Failure> {
        bojagi_user::grant_admin(&self.users, self.clock.as_ref(), email).await.map(drop)
    }

    /// Ends the mesh: no new calls, running ones finish, then the tasks end and the stores close. False when some of it
    /// took longer than it may.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.work.close();
        let ended = async {
            let gateway = self.gateway.await;
            self.work.wait().await;
            gateway.is_ok()
        };
        tokio::time::timeout(self.stop_within, ended).await.unwrap_or(false)
    }
}

/// What page tokens are signed with: the secret of the settings, or that of the data directory.
pub(crate) fn pager(settings: &MeshSettings, folder: &DataFolder) -> Result<Pager, DataFolderError> {
    let secret = settings.mesh.page_secret.as_str();
    if secret.is_empty() { folder.secret().map(Pager::new) } else { Ok(Pager::of_secret(secret)) }
}

async fn serve(bound: BoundGateway, stop: CancellationToken, drained: CancellationToken) {
    let _drained = drained.drop_guard();
    bound.serve(stop.cancelled_owned()).await;
}
