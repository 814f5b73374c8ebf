//! Signing keys.

use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx, params};

/// A key as it is stored.
pub(crate) struct StoredKey {
    pub(crate) generation: i64,
    pub(crate) kid: String,
    /// The private part; absent once the key rests.
    pub(crate) seed: Option<Vec<u8>>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) signs_from: Moment,
}

bojagi_store::from_row!(StoredKey { generation, kid, seed, public_key, signs_from });

/// All keys, the earliest first.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<StoredKey>, Error> {
    let sql = "SELECT generation, kid, seed, public_key, signs_from FROM signing_key ORDER BY generation";
    tx.fetch_all(sql, &[]).await
}

/// Adds a key, unless another instance has added one of the same generation.
pub(crate) async fn insert(tx: &mut Tx, key: &StoredKey) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO signing_key (generation, kid, seed, public_key, signs_from) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (generation) DO NOTHING",
        params![key.generation, key.kid, key.seed, key.public_key, key.signs_from],
    )
    .await?;
    Ok(())
}

/// Erases the private parts of the keys up to a generation.
pub(crate) async fn rest(tx: &mut Tx, up_to: i64) -> Result<(), Error> {
    let sql = "UPDATE signing_key SET seed = NULL WHERE generation <= ?1 AND seed IS NOT NULL";
    tx.execute(sql, params![up_to]).await?;
    Ok(())
}

/// Forgets the keys up to a generation.
pub(crate) async fn forget(tx: &mut Tx, up_to: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM signing_key WHERE generation <= ?1", params![up_to]).await?;
    Ok(())
}
