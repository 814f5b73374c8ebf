//! One effect, and one answer, for a request that comes twice.

use bojagi_kernel::id::RequestId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{Asked, LockKey, Store, Tx};
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

/// The same for a unit that concerns only what these keys stand for ([`Store::write_locking`]), and the request.
///
/// # Errors
/// As [`write`].
pub async fn write_locking<M>(
    store: &Store,
    locked: impl IntoIterator<Item = LockKey>,
    key: Key,
    now: Moment,
    unit: impl AsyncFnOnce(&mut Tx) -> Result<M, Failure> + Send + 'static,
) -> Result<M, Failure>
where
    M: prost::Message + Default + 'static,
{
    let locked: Vec<_> = locked.into_iter().chain([key.lock()]).collect();
    store.write_locking(locked, async move |tx: &mut Tx| within(tx, &key, now, unit).await).await
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
        Recalled::Answered(answer) => kept(key, &answer),
        Recalled::Reused => Err(CommonRefusal::IdempotencyKeyReused.into()),
        Recalled::New => {
            let answer = unit(tx).await?;
            idempotency::remember(tx, key, &answer.encode_to_vec(), now).await?;
            Ok(answer)
        }
    }
}

/// What is asked under a key.
#[derive(Debug, Clone)]
pub struct Keyed<A> {
    /// The key of the request.
    pub key: Key,
    /// What is asked.
    pub ask: A,
}

impl<A> Keyed<A> {
    /// By what a request is told from all others of its method.
    #[must_use]
    pub fn request(&self) -> (String, RequestId) {
        (self.key.caller.clone(), self.key.request_id)
    }
}

/// The same as [`within`] for asks that are decided together ([`Combined`](bojagi_store::Combined)), by [`Keyed::request`]: `decide`
/// is given those that were not answered before, and answers them in their order.
///
/// # Errors
/// An error of the whole unit; what `decide` refuses, and `IDEMPOTENCY_KEY_REUSED`, are answers to single asks.
pub async fn each<A, M, D>(
    tx: &mut Tx,
    asked: &[&Asked<Keyed<A>>],
    now: Moment,
    decide: D,
) -> Result<Vec<Result<M, Failure>>, Failure>
where
    M: prost::Message + Default,
    D: AsyncFnOnce(&mut Tx, &[&Asked<Keyed<A>>]) -> Result<Vec<Result<M, Failure>>, Failure>,
{
    let keys: Vec<_> = asked.iter().map(|asked| &asked.ask.key).collect();
    let recalled = idempotency::recall_all(tx, &keys).await?;
    let is_new = |recalled: &Recalled| matches!(recalled, Recalled::New);
    let new: Vec<_> =
        asked.iter().zip(&recalled).filter(|(_, recalled)| is_new(recalled)).map(|(asked, _)| *asked).collect();
    let decided = decide(tx, &new).await?;
    let to_keep: Vec<_> = new
        .iter()
        .zip(&decided)
        .filter_map(|(asked, answer)| Some((&asked.ask.key, answer.as_ref().ok()?.encode_to_vec())))
        .collect();
    let to_keep: Vec<_> = to_keep.iter().map(|(key, answer)| (*key, answer.as_slice())).collect();
    idempotency::remember_all(tx, &to_keep, now).await?;

    let mut decided = decided.into_iter();
    let answers = keys.into_iter().zip(recalled).map(|(key, recalled)| match recalled {
        Recalled::Answered(answer) => kept(key, &answer),
        Recalled::Reused => Err(CommonRefusal::IdempotencyKeyReused.into()),
        Recalled::New => decided.next().unwrap_or_else(|| Err(Failure::broken("an ask was not decided"))),
    });
    Ok(answers.collect())
}

fn kept<M: prost::Message + Default>(key: &Key, answer: &[u8]) -> Result<M, Failure> {
    M::decode(answer)
        .map_err(|error| Failure::broken(format!("a kept answer of {} is unreadable: {error}", key.method)))
}
