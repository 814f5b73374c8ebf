//! The relay: publishes the outbox of one context, in order, and notes how far it has come.
//!
//! Facts are read in the order of the outbox and given to one idempotent producer, so that they reach the broker in that
//! order too. What was acknowledged without a gap is noted. Whoever begins, begins behind what was noted and leaves nothing
//! out: so whatever is published twice, by a relay that was killed or by one that slept past the end of its lease, each fact
//! is published for the first time after all that come before it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bojagi_store::{Error, LockKey, Store, Tx};
use bojagi_telemetry::Span;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer, PurgeConfig};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::aside::Aside;
use super::lease::{LASTS, Lease, RELAY};
use super::listener::Listener;
use super::topics::TopicError;
use super::{Shared, record};
use crate::event::Logged;
use crate::{Outbox, spans, watch};

/// Facts read at once.
const BATCH: usize = 1_000;
/// Facts on their way to the broker at most.
const IN_FLIGHT: usize = 10_000;
/// How often it is noted how far the outbox was published, if anything was.
const NOTE: Duration = Duration::from_millis(50);
/// The safety net under being woken, by which also those facts are found that another process has told.
const POLL: Duration = Duration::from_millis(200);
/// How often one that waits asks whether the lease has become free, and the pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// How long what is on its way may take to be acknowledged when the process is to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a term of publishing ended. Another begins after a pause.
#[derive(Debug, thiserror::Error)]
enum TermEnd {
    #[error("another process publishes by now")]
    Fenced,
    #[error("{0}")]
    Topic(#[from] TopicError),
    #[error("{0}")]
    Store(#[from] Error),
    #[error("{0}")]
    Kafka(#[from] KafkaError),
    #[error("the producer ended early")]
    ProducerEnded,
}

/// Publishes until `stop` is cancelled.
pub(super) async fn run(shared: Arc<Shared>, outbox: Outbox, stop: CancellationToken) {
    let relay = Relay { shared, outbox };
    let publishing = async {
        while !stop.is_cancelled() {
            match relay.term(&stop).await {
                Ok(()) => {}
                Err(TermEnd::Fenced) => tracing::info!(topic = relay.outbox.topic, "another process publishes"),
                Err(end) => tracing::error!(topic = relay.outbox.topic, %end, "publishing is interrupted"),
            }
            tokio::select! { () = stop.cancelled() => {}, () = sleep(PAUSE) => {} }
        }
    };
    tokio::join!(publishing, watch::outbox(&relay.outbox, &stop));
}

struct Relay {
    shared: Arc<Shared>,
    outbox: Outbox,
}

impl Relay {
    /// Takes the lease, if it is free, and publishes as long as it lasts.
    async fn term(&self, stop: &CancellationToken) -> Result<(), TermEnd> {
        let topic = self.shared.name(self.outbox.topic);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            ready = self.shared.topics.ensure(std::slice::from_ref(&topic), &self.shared.config) => ready?,
        }
        let (name, holder, now) = (self.outbox.topic, self.shared.holder.clone(), self.outbox.clock.now());
        let taken = self.write(async move |tx: &mut Tx| Lease::take(tx, name, &holder, now).await).await?;
        let Some((lease, published)) = taken else { return Ok(()) };
        let producer = FutureProducer::from_config_and_context(&self.shared.config.producer(), Listener::default())?;
        let producer = Aside::new(producer, "kafka-fall-silent", fall_silent);
        let mut term = Term {
            relay: self,
            topic,
            lease,
            producer,
            flying: VecDeque::new(),
            read: published,
            published,
            noted: published,
            noted_at: Instant::now(),
        };
        let end = term.publish(stop).await;
        term.producer.end().await;
        end
    }

    /// Units of a relay concern its lease and its position.
    async fn write<T: Send + 'static>(
        &self,
        unit: impl AsyncFnOnce(&mut Tx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.outbox.store.write_locking([LockKey::named(RELAY, self.outbox.topic)], unit).await
    }
}

/// Sends no more: what is left in the queue will be read again.
fn fall_silent(producer: FutureProducer<Listener>) {
    producer.purge(PurgeConfig::default().queue().inflight());
}

/// A fact on its way to the broker.
struct Flying {
    position: i64,
    delivery: DeliveryFuture,
    /// Ends when the fact has landed.
    _span: Span,
}

/// The time for which one relay publishes.
struct Term<'a> {
    relay: &'a Relay,
    topic: String,
    lease: Lease,
    producer: Aside<FutureProducer<Listener>>,
    /// What is on its way, in order.
    flying: VecDeque<Flying>,
    /// How far the outbox was read, published without a gap, and noted to be published.
    read: i64,
    published: i64,
    noted: i64,
    noted_at: Instant,
}

impl Term<'_> {
    async fn publish(&mut self, stop: &CancellationToken) -> Result<(), TermEnd> {
        let store = self.store().clone();
        let mut news = store.announcements();
        let mut look = interval(NOTE);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked_at = Instant::now();
        let mut more = true;
        while !stop.is_cancelled() {
            if more && self.flying.len() + BATCH <= IN_FLIGHT {
                news.mark_unchanged();
                looked_at = Instant::now();
                more = self.send_batch().await?;
                self.note_if_due().await?;
            }
            let room = self.flying.len() + BATCH <= IN_FLIGHT;
            tokio::select! {
                () = stop.cancelled() => {}
                landed = landed(&mut self.flying), if !self.flying.is_empty() => self.published = landed?,
                changed = news.changed(), if !more => more = changed.is_ok(),
                _ = look.tick() => more |= looked_at.elapsed() >= POLL,
                () = std::future::ready(()), if more && room => {}
            }
            self.take_what_has_landed()?;
            self.note_if_due().await?;
        }
        self.finish().await
    }

    fn store(&self) -> &Store {
        &self.relay.outbox.store
    }

    /// Reads what follows and gives it to the producer. Answers whether there may be more.
    async fn send_batch(&mut self) -> Result<bool, TermEnd> {
        let (lease, read, limit) = (self.lease, self.read, BATCH as i64);
        let told: Result<Option<Vec<Logged>>, Error> =
            self.store().read(async move |tx: &mut Tx| lease.read(tx, read, limit).await).await;
        let told = told?.ok_or(TermEnd::Fenced)?;
        for Logged { position, event } in &told {
            let span = spans::publishing(self.relay.outbox.topic, event);
            // A span that nobody is told of would be missing between the one that told the fact and those that hear it.
            let trace = if span.is_recorded() { Some(span.context()) } else { event.trace.clone() };
            let (key, headers) = (event.aggregate_id.to_string(), record::headers(event, trace));
            // The record's own time is that of publishing: by it a broker judges what is old enough to be deleted, and a fact
            // that waited for long is not. When it was told is in its headers.
            let mut outgoing = FutureRecord::to(&self.topic).key(&key).payload(&event.payload).headers(headers);
            let delivery = loop {
                match self.producer.send_result(outgoing) {
                    Ok(delivery) => break delivery,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused))
                        if !self.flying.is_empty() =>
                    {
                        outgoing = refused;
                        self.published = landed(&mut self.flying).await?;
                    }
                    Err((error, _)) => return Err(error.into()),
                }
            };
            self.flying.push_back(Flying { position: *position, delivery, _span: span });
            self.read = *position;
        }
        Ok(told.len() == BATCH)
    }

    /// Takes all that was acknowledged meanwhile, in order.
    fn take_what_has_landed(&mut self) -> Result<(), TermEnd> {
        use futures::FutureExt;
        while let Some(first) = self.flying.front_mut() {
            let Some(delivered) = (&mut first.delivery).now_or_never() else { break };
            delivered.map_err(|_| TermEnd::ProducerEnded)?.map_err(|(error, _)| error)?;
            self.published = first.position;
            self.flying.pop_front();
        }
        Ok(())
    }

    async fn note_if_due(&mut self) -> Result<(), TermEnd> {
        let since = self.noted_at.elapsed();
        if since >= LASTS / 3 || (self.published > self.noted && since >= NOTE) { self.note().await } else { Ok(()) }
    }

    /// Notes how far the outbox was published, which also prolongs the lease.
    async fn note(&mut self) -> Result<(), TermEnd> {
        let (lease, published, now) = (self.lease, self.published, self.relay.outbox.clock.now());
        let kept = self.relay.write(async move |tx: &mut Tx| lease.mark(tx, published, now).await).await?;
        if !kept {
            return Err(TermEnd::Fenced);
        }
        (self.noted, self.noted_at) = (published, Instant::now());
        Ok(())
    }

    /// Waits a little for what is on its way, and gives the lease back.
    async fn finish(&mut self) -> Result<(), TermEnd> {
        let all = async {
            while !self.flying.is_empty() {
                self.published = landed(&mut self.flying).await?;
            }
            Ok::<_, TermEnd>(())
        };
        // What is not acknowledged in time is published again by the next one.
        if let Ok(ended) = timeout(LAST_WORDS, all).await {
            ended?;
        }
        self.note().await?;
        let (lease, now) = (self.lease, self.relay.outbox.clock.now());
        self.relay.write(async move |tx: &mut Tx| lease.give_back(tx, now).await).await?;
        Ok(())
    }
}

/// Waits until the first of what is on its way is acknowledged. Answers its position.
async fn landed(flying: &mut VecDeque<Flying>) -> Result<i64, TermEnd> {
    let Some(first) = flying.front_mut() else { return std::future::pending().await };
    let position = first.position;
    (&mut first.delivery).await.map_err(|_| TermEnd::ProducerEnded)?.map_err(|(error, _)| error)?;
    flying.pop_front();
    Ok(position)
}
