//! What tests do to a server: taking their schemas away again, and breaking their connections.

use tokio_postgres::SimpleQueryMessage;

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

/// Ends all connections to the server that have the application name which the options give theirs, as a restart of the
/// server would, and waits until they are gone. Answers how many there were.
///
/// # Errors
/// When the options give no such name, or the database says no.
pub async fn end_connections(options: &PostgresOptions) -> Result<u64, Error> {
    if options.server.get_application_name().is_none() {
        return Err(Error::Database("no application name is given".into()));
    }
    let connection = Connector::new(options)?.connect(Purpose::Listening, None).await?;
    let sql = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity
        WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
    let said = connection.client.simple_query(sql).await.map_err(|error| explain(&error, sql))?;
    Ok(said.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).count() as u64)
}
