//! Taking a schema away again.

use super::config::PostgresOptions;
use super::connection::{Connector, Purpose};
use super::errors::explain;
use crate::Error;

/// Drops the schema with everything in it, ending whatever transaction still holds it up. For tests, which have a schema
/// each.
///
/// # Errors
/// When the options name no schema, or the database says no.
pub async fn drop_schema(options: &PostgresOptions) -> Result<(), Error> {
    let Some(schema) = &options.schema else { return Err(Error::Database("no schema is named".into())) };
    let connection = Connector::new(options)?.connect(Purpose::Writing, None).await?;
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE pid <> pg_backend_pid() AND relation IN
            (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{schema}');
         DROP SCHEMA IF EXISTS {schema} CASCADE"
    );
    connection.client.batch_execute(&sql).await.map_err(|error| explain(&error, &sql))
}
