//! Sends spans, many in a message, in the order in which they ended.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::counted::{self, Lost};
use super::patience::Patience;
use super::wire::Resources;
use super::{Line, OtlpConfig};
use crate::span::Details;

/// The task that sends spans.
pub(super) struct Exporter {
    line: Line,
    resources: Resources,
    batch: usize,
    gather: Duration,
    flush: Duration,
    patience: Patience,
}

impl Exporter {
    pub(super) fn new(line: Line, resources: Resources, config: &OtlpConfig) -> Self {
        let (batch, gather, flush) = (config.batch, config.gather(), config.flush());
        Self { line, resources, batch, gather, flush, patience: Patience::with("spans") }
    }

    /// Sends what comes out of the queue until `stop` is cancelled, and then what is left in it.
    pub(super) async fn run(mut self, mut ended: mpsc::Receiver<Details>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(self.batch);
        let end = End { stop: &stop, flush: self.flush, at: OnceLock::new() };
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = gather(&mut ended, &mut batch, self.batch) => {}
                () = sleep(self.gather) => {}
            }
            self.deliver(&mut batch, &end).await;
        }

        ended.close();
        let all = async {
            while !batch.is_empty() || ended.recv_many(&mut batch, self.batch).await > 0 {
                if self.send(&batch).await.is_err() {
                    break;
                }
                batch.clear();
            }
        };
        // What was not taken by now is lost, whether it failed or took too long.
        let _in_time = timeout_at(end.at(), all).await;
        counted::lost(Lost::Ended, (batch.len() + ended.len()) as u64);
    }

    /// Sends a batch again and again until the collector takes or refuses it. Meanwhile the queue fills.
    async fn deliver(&mut self, batch: &mut Vec<Details>, end: &End<'_>) {
        while !batch.is_empty() && !end.stop.is_cancelled() {
            // What is on its way when the process ends is not sent a second time: it may have come.
            let Ok(sent) = end.in_time(self.send(batch)).await else {
                counted::lost(Lost::Ended, batch.len() as u64);
                batch.clear();
                return;
            };
            match sent {
                Ok(()) => {
                    self.patience.after_answer(counted::all_lost());
                    batch.clear();
                }
                Err(status) => {
                    let pause = self.patience.after_failure(&status);
                    if !may_pass(status.code()) {
                        counted::lost(Lost::Refused, batch.len() as u64);
                        batch.clear();
                    }
                    tokio::select! { () = end.stop.cancelled() => {}, () = sleep(pause) => {} }
                }
            }
        }
    }

    async fn send(&self, batch: &[Details]) -> Result<(), Status> {
        let message = self.resources.spans(batch);
        let call = async |channel, request| TraceServiceClient::new(channel).export(request).await;
        let answer: ExportTraceServiceResponse = self.line.send(message, call).await?;
        let refused = answer.partial_success.map_or(0, |partly| u64::try_from(partly.rejected_spans).unwrap_or(0));
        counted::lost(Lost::Refused, refused);
        counted::exported((batch.len() as u64).saturating_sub(refused));
        Ok(())
    }
}

/// The end of the process, which waits a little for what has to be told.
struct End<'a> {
    stop: &'a CancellationToken,
    flush: Duration,
    at: OnceLock<Instant>,
}

impl End<'_> {
    /// Until when it waits, from when that is asked first.
    fn at(&self) -> Instant {
        *self.at.get_or_init(|| Instant::now() + self.flush)
    }

    /// Lets work go on that began before the end, until that waits no longer.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => Ok(done),
            () = self.stop.cancelled() => timeout_at(self.at(), work).await,
        }
    }
}

/// Takes spans until the batch is full.
async fn gather(ended: &mut mpsc::Receiver<Details>, batch: &mut Vec<Details>, full: usize) {
    while batch.len() < full {
        match ended.recv().await {
            Some(details) => batch.push(details),
            None => return,
        }
    }
}

/// The codes after which the protocol wants a message to be sent again
/// (<https://opentelemetry.io/docs/specs/otlp/#failures>).
const fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
            | Code::ResourceExhausted
    )
}
