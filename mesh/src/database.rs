//! Where the stores of the contexts are.

use std::path::Path;
use std::time::Duration;

use bojagi_chassis::settings::Mistakes;
use bojagi_kernel::Clock;
use bojagi_store::{Database, Migration, Options, PostgresOptions, Store};
use serde::Deserialize;

use crate::StartError;

/// The commented defaults.
pub(crate) const DEFAULTS: &str = include_str!("../database.default.toml");
/// Stands for the name of a context.
const CONTEXT: &str = "{context}";
const SQLITE: &str = "sqlite";

/// Every context with the steps of its schema.
pub const CONTEXTS: [(&str, &[Migration]); 6] = [
    (bojagi_user::NAME, bojagi_user::MIGRATIONS),
    (bojagi_item::NAME, bojagi_item::MIGRATIONS),
    (bojagi_coupon::NAME, bojagi_coupon::MIGRATIONS),
    (bojagi_order::NAME, bojagi_order::MIGRATIONS),
    (bojagi_payment::NAME, bojagi_payment::MIGRATIONS),
    (bojagi_settlement::NAME, bojagi_settlement::MIGRATIONS),
];

/// Where the stores are; see the commented defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    url: String,
    schema: String,
    replica_url: String,
    ca_file: String,
    connect_timeout_milliseconds: u64,
    statement_timeout_milliseconds: u64,
    lock_timeout_milliseconds: u64,
    silence_timeout_milliseconds: u64,
    writers: usize,
    near_microseconds: u64,
}

impl DatabaseSettings {
    pub(crate) fn check(&self) -> Vec<String> {
        if !self.on_a_server() {
            return Vec::new();
        }
        let mut mistakes = Vec::new();
        if !self.url.contains(CONTEXT) && !self.schema.contains(CONTEXT) {
            mistakes.push(format!("url: {CONTEXT} must be in url or schema: each context has a store of its own"));
        }
        let times = [
            ("connect_timeout_milliseconds", self.connect_timeout_milliseconds),
            ("statement_timeout_milliseconds", self.statement_timeout_milliseconds),
            ("lock_timeout_milliseconds", self.lock_timeout_milliseconds),
            ("silence_timeout_milliseconds", self.silence_timeout_milliseconds),
        ];
        // The server reads 0 as "for ever", and keeps such times in 32 bits.
        let endless = times.iter().filter(|(_, time)| *time == 0 || i32::try_from(*time).is_err());
        mistakes.extend(endless.map(|(name, _)| format!("{name}: must be between 1 and {}", i32::MAX)));
        let (lock, statement) = (self.lock_timeout_milliseconds, self.statement_timeout_milliseconds);
        if lock >= statement {
            mistakes.push(format!(
                "lock_timeout_milliseconds ({lock}): must be below statement_timeout_milliseconds ({statement})"
            ));
        }
        if self.writers == 0 {
            mistakes.push("writers: must be at least 1".into());
        }
        mistakes.extend(self.server("order").err());
        mistakes
    }

    /// Whether the stores are on a server, and not in the data directory.
    #[must_use]
    pub fn on_a_server(&self) -> bool {
        self.url != SQLITE
    }

    /// Where the store of a context is, given the data directory.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn of(&self, context: &str, data: &Path) -> Result<Database, Mistakes> {
        if self.on_a_server() {
            let server = self.server(context).map_err(|mistake| Mistakes(vec![format!("database.{mistake}")]))?;
            return Ok(Database::Postgres(Box::new(server)));
        }
        Ok(Database::Sqlite(data.join(format!("{context}.sqlite"))))
    }

    fn server(&self, context: &str) -> Result<PostgresOptions, String> {
        let milliseconds = Duration::from_millis;
        let url = self.url.replace(CONTEXT, context);
        let mut server = PostgresOptions::at(&url).map_err(|error| format!("url: {error}"))?;
        if !self.schema.is_empty() {
            let schema = self.schema.replace(CONTEXT, context);
            server = server.in_schema(&schema).map_err(|error| format!("schema: {error}"))?;
        }
        if !self.replica_url.is_empty() {
            let url = self.replica_url.replace(CONTEXT, context);
            server = server.with_replica(&url).map_err(|error| format!("replica_url: {error}"))?;
        }
        server.ca_file = (!self.ca_file.is_empty()).then(|| self.ca_file.clone().into());
        server.connect_timeout = milliseconds(self.connect_timeout_milliseconds);
        server.statement_timeout = milliseconds(self.statement_timeout_milliseconds);
        server.lock_timeout = milliseconds(self.lock_timeout_milliseconds);
        server.silence_timeout = milliseconds(self.silence_timeout_milliseconds);
        server.writers = self.writers;
        server.near = Duration::from_micros(self.near_microseconds);
        Ok(server)
    }
}

/// Brings the schema of every store up to date.
///
/// # Errors
/// When a store cannot be opened or a step cannot be applied.
pub async fn migrate(settings: &DatabaseSettings, data: &Path, clock: &dyn Clock) -> Result<(), StartError> {
    for (context, migrations) in CONTEXTS {
        let options = Options::on(settings.of(context, data)?);
        Store::open(&options, migrations, clock).await.map_err(|error| StartError::Store(context, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MeshSettings;

    fn with(variables: &[(&str, &str)]) -> Result<MeshSettings, Mistakes> {
        let named = |(name, value): &(&str, &str)| (format!("BOJAGI_DATABASE__{name}"), (*value).to_owned());
        MeshSettings::load(None, variables.iter().map(named))
    }

    #[test]
    fn stores_are_files_unless_a_server_is_named() {
        let settings = with(&[]).ok().unwrap().database;
        let place = settings.of("order", Path::new("data"));
        assert!(matches!(place, Ok(Database::Sqlite(path)) if path == Path::new("data/order.sqlite")));
    }

    #[test]
    fn each_context_has_a_store_of_its_own_on_the_server() {
        let settings =
            with(&[("URL", "postgres://a@localhost/shop"), ("SCHEMA", "v1_{context}")]).ok().unwrap().database;
        let Ok(Database::Postgres(server)) = settings.of("order", Path::new("data")) else { panic!() };
        assert_eq!(server.name(), "shop.v1_order");
    }

    #[test]
    fn mistakes_are_told_before_anything_starts() {
        let mistakes = |variables: &[(&str, &str)]| with(variables).err().unwrap().0.len();
        assert_eq!(mistakes(&[("URL", "postgres://a@localhost/shop")]), 1);
        assert_eq!(mistakes(&[("URL", "postgres://a@db/{context}"), ("STATEMENT_TIMEOUT_MILLISECONDS", "8000")]), 1);
        assert_eq!(mistakes(&[("URL", "mysql://a@localhost/{context}")]), 1);
        assert_eq!(mistakes(&[("URL", "postgres://a@db/{context}?sslmode=prefer")]), 1);
        assert_eq!(mistakes(&[("URL", "postgres://a@db/{context}"), ("REPLICA_URL", "mysql://a@db/{context}")]), 1);
        let zero = ("LOCK_TIMEOUT_MILLISECONDS", "0");
        assert_eq!(mistakes(&[("URL", "postgres://a@db/{context}"), ("SCHEMA", "No"), zero]), 2);
    }
}
