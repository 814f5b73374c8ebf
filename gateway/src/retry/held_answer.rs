//! Looks at the beginning of an answer before anybody else does: may the call be sent once more, or is it answered?

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::timeout;
use tonic::{Code, Status};

use super::{Attempted, RetryRules, is_worth_another, pushback_in};
use crate::answer_status;
use crate::upstream_fault::{UpstreamFault, code_of_status};

/// What an attempt has come to.
pub(crate) enum Held {
    /// The upstream has done nothing for the call.
    Untouched(UpstreamFault),
    /// The upstream was not available, and no message of the answer has come.
    Unavailable { answer: Attempted, pushback: Option<HeaderValue> },
    /// Anything else, good or bad.
    Answered(Attempted),
}

impl Held {
    /// What the client gets if this was the last attempt.
    pub(crate) fn into_answer(self) -> Attempted {
        match self {
            Self::Untouched(fault) => Err(fault),
            Self::Unavailable { answer, .. } | Self::Answered(answer) => answer,
        }
    }
}

/// Waits until it is known what the attempt has come to. The headers of a safe call wait for the first message or the trailers, but not
/// forever: a stream may have nothing to say for a long time.
pub(crate) async fn hold(attempted: impl Future<Output = Attempted>, is_safe: bool, rules: &RetryRules) -> Held {
    let answer = match attempted.await {
        Ok(answer) => answer,
        Err(fault) if fault.is_untouched() => return Held::Untouched(fault),
        Err(fault) => return judged(fault.told_code(), None, Err(fault)),
    };
    let (head, body) = answer.into_parts();
    if let Some(code) = answer_status::of_head(&head) {
        let pushback = pushback_in(&head.headers);
        return judged(code, pushback, Ok(Response::from_parts(head, body)));
    }
    if !is_safe || rules.config.attempts < 2 {
        return Held::Answered(Ok(Response::from_parts(head, body)));
    }
    hold_until_first_message(head, body, Duration::from_millis(rules.config.hold_ms)).await
}

async fn hold_until_first_message(head: Parts, mut body: tonic::body::Body, longest: Duration) -> Held {
    let Ok(first) = timeout(longest, first_of(&mut body)).await else {
        return Held::Answered(Ok(Response::from_parts(head, body)));
    };
    let (code, pushback) = match &first {
        Some(Ok(frame)) => {
            let trailers = frame.trailers_ref();
            (trailers.and_then(answer_status::of_trailers), trailers.and_then(pushback_in))
        }
        Some(Err(status)) => (Some(code_of_status(status)), None),
        None => (None, None),
    };
    let answer = Response::from_parts(head, tonic::body::Body::new(BegunBody { first: Some(first), rest: body }));
    judged(code.unwrap_or(Code::Ok), pushback, Ok(answer))
}

fn judged(code: Code, pushback: Option<HeaderValue>, answer: Attempted) -> Held {
    if is_worth_another(code) { Held::Unavailable { answer, pushback } } else { Held::Answered(answer) }
}

type Next = Option<Result<Frame<Bytes>, Status>>;

/// The first thing in a body that says something; chunks may be empty.
async fn first_of(body: &mut tonic::body::Body) -> Next {
    loop {
        let next = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        let says_nothing = matches!(&next, Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty));
        if !says_nothing {
            return next;
        }
    }
}

/// A body whose beginning was looked at already.
struct BegunBody {
    first: Option<Next>,
    rest: tonic::body::Body,
}

impl Body for BegunBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        match self.first.take() {
            Some(first) => Poll::Ready(first),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        !matches!(self.first, Some(Some(_))) && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.first.is_some() { SizeHint::default() } else { self.rest.size_hint() }
    }
}
