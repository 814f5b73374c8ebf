//! Work that grows with a message: done at once for a short one, and for a long one on a thread of its own, so that no other call has to wait
//! for it.
//!
//! Of long pieces there are as many at a time as there are processors; more would make none of them faster, and each holds a message in all
//! its forms. The others wait for their turn with what has come over the wire, and no longer than their deadlines; what can be left undone waits
//! for nothing.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Work on a message of this many bytes takes less time than handing it to another thread and back.
pub(crate) const SHORT: usize = 64 * 1024;

static OF_THE_PROCESS: LazyLock<LongWork> =
    LazyLock::new(|| LongWork::with_room_for(available_parallelism().map_or(1, NonZero::get)));

/// Does work that grows with a message of up to `length` bytes. `None` if the process is ending.
pub(crate) async fn work_on<T: Send + 'static>(length: usize, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    OF_THE_PROCESS.work_on(length, work).await
}

/// The same for work that can be left undone, which it is (`None`) if there is no room for a long piece at once.
pub(crate) async fn work_on_if_there_is_room<T: Send + 'static>(
    length: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    OF_THE_PROCESS.work_on_if_there_is_room(length, work).await
}

struct LongWork {
    room: Arc<Semaphore>,
}

impl LongWork {
    fn with_room_for(pieces: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(pieces)) }
    }

    async fn work_on<T: Send + 'static>(&self, length: usize, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if length <= SHORT {
            return Some(work());
        }
        let place = Arc::clone(&self.room).acquire_owned().await.ok()?;
        work_elsewhere(place, work).await
    }

    async fn work_on_if_there_is_room<T: Send + 'static>(
        &self,
        length: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if length <= SHORT {
            return Some(work());
        }
        let place = Arc::clone(&self.room).try_acquire_owned().ok()?;
        work_elsewhere(place, work).await
    }
}

async fn work_elsewhere<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let placed = move || {
        // Taken until the work is done, also if nobody waits for it any more.
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(placed).await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn long_pieces_wait_for_each_other_and_short_ones_for_nobody() {
        let works = LongWork::with_room_for(1);
        let (end, ended) = mpsc::channel::<()>();
        let mut first = Box::pin(works.work_on(SHORT + 1, move || ended.recv().is_ok()));
        assert!(first.as_mut().now_or_never().is_none(), "it is done elsewhere");
        let mut second = Box::pin(works.work_on(SHORT + 1, || "second"));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(works.room.available_permits(), 0);
        assert_eq!(works.work_on(SHORT, || "short").now_or_never(), Some(Some("short")));
        assert_eq!(works.work_on_if_there_is_room(SHORT, || "short").now_or_never(), Some(Some("short")));
        assert_eq!(works.work_on_if_there_is_room(SHORT + 1, || "left").now_or_never(), Some(None));

        end.send(()).unwrap();
        assert_eq!(second.await, Some("second"));
        assert_eq!(first.await, Some(true));
        assert_eq!(works.room.available_permits(), 1);
        assert_eq!(works.work_on_if_there_is_room(SHORT + 1, || "done").await, Some("done"));
    }

    #[tokio::test]
    async fn a_piece_that_nobody_waits_for_any_more_keeps_its_place_until_it_is_done() {
        let works = LongWork::with_room_for(1);
        let (end, ended) = mpsc::channel::<()>();
        let given_up = works.work_on(SHORT + 1, move || ended.recv().is_ok());
        assert!(given_up.now_or_never().is_none());
        assert_eq!(works.room.available_permits(), 0);
        end.send(()).unwrap();
        assert_eq!(works.work_on(SHORT + 1, || "next").await, Some("next"));
    }
}
