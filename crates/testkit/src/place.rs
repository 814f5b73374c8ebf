//! Where the stores of a test are.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use bojagi_store::{Database, Options, PostgresOptions, drop_schema, end_connections};
use tempfile::TempDir;
use uuid::Uuid;

/// The URL of a PostgreSQL server on which tests have their stores, instead of in files.
pub const SERVER_VARIABLE: &str = "BOJAGI_TEST_POSTGRES";

/// A folder of its own; and, on PostgreSQL, a schema of its own for each store. All of it goes with the place.
pub struct Place {
    folder: TempDir,
    server: Option<PostgresOptions>,
    number: String,
    made: Mutex<Vec<PostgresOptions>>,
}

impl Place {
    /// On the server that [`SERVER_VARIABLE`] names, or in files when it names none.
    ///
    /// # Panics
    /// When the variable holds no URL, or there is no place for a folder.
    #[must_use]
    pub fn as_configured() -> Self {
        Self::on_postgres().unwrap_or_else(Self::in_files)
    }

    /// In files.
    ///
    /// # Panics
    /// When there is no place for a folder.
    #[must_use]
    pub fn in_files() -> Self {
        Self::on(None)
    }

    /// On the server that [`SERVER_VARIABLE`] names, if it names one.
    ///
    /// # Panics
    /// When it holds no URL, or there is no place for a folder.
    #[must_use]
    pub fn on_postgres() -> Option<Self> {
        let url = std::env::var(SERVER_VARIABLE).ok().filter(|url| !url.is_empty())?;
        Some(Self::on(Some(&url)))
    }

    fn on(url: Option<&str>) -> Self {
        let number = Uuid::now_v7().simple().to_string();
        // By its name every connection of the place is found, and no other test's.
        let named = |url: &str| format!("{url}{}application_name=t{number}", if url.contains('?') { '&' } else { '?' });
        let server = url.map(|url| {
            let mut server = PostgresOptions::at(&named(url)).unwrap();
            // However near it is: side by side is where units can get into each other's way.
            server.near = Duration::ZERO;
            server
        });
        Self { folder: TempDir::new().unwrap(), server, number, made: Mutex::default() }
    }

    /// Ends all connections to its stores on the server, as a restart of the server would. Answers how many there were.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn cut_connections(&self) -> u64 {
        match &self.server {
            Some(server) => end_connections(server).await.unwrap(),
            None => 0,
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server, if stores are on one, without a schema.
    #[must_use]
    pub const fn server(&self) -> Option<&PostgresOptions> {
        self.server.as_ref()
    }

    /// The store of this name; the same each time.
    ///
    /// # Panics
    /// When the name is too long to be part of the name of a schema.
    #[must_use]
    pub fn store(&self, name: &str) -> Options {
        let Some(server) = &self.server else {
            return Options::at(self.folder().join(format!("{name}.sqlite")));
        };
        let word: String =
            name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
        let schema = server.clone().in_schema(&format!("t{}_{word}", self.number)).unwrap();
        let mut made = self.made.lock().unwrap();
        if made.iter().all(|known| known.schema != schema.schema) {
            made.push(schema.clone());
        }
        Options::on(Database::Postgres(Box::new(schema)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        if made.is_empty() {
            return;
        }
        // A runtime of its own: the test's may be ending.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            for schema in made {
                if let Err(error) = runtime.block_on(drop_schema(&schema)) {
                    eprintln!("the schema of a test stays behind: {error}");
                }
            }
        });
        drop(dropping.join());
    }
}
