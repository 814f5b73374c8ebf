//! What daily jobs have done.

use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx, params};

/// The moment that a job was last done for.
pub(crate) async fn last_done(tx: &mut Tx, name: &'static str) -> Result<Option<Moment>, Error> {
    let done: Option<(Moment,)> = tx.fetch_optional("SELECT done_for FROM job WHERE name = ?1", params![name]).await?;
    Ok(done.map(|(moment,)| moment))
}

/// Notes that a job is done for a moment.
pub(crate) async fn note_done(tx: &mut Tx, name: &'static str, moment: Moment) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO job (name, done_for) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET done_for = excluded.done_for",
        params![name, moment],
    )
    .await?;
    Ok(())
}
