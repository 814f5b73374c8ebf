//! Some of the services in a process of their own, called over the network by the others and by the gateway.

mod closing;
mod described;
mod door;
mod operations;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bojagi_chassis::Pager;
use bojagi_chassis::Switchboard;
use bojagi_chassis::settings::Mistakes;
use bojagi_chassis::tokens::Verifier;
use bojagi_gateway::{Operated, Readiness};
use bojagi_kernel::Clock;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::closing::{Closing, Stage};
use self::door::Door;
use self::operations::Operations;
use crate::contexts::{Contexts, Surroundings};
use crate::data_folder::DataFolder;
use crate::database::CONTEXTS;
use crate::identity::Identity;
use crate::mesh::{StartError, pager};
use crate::remote::Remotes;
use crate::settings::MeshSettings;

/// What a process that runs some of the services is started with.
pub struct ServeOptions {
    /// The names of the services, such as `order`.
    pub services: Vec<String>,
    /// The data directory: stores in files, and mail while no SMTP server is configured.
    pub data: PathBuf,
    /// Where it takes calls; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Everything else.
    pub settings: MeshSettings,
}

/// Services that are served.
pub struct Served {
    address: SocketAddr,
    closing: Closing,
    door: JoinHandle<()>,
    operations: Arc<Operations>,
    stop: CancellationToken,
    work: TaskTracker,
    stop_within: Duration,
    /// Kept for the channels of the contexts; when it goes, the stores close.
    _switchboard: Switchboard,
    /// Given back when everything has ended; stores on a server need none.
    _folder: Option<DataFolder>,
}

impl Served {
    /// Starts the services; they are ready when this answers.
    ///
    /// # Errors
    /// See [`StartError`]. Mistakes in the settings are told all at once, before anything is opened.
    pub async fn start(options: ServeOptions) -> Result<Self, StartError> {
        let mut mistakes = Vec::new();
        if !options.settings.kafka.is_used() {
            mistakes
                .push("kafka.bootstrap: is missing; without brokers no other process hears what happens here".into());
        }
        Self::start_without(mistakes, options).await
    }

    /// Starts the services unless there are mistakes, these and others.
    async fn start_without(mistakes: Vec<String>, options: ServeOptions) -> Result<Self, StartError> {
        let ServeOptions { services, data, listen, clock, mut settings } = options;
        let names = names_of(&services)?;
        let identity = check(mistakes, &names, &settings)?;
        // Bound first: a taken port is told before anything else happens, and early clients wait instead of failing.
        let door = Door::open(listen).await?;
        let address = door.local_addr();

        let folder = (!settings.database.on_a_server()).then(|| DataFolder::take(&data)).transpose()?;
        if settings.order.instance.is_empty() {
            // One name is enough: whoever comes back to its partitions comes back to its orders.
            settings.order.instance.clone_from(&settings.kafka.instance);
        }
        let pager = match &folder {
            Some(folder) => pager(&settings, folder)?,
            None => Pager::of_secret(&settings.mesh.page_secret),
        };
        let around = Surroundings::new(data, clock, pager);
        let contexts = Contexts::compose(&names, &settings, &around).await?;
        let readiness = Readiness::default();
        let entrance = described::entrance(contexts.handlers(), &readiness)?;

        let remotes = Remotes::connect(&settings.services, &names, &identity)?;
        let handlers = contexts.handlers().into_iter().chain(remotes.handlers(&settings.services)?);
        let first = around.switchboard.connect(handlers);
        debug_assert!(first, "a switchboard is connected once");
        contexts.run(settings.kafka, &around);
        if let Some(first) = names.first() {
            around.follow_tokens(first);
        }
        around.work.spawn(Arc::clone(&identity).follow_files(around.stop.clone()));

        let serve = settings.serve;
        let closing = Closing::default();
        let drain = Duration::from_millis(serve.drain_ms);
        let door = door.serve(entrance, identity, serve.connections, readiness.clone(), closing.clone(), drain);
        let door = tokio::spawn(door);
        keys_come(&around.verifier, serve.keys_ms).await;
        readiness.set_serving(true);

        let services = settings.services;
        let operations = Arc::new(Operations { readiness, remotes, closing: closing.clone(), serve, services });
        let stop_within = Duration::from_secs(settings.mesh.stop_seconds);
        let Surroundings { switchboard: _switchboard, stop, work, .. } = around;
        Ok(Self { address, closing, door, operations, stop, work, stop_within, _switchboard, _folder: folder })
    }

    /// Where calls are taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process, for an admin port.
    #[must_use]
    pub fn operated(&self) -> Arc<dyn Operated> {
        Arc::<Operations>::clone(&self.operations)
    }

    /// Ends when an operator has asked the process to drain.
    pub async fn asked_to_drain(&self) {
        self.closing.reached(Stage::Asked).await;
    }

    /// Ends it: health checks are told, no new calls, running ones finish within their time, then the tasks end and the stores
    /// close. False when some of it took longer than it may.
    pub async fn stop(self) -> bool {
        self.closing.reach(Stage::Asked);
        let drained = self.door.await.is_ok();
        // Only now: a call that runs may wait for what the tasks do.
        self.stop.cancel();
        self.work.close();
        timeout(self.stop_within, self.work.wait()).await.is_ok() && drained
    }
}

/// Waits until the keys of tokens are known, for so many milliseconds at most: what is ready before would refuse whoever is
/// signed in.
pub(crate) async fn keys_come(verifier: &Verifier, keys_ms: u64) {
    if timeout(Duration::from_millis(keys_ms), verifier.keys_known()).await.is_err() {
        tracing::warn!(
            "user cannot be asked for the keys of tokens yet; calls with tokens are unavailable until it can"
        );
    }
}

/// The services of these names, each once.
fn names_of(services: &[String]) -> Result<Vec<&'static str>, Mistakes> {
    let (mut names, mut mistakes) = (BTreeSet::new(), Vec::new());
    for service in services {
        match CONTEXTS.iter().find(|(context, _)| context == service) {
            Some((context, _)) => drop(names.insert(*context)),
            None => mistakes.push(format!(
                "there is no service {service:?}; there are {}",
                CONTEXTS.map(|(context, _)| context).join(", ")
            )),
        }
    }
    if services.is_empty() {
        mistakes.push("name the services to run".into());
    }
    if mistakes.is_empty() { Ok(names.into_iter().collect()) } else { Err(Mistakes(mistakes)) }
}

/// Everything that must hold before a process can serve; and who it then is.
fn check(
    mut mistakes: Vec<String>,
    names: &[&'static str],
    settings: &MeshSettings,
) -> Result<Arc<Identity>, Mistakes> {
    if settings.database.on_a_server() && settings.mesh.page_secret.is_empty() {
        mistakes.push("mesh.page_secret: is missing; all processes over the same stores need the same".into());
    }
    mistakes.extend(settings.services.missing_for(names));
    match Identity::read(settings.serve.identity.clone(), names.to_vec()) {
        Ok(identity) if mistakes.is_empty() => Ok(identity),
        Ok(_) => Err(Mistakes(mistakes)),
        Err(of_identity) => Err(Mistakes([mistakes, of_identity.0].concat())),
    }
}

#[cfg(test)]
mod tests;
