//! The settings of a mesh: a section for each component, from its commented defaults, a file, the environment and flags.

use std::path::Path;

use bojagi_chassis::settings::{Mistakes, Settings};
use bojagi_events::kafka::KafkaConfig;
use bojagi_gateway::GatewayConfig;
use bojagi_kernel::ShopCalendar;
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

const SECTIONS: &[(&str, &str)] = &[
    ("mesh", DEFAULTS),
    ("database", database::DEFAULTS),
    ("gateway", bojagi_gateway::DEFAULT_CONFIG),
    ("kafka", bojagi_events::kafka::DEFAULTS),
    ("telemetry", otlp::DEFAULTS),
    ("user", bojagi_user::DEFAULTS),
    ("item", bojagi_item::DEFAULTS),
    ("coupon", bojagi_coupon::DEFAULTS),
    ("order", bojagi_order::DEFAULTS),
    ("payment", bojagi_payment::DEFAULTS),
    ("settlement", bojagi_settlement::DEFAULTS),
    ("serve", include_str!("../serve.default.toml")),
    ("services", include_str!("../services.default.toml")),
];

/// Everything that can be set.
pub struct MeshSettings {
    /// What concerns the whole mesh.
    pub mesh: Shared,
    /// Where the stores are.
    pub database: DatabaseSettings,
    /// The gateway.
    pub gateway: GatewayConfig,
    /// How facts travel.
    pub kafka: KafkaConfig,
    /// Where traces and metrics go.
    pub telemetry: OtlpConfig,
    /// The contexts.
    pub user: bojagi_user::Config,
    /// Stores, items and stock.
    pub item: bojagi_item::Config,
    /// Coupons.
    pub coupon: bojagi_coupon::Config,
    /// Orders.
    pub order: bojagi_order::Config,
    /// Payments.
    pub payment: bojagi_payment::Config,
    /// Settlement.
    pub settlement: bojagi_settlement::Config,
    /// A process that runs some of the services.
    pub serve: ServeSettings,
    /// Where the services of other processes are.
    pub services: ServiceSettings,
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

        let mesh = settings.section("mesh", Shared::check);
        let database = settings.section("database", DatabaseSettings::check);
        let gateway = settings.section("gateway", |config: &GatewayConfig| {
            config.mistakes().iter().chain(&config.only_for_one_alone()).map(ToString::to_string).collect()
        });
        let kafka = settings.section("kafka", KafkaConfig::check);
        let telemetry = settings.section("telemetry", OtlpConfig::check);
        let user = settings.section("user", bojagi_user::Config::check);
        let item = settings.section("item", bojagi_item::Config::check);
        let coupon = settings.section("coupon", bojagi_coupon::Config::check);
        let order = settings.section("order", bojagi_order::Config::check);
        let payment = settings.section("payment", bojagi_payment::Config::check);
        let settlement = settings.section("settlement", bojagi_settlement::Config::check);
        let serve = settings.section("serve", ServeSettings::check);
        let services = settings.section("services", ServiceSettings::check);
        settings.finish()?;
        match (
            mesh, database, gateway, kafka, telemetry, user, item, coupon, order, payment, settlement, serve, services,
        ) {
            (
                Some(mesh),
                Some(database),
                Some(gateway),
                Some(kafka),
                Some(telemetry),
                Some(user),
                Some(item),
                Some(coupon),
                Some(order),
                Some(payment),
                Some(settlement),
                Some(serve),
                Some(services),
            ) => Ok(Self {
                mesh,
                database,
                gateway,
                kafka,
                telemetry,
                user,
                item,
                coupon,
                order,
                payment,
                settlement,
                serve,
                services,
            }),
            // A section that is not there has left a mistake, which has been answered.
            _ => Err(Mistakes(Vec::new())),
        }
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never, unless the defaults themselves are wrong; a test holds that they are not.
    pub fn defaults() -> Result<Self, Mistakes> {
        Self::load(None, [])
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
