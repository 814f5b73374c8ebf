//! A gateway that stands alone: put together from its configuration, and anew whenever that changes.

mod assembly;
mod watched_files;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use self::assembly::{Assembled, Parts, assemble};
pub use self::watched_files::WatchedFiles;
use crate::config::GatewayConfig;
use crate::config_errors::{ConfigErrors, ConfigMistake};
use crate::server::{BindError, BoundGateway, Listening, RunningGateway};

/// Where a configuration comes from. It is asked at the start and for every reload.
pub trait ConfigSource: Send + Sync + 'static {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Every mistake, a sentence each.
    fn read(&self) -> Result<GatewayConfig, Vec<String>>;

    /// The files that are read for it. Those that the configuration names need not be among them.
    fn files(&self) -> Vec<PathBuf>;

    /// Is told when a configuration has come into force in the place of another.
    fn replaced(&self, _before: &GatewayConfig, _now: &GatewayConfig) {}
}

/// Why a gateway that stands alone does not start.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    /// Mistakes in the configuration or in a file that it names, a line each.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
}

/// A gateway that stands alone, with a socket.
pub struct Standalone {
    bound: BoundGateway,
    reloader: Reloader,
}

impl Standalone {
    /// Reads the configuration, puts the gateway together and opens its socket. Connections wait until it is served.
    ///
    /// # Errors
    /// See [`StandaloneError`].
    pub async fn start(source: impl ConfigSource) -> Result<Self, StandaloneError> {
        let source: Box<dyn ConfigSource> = Box::new(source);
        let config = source.read().map_err(StandaloneError::Config)?;
        // Looked at before they are read, so that no change is missed.
        let watched = WatchedFiles::look_at(files_of(source.as_ref(), &config));
        let watch = config.reload.interval();
        if !config.mistakes().is_empty() {
            // Assembled for the sake of the other mistakes.
            let Assembled { builder, problems, .. } = assemble(config, &Parts::default());
            let mistakes = only_if_sound(builder.build(), problems).err();
            return Err(StandaloneError::Config(mistakes.unwrap_or_default()));
        }

        // A taken port is told before anything is connected to.
        let socket = Listening::at(config.listen).await?;
        let Assembled { builder, parts, problems } = assemble(config, &Parts::default());
        let gateway = only_if_sound(builder.build(), problems).map_err(StandaloneError::Config)?;
        let bound = BoundGateway::on(socket, gateway);
        let running = bound.running();
        let reloader = Reloader { source, running, parts, watched, watch, asked: Arc::default() };
        Ok(Self { bound, reloader })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.bound.local_addr()
    }

    /// The gateway that serves at the moment.
    #[must_use]
    pub fn running(&self) -> RunningGateway {
        self.bound.running()
    }

    /// Asks for a reload when it is notified; on SIGHUP, for example.
    #[must_use]
    pub fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.reloader.asked)
    }

    /// Serves until `shutdown` is over, then drains like [`BoundGateway::serve`]. Until then its configuration is read again when that is
    /// asked for, and when a file has changed.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { bound, reloader } = self;
        bound.running().gateway().readiness().set_serving(true);
        tokio::select! {
            () = bound.serve(shutdown) => {}
            () = reloader.run() => {}
        }
    }
}

/// Replaces the running gateway when its configuration changes.
struct Reloader {
    source: Box<dyn ConfigSource>,
    running: RunningGateway,
    parts: Parts,
    watched: WatchedFiles,
    watch: Option<Duration>,
    asked: Arc<Notify>,
}

impl Reloader {
    /// Never ends.
    async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.asked.notified() => tracing::info!("the configuration is read again, as was asked for"),
                () = self.watched.changed(self.watch) => tracing::info!("the configuration is read again: a file has changed"),
            }
            match self.reload() {
                Ok(()) => tracing::info!("the new configuration is in force"),
                Err(mistakes) => tracing::error!(
                    mistakes = mistakes.join("; "),
                    "the new configuration has mistakes; the one before stays in force"
                ),
            }
        }
    }

    fn reload(&mut self) -> Result<(), Vec<String>> {
        // Looked at before they are read, so that a change meanwhile is seen.
        self.watched.look_again();
        let config = self.source.read()?;
        // Even if it turns out to have mistakes: mending one of its files may be all that is needed.
        self.watched.follow(files_of(self.source.as_ref(), &config));
        let before = self.running.gateway();
        let moved = moved_sockets(&before.config, &config);
        if !moved.is_empty() {
            return Err(moved);
        }

        let Assembled { builder, parts, problems } = assemble(config, &self.parts);
        if problems.is_empty() {
            only_if_sound(self.running.replace(builder), problems)?;
        } else {
            // Built for the sake of its other mistakes.
            return only_if_sound(builder.build(), problems).map(drop);
        }
        self.parts = parts;
        let config = Arc::clone(&self.running.gateway().config);
        self.watch = config.reload.interval();
        self.source.replaced(&before.config, &config);
        Ok(())
    }
}

/// The sockets that the configuration would have elsewhere. Their addresses are what others know the gateway by, so they stay.
fn moved_sockets(before: &GatewayConfig, now: &GatewayConfig) -> Vec<String> {
    let sockets = [
        ("listen", before.listen.to_string(), now.listen.to_string()),
        ("admin.listen", before.admin.listen.clone(), now.admin.listen.clone()),
    ];
    let moved = sockets.into_iter().filter(|(_, before, now)| before != now);
    moved.map(|(option, before, _)| format!("{option}: cannot change from {before:?} while the gateway runs")).collect()
}

fn files_of(source: &dyn ConfigSource, config: &GatewayConfig) -> Vec<PathBuf> {
    source.files().into_iter().chain(config.files()).collect()
}

/// What was built, unless there are mistakes of any kind; then all of them.
fn only_if_sound<T>(built: Result<T, ConfigErrors>, problems: Vec<ConfigMistake>) -> Result<T, Vec<String>> {
    // Why there is no authenticator is told under `auth`.
    let told = |mistakes: &[ConfigMistake]| {
        let others = mistakes.iter().filter(|mistake| mistake.option() != "authenticator");
        others.map(ToString::to_string).collect::<Vec<_>>()
    };
    match built {
        Ok(built) if problems.is_empty() => Ok(built),
        Ok(_) => Err(told(&problems)),
        Err(errors) => Err([told(errors.mistakes()), told(&problems)].concat()),
    }
}

impl fmt::Debug for Standalone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standalone").field("bound", &self.bound).finish_non_exhaustive()
    }
}
