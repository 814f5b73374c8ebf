//! Spans: pieces of work with a beginning and an end, told to a collector when they end.
//!
//! A span is made of the trace context that the work runs in anyway, so that the ids in logs, histories and facts are those
//! that the collector knows. Where nothing is exported, or the trace is not sampled, a span is its context and nothing more.
//! What a span says comes from closed sets (names of methods, topics, states) and ids of things, never from what a caller
//! has sent, but for the `tracestate` of its context, which is there to be passed on.

mod call;
mod recorder;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bojagi_kernel::{Clock, Moment, SystemClock};

pub(crate) use self::recorder::{Recorder, record_with};
use crate::TraceContext;

/// What part a span has in a conversation, as OpenTelemetry sorts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Answers a call.
    Server,
    /// Calls another process.
    Client,
    /// Publishes a fact.
    Producer,
    /// Reacts to a fact.
    Consumer,
    /// Has no part in any.
    Internal,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A piece of work. It ends when it is dropped, also when the work was broken off.
pub struct Span {
    context: TraceContext,
    recording: Option<Box<Recording>>,
}

/// A span that is recorded, and where it goes when it ends.
struct Recording {
    recorder: Arc<Recorder>,
    began: Instant,
    details: Details,
}

/// What is told of a span.
#[derive(Debug)]
pub struct Details {
    pub(crate) service: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) context: TraceContext,
    pub(crate) parent: Option<TraceContext>,
    pub(crate) began_at: Moment,
    pub(crate) took_nanos: u64,
    pub(crate) name: Cow<'static, str>,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) failed: bool,
}

impl Span {
    /// Begins a span of `service` in the trace that `parent` belongs to, or in a new one.
    #[must_use]
    pub fn begin(service: &'static str, kind: SpanKind, name: &'static str, parent: Option<TraceContext>) -> Self {
        let context = parent.as_ref().map_or_else(TraceContext::root, TraceContext::child);
        let recorder = if context.is_sampled() { recorder::current() } else { None };
        let recording = recorder
            .map(|recorder| Recording::begin(Details::of(service, kind, name, context.clone(), parent), recorder));
        Self { context, recording }
    }

    /// The same for work that needs no context of its own: there is no span where nobody would be told of it.
    #[must_use]
    pub fn begin_if_recorded(
        service: &'static str,
        kind: SpanKind,
        name: &'static str,
        parent: Option<&TraceContext>,
    ) -> Option<Self> {
        let parent = parent.filter(|parent| parent.is_sampled())?;
        let recorder = recorder::current()?;
        let context = parent.child();
        let details = Details::of(service, kind, name, context.clone(), Some(parent.clone()));
        Some(Self { context, recording: Some(Recording::begin(details, recorder)) })
    }

    /// The context of what is done as part of this span.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.context.clone()
    }

    /// Whether anybody will be told of it.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Says more about it, if it is recorded.
    pub fn describe(&mut self, say: impl FnOnce(&mut Details)) {
        if let Some(recording) = &mut self.recording {
            say(&mut recording.details);
        }
    }
}

impl Recording {
    fn begin(details: Details, recorder: Arc<Recorder>) -> Box<Self> {
        Box::new(Self { recorder, began: Instant::now(), details })
    }
}

impl Details {
    /// Of a span that begins now.
    fn of(
        service: &'static str,
        kind: SpanKind,
        name: &'static str,
        context: TraceContext,
        parent: Option<TraceContext>,
    ) -> Self {
        Self {
            service,
            kind,
            context,
            parent,
            began_at: SystemClock.now(),
            took_nanos: 0,
            name: Cow::Borrowed(name),
            attributes: Vec::new(),
            failed: false,
        }
    }

    /// Gives the span another name than it began with.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = name.into();
    }

    /// Adds an attribute. Values are ids or come from closed sets: nothing that a caller may have written.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.push((name, value.into()));
    }

    /// Marks the span as failed.
    pub const fn fail(&mut self) {
        self.failed = true;
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(recording) = self.recording.take() {
            let Recording { recorder, began, mut details } = *recording;
            details.took_nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            recorder.take(details);
        }
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Span").field(&self.context).finish()
    }
}

#[cfg(test)]
mod tests;
