//! Sends spans, many in a message, in the order in which they ended.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
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
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = gather(&mut ended, &mut batch, self.batch) => {}
                () = sleep(self.gather) => {}
            }
            self.deliver(&mut batch, &stop).await;
        }

        ended.close();
        let flush = self.flush;
        let all = async {
            while !batch.is_empty() || ended.recv_many(&mut batch, self.batch).await > 0 {
                if self.send(&batch).await.is_err() {
                    break;
                }
                batch.clear();
            }
        };
        // What was not taken by now is lost, whether it failed or took too long.
        let _in_time = timeout(flush, all).await;
        counted::lost(Lost::Ended, (batch.len() + ended.len()) as u64);
    }

    /// Sends a batch again and again until the collector takes or refuses it. Meanwhile the queue fills.
    async fn deliver(&mut self, batch: &mut Vec<Details>, stop: &CancellationToken) {
        while !batch.is_empty() && !stop.is_cancelled() {
            let sent = tokio::select! {
                () = stop.cancelled() => return,
                sent = self.send(batch) => sent,
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
                    tokio::select! { () = stop.cancelled() => {}, () = sleep(pause) => {} }
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
