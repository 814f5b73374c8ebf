//! One effect, and one answer, for a request that comes twice.

use bojagi_kernel::id::RequestId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{Store, Tx};
use sha2::{Digest, Sha256};

use crate::{Caller, CommonRefusal};

/// The key of a request: who asks, what, under which id, with which content. What does not belong to the content (how
/// long the caller waits) is cleared from `request` before.
pub fn key(caller: &Caller, method: &'static str, request_id: RequestId, request: &impl prost::Message) -> Key {
    let fingerprint = Sha256::digest(request.encode_to_vec()).into();
    Key { caller: caller.key(), method, request_id, fingerprint }
}

/// Runs `unit` unless the request was answered before; then the kept answer is the answer. Effect and kept answer are one
/// unit of work. Refusals are not kept: nothing began.
///
/// # Errors
/// What `unit` answers; `IDEMPOTENCY_KEY_REUSED` when another request was answered under the same id.
pub async fn write<M>(
    store: &Store,
    key: Key,
    now: Moment,
    unit: impl AsyncFnOnce(&mut Tx) -> Result<M, Failure> + Send + 'static,
) -> Result<M, Failure>
where
    M: prost::Message + Default + 'static,
{
    store.write(async move |tx: &mut Tx| within(tx, &key, now, unit).await).await
}

/// The same inside a unit of work that is under way.
///
/// # Errors
/// As [`write`].
pub async fn within<M: prost::Message + Default>(
    tx: &mut Tx,
    key: &Key,
    now: Moment,
    unit: impl AsyncFnOnce(&mut Tx) -> Result<M, Failure>,
) -> Result<M, Failure> {
    match idempotency::recall(tx, key).await? {
        Recalled::Answered(answer) => M::decode(answer.as_slice())
            .map_err(|error| Failure::broken(format!("a kept answer of {} is unreadable: {error}", key.method))),
        Recalled::Reused => Err(CommonRefusal::IdempotencyKeyReused.into()),
        Recalled::New => {
            let answer = unit(tx).await?;
            idempotency::remember(tx, key, &answer.encode_to_vec(), now).await?;
            Ok(answer)
        }
    }
}
