//! The settings of a mesh: a section for each component, from its commented defaults, a file, the environment and flags.

use std::path::{Path, PathBuf};

use bojagi_chassis::settings::{Mistakes, Settings};
use bojagi_events::kafka::KafkaConfig;
use bojagi_gateway::GatewayConfig;
use bojagi_kernel::ShopCalendar;
use bojagi_telemetry::logging;
use bojagi_telemetry::otlp::{self, OtlpConfig};
use serde::Deserialize;

pub use self::serving::{ConnectionLimits, ServeSettings, ServiceSettings};
use crate::database::{self, DatabaseSettings};

mod serving;

pub(crate) use self::serving::calls;

/// The commented defaults of what concerns the whole mesh.
pub(crate) const DEFAULTS: &str = include_str!("../config.default.toml");

/// Characters of a secret that nobody guesses, in hexadecimal digits 16 bytes.
const LEAST_SECRET: usize = 32;

/// Makes [`MeshSettings`] of a table: a section, its type, its commented defaults, and what is wrong with it.
macro_rules! sections {
    ($($(#[$what:meta])* $name:ident: $settings:ty = $defaults:expr, $check:expr;)*) => {
        const SECTIONS: &[(&str, &str)] = &[$((stringify!($name), $defaults)),*];

        /// Everything that can be set.
        pub struct MeshSettings {
            $($(#[$what])* pub $name: $settings,)*
        }

        impl MeshSettings {
            fn read(mut settings: Settings) -> Result<Self, Mistakes> {
                $(let $name = settings.section::<$settings>(stringify!($name), $check);)*
                settings.finish()?;
                match ($($name,)*) {
                    ($(Some($name),)*) => Ok(Self { $($name),* }),
                    // A section that is not there has left a mistake, which has been answered.
                    _ => Err(Mistakes(Vec::new())),
                }
            }
        }
    };
}

sections! {
    /// What concerns the whole mesh.
    mesh: Shared = DEFAULTS, Shared::check;
    /// Where the stores are.
    database: DatabaseSettings = database::DEFAULTS, DatabaseSettings::check;
    /// The gateway.
    gateway: GatewayConfig = bojagi_gateway::DEFAULT_CONFIG, |config| {
        config.mistakes().iter().chain(&config.only_for_one_alone()).map(ToString::to_string).collect()
    };
    /// How facts travel.
    kafka: KafkaConfig = bojagi_events::kafka::DEFAULTS, KafkaConfig::check;
    /// Where traces and metrics go.
    telemetry: OtlpConfig = otlp::DEFAULTS, OtlpConfig::check;
    /// Accounts, sessions and mail.
    user: bojagi_user::Config = bojagi_user::DEFAULTS, bojagi_user::Config::check;
    /// Stores, items and stock.
    item: bojagi_item::Config = bojagi_item::DEFAULTS, bojagi_item::Config::check;
    /// Coupons.
    coupon: bojagi_coupon::Config = bojagi_coupon::DEFAULTS, bojagi_coupon::Config::check;
    /// Orders.
    order: bojagi_order::Config = bojagi_order::DEFAULTS, bojagi_order::Config::check;
    /// Payments.
    payment: bojagi_payment::Config = bojagi_payment::DEFAULTS, bojagi_payment::Config::check;
    /// Settlement.
    settlement: bojagi_settlement::Config = bojagi_settlement::DEFAULTS, bojagi_settlement::Config::check;
    /// A process that runs some of the services.
    serve: ServeSettings = include_str!("../serve.default.toml"), ServeSettings::check;
    /// Where the services of other processes are.
    services: ServiceSettings = include_str!("../services.default.toml"), ServiceSettings::check;
}

/// What concerns the whole mesh.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// The IANA time zone that decides when the shop's day begins.
    pub time_zone: String,
    /// The log filter.
    pub log: String,
    /// `text` or `json`.
    pub log_format: String,
    /// Units of work that may wait in a store.
    pub store_queue: usize,
    /// Reads at once in a store.
    pub store_readers: usize,
    /// Seconds that running work may take to end after the process was asked to.
    pub stop_seconds: u64,
    /// What page tokens are signed with, the same in all processes over the same stores; empty for the data directory's own.
    pub page_secret: String,
}

impl Shared {
    fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if let Err(error) = ShopCalendar::in_zone(&self.time_zone) {
            mistakes.push(format!("time_zone: {error}"));
        }
        if let Err(error) = logging::check(&self.log) {
            mistakes.push(format!("log: {error}"));
        }
        if !["text", "json"].contains(&self.log_format.as_str()) {
            mistakes.push(format!("log_format: {:?} is neither text nor json", self.log_format));
        }
        if self.store_queue == 0 || self.store_readers == 0 {
            mistakes.push("store_queue and store_readers: must be at least 1".into());
        }
        if !self.page_secret.is_empty() && self.page_secret.len() < LEAST_SECRET {
            mistakes.push(format!("page_secret: must have {LEAST_SECRET} characters or more"));
        }
        mistakes
    }
}

impl MeshSettings {
    /// The defaults, with a file over them if one is given, and the environment over both.
    ///
    /// # Errors
    /// Every mistake in any of them.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Mistakes> {
        let mut settings = Settings::with_defaults(SECTIONS);
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => settings.overlay_file(&path.display().to_string(), &text),
                Err(error) => return Err(Mistakes(vec![format!("{}: {error}", path.display())])),
            }
        }
        settings.overlay_environment(environment);

        Self::read(settings)
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never, unless the defaults themselves are wrong; a test holds that they are not.
    pub fn defaults() -> Result<Self, Mistakes> {
        Self::load(None, [])
    }

    /// The folder that takes the mails while no SMTP server is configured: the one that is set, or one in the data directory.
    #[must_use]
    pub fn mailbox(&self, data: &Path) -> PathBuf {
        let set = &self.user.mailbox_folder;
        if set.as_os_str().is_empty() { data.join("mailbox") } else { set.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mesh_decides_for_its_gateway_cannot_be_set() {
        let auth = [("BOJAGI_GATEWAY__AUTH__MODE".into(), "off".into())];
        let mistakes = MeshSettings::load(None, auth).err().unwrap();
        assert!(mistakes.0[0].starts_with("gateway.auth: is only for"), "{mistakes}");
    }

    #[test]
    fn the_defaults_are_valid() {
        assert!(MeshSettings::defaults().is_ok());
    }

    #[test]
    fn a_log_filter_that_cannot_be_read_is_a_mistake_like_others() {
        let log = [("BOJAGI_MESH__LOG".into(), "a=b=c".into())];
        let mistakes = MeshSettings::load(None, log).err().unwrap();
        assert!(mistakes.0[0].starts_with("mesh.log: "), "{mistakes}");
    }

    #[test]
    fn mail_goes_into_the_data_directory_unless_another_folder_is_set() {
        let data = Path::new("there");
        let settings = |folder: &str| {
            let set = [("BOJAGI_USER__MAILBOX_FOLDER".into(), folder.into())];
            MeshSettings::load(None, set).ok().unwrap()
        };
        assert_eq!(settings("").mailbox(data), Path::new("there/mailbox"));
        assert_eq!(settings("/srv/mail").mailbox(data), Path::new("/srv/mail"));
        assert_eq!(MeshSettings::defaults().ok().unwrap().mailbox(data), Path::new("there/mailbox"));
    }

    #[test]
    fn mistakes_of_several_sections_are_told_at_once() {
        let environment = [
            ("BOJAGI_MESH__TIME_ZONE".to_owned(), "Mars/Olympus".to_owned()),
            ("BOJAGI_GATEWAY__CONNECTIONS__MAX".to_owned(), "many".to_owned()),
            ("BOJAGI_ORDER__NO_SUCH_THING".to_owned(), "1".to_owned()),
        ];
        let mistakes = MeshSettings::load(None, environment).err().unwrap();
        assert_eq!(mistakes.0.len(), 3, "{mistakes}");
    }
}
