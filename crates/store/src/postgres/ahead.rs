//! What was sent and is not waited for yet.

use futures::future::{BoxFuture, MaybeDone, join_all, maybe_done};

type Answer = Result<Option<u64>, tokio_postgres::Error>;

/// What travels ahead of the next statement that is waited for.
#[derive(Default)]
pub(super) struct Ahead(Vec<Sent>);

struct Sent {
    kind: Kind,
    answer: MaybeDone<BoxFuture<'static, Answer>>,
}

/// What was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words of the transaction itself: that it begins, a savepoint.
    Words,
    /// A statement.
    Statement(String),
}

impl Ahead {
    /// Sends: what is polled once is in the hands of the connection.
    pub(super) async fn send(&mut self, kind: Kind, answer: BoxFuture<'static, Answer>) {
        let mut answer = maybe_done(answer);
        // Its answer is asked for later, done or not.
        let _ = futures::poll!(&mut answer);
        self.0.push(Sent { kind, answer });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for all answers, which come in the order of sending.
    pub(super) async fn answers(mut self) -> Vec<(Kind, Answer)> {
        join_all(self.0.iter_mut().map(|sent| &mut sent.answer)).await;
        let answers = self.0.into_iter().map(|Sent { kind, mut answer }| {
            let answer = std::pin::Pin::new(&mut answer).take_output();
            (kind, answer.unwrap_or(Ok(None)))
        });
        answers.collect()
    }
}
