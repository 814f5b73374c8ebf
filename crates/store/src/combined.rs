//! Asks of one kind that are decided together.
//!
//! Where everybody wants the same row, a unit of work for each is limited by its statements: each of them is a journey to the
//! server, one after the other. Here all asks that have come by the time their unit begins are one unit, which reads once,
//! decides in memory in the order in which they came, and writes once a table. How many that are follows from the load: one
//! that is alone waits for nobody. Where units go side by side, it locks what its asks are about, and those that come once it
//! waits for that are the next one's.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use bojagi_telemetry::TraceContext;
use futures::future::{LocalBoxFuture, join_all};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{Error, LockKey, Reason, Store, Tx};

/// Asks of one unit at most.
const MOST: usize = 512;
/// Asks that may wait at most before callers are refused; as many as units of a store.
const ROOM: usize = 16_384;

/// An ask, and the trace of the call that it came with.
#[derive(Debug, Clone)]
pub struct Asked<A> {
    /// What is asked.
    pub ask: A,
    /// The trace, if there is one.
    pub trace: Option<TraceContext>,
}

type Answers<T, E> = Result<Vec<Result<T, E>>, E>;
type Reply<T, E> = oneshot::Sender<Result<T, E>>;
type Decide<A, T, E> =
    dyn for<'a> Fn(&'a mut Tx, &'a [&'a Asked<A>]) -> LocalBoxFuture<'a, Answers<T, E>> + Send + Sync;
/// What an ask locks.
type Keys<A> = dyn Fn(&A) -> Vec<LockKey> + Send + Sync;
/// Of asks at some places, the places of those with keys of their own, and of the rest.
type Separate<A> = dyn Fn(&[Asked<A>], Vec<usize>) -> (Vec<usize>, Vec<usize>) + Send + Sync;

/// Takes asks that are decided together.
pub struct Combined<A, T, E>(Arc<Inner<A, T, E>>);

struct Inner<A, T, E> {
    store: Store,
    separate: Box<Separate<A>>,
    keys: Box<Keys<A>>,
    decide: Box<Decide<A, T, E>>,
    waiting: Mutex<Waiting<A, T, E>>,
}

struct Waiting<A, T, E> {
    asks: VecDeque<(Asked<A>, Reply<T, E>)>,
    /// Whether a unit is on its way that will take them.
    is_called: bool,
}

/// The asks of a unit, from its beginning on.
struct Batch<A, T, E> {
    asks: Arc<[Asked<A>]>,
    replies: Vec<Reply<T, E>>,
}

/// Why a unit has failed.
enum Failed<E> {
    /// Its decision.
    Decision(E),
    /// The store: it could not be run or committed.
    Store(Error),
}

impl<E> From<Error> for Failed<E> {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl<E: Reason> Reason for Failed<E> {
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Decision(reason) => reason.fault(),
            Self::Store(error) => error.fault(),
        }
    }
}

impl<A, T, E> Clone for Combined<A, T, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, T, E> Combined<A, T, E>
where
    A: Clone + Send + Sync + 'static,
    T: Send + 'static,
    E: Reason,
{
    /// Asks that `decide` answers, one answer each, in their order. What it does for all of them is one unit of work; to refuse
    /// one of them is an answer, an error of its own undoes the whole. Then each is decided once more, alone, so that one which
    /// cannot be decided fails only itself.
    ///
    /// It is never given two asks with the same `key` at once: the later one is decided after the earlier, in the same unit, and
    /// finds what that has written. `locks` are the keys of what an ask reads and writes, as [`Store::write_locking`] has it.
    pub fn new<K, L, F>(
        store: Store,
        key: impl Fn(&A) -> K + Send + Sync + 'static,
        locks: impl Fn(&A) -> L + Send + Sync + 'static,
        decide: F,
    ) -> Self
    where
        K: Eq + Hash,
        L: IntoIterator<Item = LockKey>,
        F: AsyncFn(&mut Tx, &[&Asked<A>]) -> Answers<T, E> + Clone + Send + Sync + 'static,
    {
        let separate = move |asks: &[Asked<A>], places: Vec<usize>| {
            let mut seen = HashSet::new();
            places.into_iter().partition(|place| seen.insert(key(&asks[*place].ask)))
        };
        let decide: Box<Decide<A, T, E>> = Box::new(move |tx, asks| {
            let decide = decide.clone();
            Box::pin(async move { decide(tx, asks).await })
        });
        let keys: Box<Keys<A>> = Box::new(move |ask| locks(ask).into_iter().collect());
        Self(Arc::new(Inner { store, separate: Box::new(separate), keys, decide, waiting: Mutex::default() }))
    }

    /// Asks, and waits for the answer. What was answered is on disk.
    ///
    /// # Errors
    /// What was decided, or why it could not be.
    pub async fn ask(&self, ask: A) -> Result<T, E> {
        let (reply, answered) = oneshot::channel();
        let trace = TraceContext::current();
        // The unit belongs to many; what this call waits for is told in its own trace.
        let told = self.0.store.told_write(trace.as_ref());
        let asked = Asked { ask, trace };
        let is_first = {
            let mut waiting = self.0.waiting.lock();
            if waiting.asks.len() >= ROOM {
                return told.ended(Err(Error::Overloaded.into()));
            }
            waiting.asks.push_back((asked, reply));
            !std::mem::replace(&mut waiting.is_called, true)
        };
        if is_first {
            // Not a part of this call: others wait for it too, and it may be given up.
            tokio::spawn(Arc::clone(&self.0).serve());
        }
        told.ended(answered.await.unwrap_or_else(|_| Err(Error::Closed.into())))
    }
}

impl<A, T, E> Inner<A, T, E>
where
    A: Clone + Send + Sync + 'static,
    T: Send + 'static,
    E: Reason,
{
    /// Runs units until all that wait have one on its way.
    async fn serve(self: Arc<Self>) {
        while self.serve_once().await {}
    }

    /// Runs a unit; answers whether asks are left that it was too small for.
    async fn serve_once(self: &Arc<Self>) -> bool {
        let batch = Arc::new(Mutex::new(None));
        let (inner, slot) = (Arc::clone(self), Arc::clone(&batch));
        let (locked, keys) = self.keys_of_waiting();
        let outcome = self
            .store
            .write_locking(keys, async move |tx: &mut Tx| {
                let (taken, left) = inner.take(if tx.is_alone() { MOST } else { locked });
                let asks = Arc::clone(&taken.asks);
                *slot.lock() = Some((taken, left));
                inner.decide(tx, &asks).await
            })
            .await;
        // Nothing was taken when it could not even begin.
        let (batch, left) = batch.lock().take().unwrap_or_else(|| self.take(MOST));
        match outcome {
            Ok(answers) => reply_all(batch.replies, answers),
            Err(Failed::Store(error)) if concerns_all(&error) => {
                let answers = batch.replies.iter().map(|_| Err(error.clone().into())).collect();
                reply_all(batch.replies, answers);
            }
            Err(Failed::Store(error)) if batch.replies.len() == 1 => reply_all(batch.replies, vec![Err(error.into())]),
            Err(Failed::Decision(error)) if batch.replies.len() == 1 => reply_all(batch.replies, vec![Err(error)]),
            Err(_) => {
                let answers = join_all(batch.asks.iter().map(|asked| self.alone(asked.clone()))).await;
                reply_all(batch.replies, answers);
            }
        }
        left
    }

    /// How many asks wait now, and what they lock.
    fn keys_of_waiting(&self) -> (usize, Vec<LockKey>) {
        let waiting = self.waiting.lock();
        let asks = waiting.asks.iter().take(MOST);
        (asks.len(), asks.flat_map(|(asked, _)| (self.keys)(&asked.ask)).collect())
    }

    /// Takes what waits, at most so many, unless its caller has gone, and says whether something is left.
    fn take(&self, most: usize) -> (Batch<A, T, E>, bool) {
        let mut waiting = self.waiting.lock();
        let count = waiting.asks.len().min(most);
        let (asks, replies): (Vec<_>, Vec<_>) =
            waiting.asks.drain(..count).filter(|(_, reply)| !reply.is_closed()).unzip();
        waiting.is_called = !waiting.asks.is_empty();
        (Batch { asks: asks.into(), replies }, waiting.is_called)
    }

    async fn decide(&self, tx: &mut Tx, asks: &[Asked<A>]) -> Result<Vec<Result<T, E>>, Failed<E>> {
        // Facts that are told are given the traces of their asks; this unit belongs to none of them alone.
        tx.trace = if let [asked] = asks { asked.trace.clone() } else { None };
        let mut answers: Vec<Option<Result<T, E>>> = asks.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..asks.len()).collect();
        while !open.is_empty() {
            let (now, later) = (self.separate)(asks, open);
            let chosen: Vec<_> = now.iter().map(|place| &asks[*place]).collect();
            let decided = (self.decide)(tx, &chosen).await.map_err(Failed::Decision)?;
            if decided.len() != chosen.len() {
                return Err(Error::Defect(format!("{} answers to {} asks", decided.len(), chosen.len())).into());
            }
            for (place, answer) in now.into_iter().zip(decided) {
                answers[place] = Some(answer);
            }
            open = later;
        }
        // Each place was in one of the rounds.
        Ok(answers.into_iter().flatten().collect())
    }

    async fn alone(self: &Arc<Self>, asked: Asked<A>) -> Result<T, E> {
        let inner = Arc::clone(self);
        let keys = (self.keys)(&asked.ask);
        let decided = self.store.write_locking(keys, async move |tx: &mut Tx| inner.decide(tx, &[asked]).await).await;
        match decided {
            Ok(mut answers) => answers.pop().unwrap_or_else(|| Err(Error::Closed.into())),
            Err(Failed::Decision(error)) => Err(error),
            Err(Failed::Store(error)) => Err(error.into()),
        }
    }
}

impl<A, T, E> Default for Waiting<A, T, E> {
    fn default() -> Self {
        Self { asks: VecDeque::new(), is_called: false }
    }
}

/// Whether an error says nothing about one of the asks: deciding them once more would come to the same, or, after a commit whose
/// outcome is not known, would be wrong.
const fn concerns_all(error: &Error) -> bool {
    matches!(
        error,
        Error::Overloaded
            | Error::Closed
            | Error::NotCommitted(_)
            | Error::OutcomeUnknown(_)
            | Error::Unreachable(_)
            | Error::Contended(_)
            | Error::TimedOut(_)
    )
}

fn reply_all<T, E>(replies: Vec<Reply<T, E>>, answers: Vec<Result<T, E>>) {
    for (reply, answer) in replies.into_iter().zip(answers) {
        // A caller that has gone meanwhile misses the answer; what is committed stays.
        drop(reply.send(answer));
    }
}
