//! `bojagi gateway`: the gateway alone, in front of any gRPC services.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use bojagi_chassis::settings::Settings;
use bojagi_gateway::{ConfigSource, GatewayConfig, LogFilter, LogFormat, Standalone, StandaloneError};
use bojagi_telemetry::logging::{self, Format};
use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{self, OtlpConfig};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::operators::{self, Door, ProcessLog};
use super::stop_signals::StopSignals;
use super::telemetry::{self, VERSION};
use super::{CommandError, shop};

/// The section of the settings; also what its environment variables begin with.
const SECTION: &str = "gateway";
const VARIABLES: &str = "BOJAGI_GATEWAY__";
/// Where traces go is said in the environment alone: the file is all about the gateway.
const TELEMETRY: &str = "telemetry";
const OF_TELEMETRY: &str = "BOJAGI_TELEMETRY__";

/// What is said on the command line. Everything can be said in the file too; flags come before the environment, the environment before the
/// file.
#[derive(Debug, Clone, Args)]
pub(crate) struct GatewayFlags {
    /// The configuration; what it does not name keeps its default. It is read again upon SIGHUP and when it changes.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the gateway listens; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where calls go whose path begins with the prefix; several URLs for several servers of the same kind. May be given several times.
    #[arg(long = "route", value_name = "PREFIX=URL[,URL…]")]
    routes: Vec<String>,
    /// "off" if the gateway is to look at no tokens, "jwks" if it is to check them.
    #[arg(long, value_name = "MODE")]
    auth: Option<String>,
    /// A file with the descriptors of the services, imports included.
    #[arg(long, value_name = "FILE")]
    descriptor_set: Option<String>,
    /// What is logged, such as "warn" or "info,bojagi_gateway=debug".
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Stand in front of the services of the shop, wherever [services] says they are: contracts and policies are those of this build, and
    /// tokens are checked by the keys of user. The configuration is that of the whole mesh, as for `bojagi serve`.
    #[arg(long, conflicts_with_all = ["routes", "auth", "descriptor_set", "log"])]
    shop: bool,
}

pub(super) async fn run(flags: GatewayFlags) -> Result<ExitCode, CommandError> {
    if flags.shop {
        return shop::run(flags.config.as_deref(), flags.listen.as_deref()).await;
    }
    let mut stop = StopSignals::hear()?;
    let hangup = signal(SignalKind::hangup()).map_err(CommandError::other)?;

    let log = Arc::new(OnceLock::new());
    let source = Flags { flags, environment: std::env::vars().collect(), log: Arc::clone(&log) };
    let config = source.read().map_err(StandaloneError::Config)?;
    let format = if config.log.format == LogFormat::Json { Format::Json } else { Format::Text };
    let metrics = Metrics::of_process(VERSION);
    let export = telemetry::start(&source.telemetry()?, "gateway", &metrics)?;
    let filter = logging::start(&config.log.filter, format).map_err(CommandError::other)?;
    let filter = Arc::new(ProcessLog::new(filter));
    // Nobody else sets it.
    let _ = log.set(Arc::clone(&filter));

    let gateway = Standalone::start(source).await?;
    let admin = operators::admit(&config.admin, gateway.running(), metrics, filter).await?;
    let scheme = if config.tls.is_on() { "https" } else { "http" };
    println!("gateway listening on {scheme}://{}", gateway.local_addr());
    let reload = tokio::spawn(reload_upon(hangup, gateway.reload()));
    gateway.serve(async { stop.come().await }).await;
    telemetry::stop(export).await;
    Door::close(admin).await?;
    reload.abort();
    Ok(ExitCode::SUCCESS)
}

async fn reload_upon(mut hangup: Signal, reload: Arc<Notify>) {
    while hangup.recv().await.is_some() {
        reload.notify_one();
    }
}

/// The configuration as it follows from the flags, the environment and the file.
struct Flags {
    flags: GatewayFlags,
    environment: Vec<(String, String)>,
    log: Arc<OnceLock<Arc<ProcessLog>>>,
}

impl Flags {
    /// Where traces and metrics go.
    fn telemetry(&self) -> Result<OtlpConfig, StandaloneError> {
        let mut settings = Settings::with_defaults(&[(TELEMETRY, otlp::DEFAULTS)]);
        settings
            .overlay_environment(self.environment.iter().filter(|(name, _)| name.starts_with(OF_TELEMETRY)).cloned());
        let config = settings.section(TELEMETRY, OtlpConfig::check);
        let finished = settings.finish().map_err(|mistakes| StandaloneError::Config(mistakes.0));
        finished.and_then(|()| config.ok_or_else(|| StandaloneError::Config(Vec::new())))
    }
}

impl ConfigSource for Flags {
    fn read(&self) -> Result<GatewayConfig, Vec<String>> {
        let mut settings = Settings::with_defaults(&[(SECTION, bojagi_gateway::DEFAULT_CONFIG)]);
        if let Some(path) = &self.flags.config {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| vec![format!("{name}: {error}")])?;
            settings.overlay_section(SECTION, &name, &text);
        }
        let of_gateway = self.environment.iter().filter(|(name, _)| name.starts_with(VARIABLES));
        settings.overlay_environment(of_gateway.cloned());
        for (flag, option, text) in self.flags.texts() {
            let path: Vec<_> = [SECTION].iter().chain(option).map(ToString::to_string).collect();
            settings.overlay_text(flag, &path, &text);
        }

        let config = settings.section(SECTION, |config: &GatewayConfig| {
            // The gateway checks all of itself when it is put together; only the log is not its own.
            logging::check(&config.log.filter).err().map(|error| format!("log.filter: {error}")).into_iter().collect()
        });
        // The section is all there is, so that its name would only be in the way.
        let plain =
            |mistake: &String| mistake.trim_start_matches("gateway.").trim_start_matches("gateway: ").to_owned();
        match (settings.finish(), config) {
            (Ok(()), Some(config)) => Ok(config),
            (Err(mistakes), _) => Err(mistakes.0.iter().map(plain).collect()),
            (Ok(()), None) => Err(vec!["the configuration cannot be read".to_owned()]),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.flags.config.iter().cloned().collect()
    }

    fn replaced(&self, before: &GatewayConfig, config: &GatewayConfig) {
        // What an operator has set meanwhile stays, unless the configuration says something new.
        if before.log.filter == config.log.filter {
            return;
        }
        if let Some(Err(error)) = self.log.get().map(|log| log.set(&config.log.filter)) {
            tracing::error!(%error, "the log is filtered as before");
        }
    }
}

impl GatewayFlags {
    /// Flag, option and value of all flags that were given.
    fn texts(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str], String)> {
        let routes = (!self.routes.is_empty()).then(|| self.routes.join(","));
        let texts: [(_, &'static [&'static str], _); 5] = [
            ("--listen", &["listen"], self.listen.clone()),
            ("--route", &["routes"], routes),
            ("--auth", &["auth", "mode"], self.auth.clone()),
            ("--descriptor-set", &["policies", "descriptor_set"], self.descriptor_set.clone()),
            ("--log", &["log", "filter"], self.log.clone()),
        ];
        texts.into_iter().filter_map(|(flag, option, text)| Some((flag, option, text?)))
    }
}
