//! Clients whose end is on a thread of its own, wherever they are let go.
//!
//! To end, a client of librdkafka talks with its brokers and waits for its own threads; it has hung in this, see issues 453 and
//! 509 of rust-rdkafka. On a thread of the runtime that would stop the tasks of others, and the end of the process.

use std::ops::Deref;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long the end of a client is waited for.
const END_OF_A_CLIENT: Duration = Duration::from_secs(5);

/// A client, and what is done when it ends.
pub(super) struct Aside<C: Send + 'static> {
    /// There until its end.
    client: Option<Box<C>>,
    name: &'static str,
    end: fn(C),
}

impl<C: Send + 'static> Aside<C> {
    /// A client that ends by `end`, on a thread of this name.
    pub(super) fn new(client: C, name: &'static str, end: fn(C)) -> Self {
        Self { client: Some(Box::new(client)), name, end }
    }

    /// Ends it, and waits for that a while.
    pub(super) async fn end(mut self) {
        if let Some(ended) = self.begin_end()
            && timeout(END_OF_A_CLIENT, ended).await.is_err()
        {
            tracing::warn!(thread = self.name, "the end of a Kafka client hangs; it is left to itself");
        }
    }

    fn begin_end(&mut self) -> Option<oneshot::Receiver<()>> {
        let (client, end) = (self.client.take()?, self.end);
        let (ended, end_seen) = oneshot::channel();
        let thread = std::thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            end(*client);
            // Nobody waits any more when it took too long.
            let _ = ended.send(());
        });
        match thread {
            Ok(_) => Some(end_seen),
            Err(error) => {
                tracing::error!(%error, "no thread for the end of a Kafka client");
                None
            }
        }
    }
}

impl<C: Send + 'static> Deref for Aside<C> {
    type Target = C;

    #[expect(clippy::expect_used, reason = "only its end takes the client away, and behind that nobody has it")]
    fn deref(&self) -> &C {
        self.client.as_deref().expect("a client is there until its end")
    }
}

impl<C: Send + 'static> Drop for Aside<C> {
    /// Ends it without waiting for that.
    fn drop(&mut self) {
        drop(self.begin_end());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Its end waits until it may go on, and says on which thread that was.
    type Slow = (mpsc::Receiver<()>, mpsc::Sender<Option<String>>);

    fn slow() -> (Aside<Slow>, mpsc::Sender<()>, mpsc::Receiver<Option<String>>) {
        let ((go_on, may_go_on), (says, said)) = (mpsc::channel(), mpsc::channel());
        let end: fn(Slow) = |(may_go_on, says)| {
            may_go_on.recv().unwrap();
            says.send(std::thread::current().name().map(str::to_owned)).unwrap();
        };
        (Aside::new((may_go_on, says), "end-of-a-client", end), go_on, said)
    }

    #[tokio::test]
    async fn whoever_lets_a_client_go_does_not_wait_for_its_end() {
        let (client, go_on, said) = slow();
        drop(client);
        go_on.send(()).unwrap();
        assert_eq!(said.recv().unwrap().as_deref(), Some("end-of-a-client"));
    }

    #[tokio::test]
    async fn an_end_is_waited_for() {
        let (client, go_on, said) = slow();
        let ((), ()) = tokio::join!(client.end(), async { go_on.send(()).unwrap() });
        assert!(said.try_recv().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_hangs_is_left_to_itself() {
        let (client, go_on, said) = slow();
        client.end().await;
        assert!(said.try_recv().is_err());
        go_on.send(()).unwrap();
    }
}
