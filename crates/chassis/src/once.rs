//! One effect, and one answer, for a request that comes twice.

use std::collections::HashSet;

use bojagi_kernel::id::RequestId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::idempotency::{self, Key, Recalled};
use bojagi_store::{Asked, Store, Tx};
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

/// The same as [`within`] for asks that are decided together ([`Combined`](bojagi_store::Combined)): `decide` is given those that
/// were not answered before, each request once, and answers them in their order.
///
/// # Errors
/// An error of the whole unit; what `decide` refuses, and `IDEMPOTENCY_KEY_REUSED`, are answers to single asks.
pub async fn each<A, M, D>(
    tx: &mut Tx,
    asked: &[Asked<Keyed<A>>],
    now: Moment,
    decide: D,
) -> Result<Vec<Result<M, Failure>>, Failure>
where
    M: prost::Message + Default,
    D: AsyncFn(&mut Tx, &[&Asked<Keyed<A>>]) -> Result<Vec<Result<M, Failure>>, Failure>,
{
    let mut answers = Vec::with_capacity(asked.len());
    answers.resize_with(asked.len(), || None);
    let mut open: Vec<usize> = (0..asked.len()).collect();
    while !open.is_empty() {
        // A request that came twice at once is answered the second time what it was answered the first time.
        let mut seen = HashSet::new();
        let key = |index: &usize| &asked[*index].ask.key;
        let (first, again): (Vec<_>, _) =
            open.into_iter().partition(|index| seen.insert((&key(index).caller, key(index).request_id)));
        let mut new = Vec::with_capacity(first.len());
        let recalled = idempotency::recall_all(tx, &first.iter().map(key).collect::<Vec<_>>()).await?;
        for (index, recalled) in first.into_iter().zip(recalled) {
            match recalled {
                Recalled::Answered(answer) => answers[index] = Some(kept(key(&index), &answer)),
                Recalled::Reused => answers[index] = Some(Err(CommonRefusal::IdempotencyKeyReused.into())),
                Recalled::New => new.push(index),
            }
        }
        let decided = decide(tx, &new.iter().map(|index| &asked[*index]).collect::<Vec<_>>()).await?;
        let mut to_keep = Vec::with_capacity(new.len());
        for (index, answer) in new.into_iter().zip(decided) {
            if let Ok(answer) = &answer {
                to_keep.push((key(&index), answer.encode_to_vec()));
            }
            answers[index] = Some(answer);
        }
        let to_keep: Vec<_> = to_keep.iter().map(|(key, answer)| (*key, answer.as_slice())).collect();
        idempotency::remember_all(tx, &to_keep, now).await?;
        open = again;
    }
    answers.into_iter().map(|answer| answer.ok_or_else(|| Failure::broken("an ask was not decided"))).collect()
}

fn kept<M: prost::Message + Default>(key: &Key, answer: &[u8]) -> Result<M, Failure> {
    M::decode(answer)
        .map_err(|error| Failure::broken(format!("a kept answer of {} is unreadable: {error}", key.method)))
}
