use futures::stream;
use http_body_util::{BodyExt, StreamBody};

use super::*;

type Chunks = Vec<Result<Frame<Bytes>, &'static str>>;

fn kept(chunks: Chunks, keep_at_most: usize) -> KeptRequest<impl Body<Data = Bytes, Error = &'static str>> {
    KeptRequest::new(StreamBody::new(stream::iter(chunks)), keep_at_most)
}

fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

async fn next<B: Body<Data = Bytes, Error = BoxError> + Unpin>(body: &mut B) -> Option<String> {
    let frame = body.frame().await?;
    Some(
        frame.map_or_else(|error| error.to_string(), |frame| String::from_utf8_lossy(frame.data_ref().unwrap()).into()),
    )
}

#[tokio::test]
async fn a_later_attempt_begins_anew_wherever_the_one_before_it_stopped() {
    for taken in 0..=3 {
        let request = kept(vec![data("one"), data("two"), data("three")], 100);
        let mut first = request.once_more();
        for _ in 0..taken {
            next(&mut first).await.unwrap();
        }
        assert!(request.can_be_sent_again());
        let mut second = request.once_more();
        assert_eq!(next(&mut first).await.unwrap(), "the request is sent by a later attempt");
        for expected in ["one", "two", "three"] {
            assert!(!second.is_end_stream());
            assert_eq!(next(&mut second).await.as_deref(), Some(expected), "after {taken}");
        }
        assert_eq!(next(&mut second).await, None);
        assert!(second.is_end_stream());
    }
}

#[tokio::test]
async fn more_than_may_be_kept_is_sent_once() {
    let request = kept(vec![data("one"), data("two"), data("three")], 6);
    let mut only = request.once_more();
    assert_eq!(next(&mut only).await.as_deref(), Some("one"));
    assert_eq!(next(&mut only).await.as_deref(), Some("two"));
    assert!(request.can_be_sent_again(), "six bytes are kept");
    assert_eq!(next(&mut only).await.as_deref(), Some("three"));
    assert!(!request.can_be_sent_again(), "eleven are not");
    assert!(request.shared.lock().kept.is_empty(), "what cannot be sent again is not held");
    assert_eq!(next(&mut only).await, None);
}

#[tokio::test]
async fn what_failed_is_not_sent_again() {
    let request = kept(vec![data("one"), Err("the client is gone")], 100);
    let mut only = request.once_more();
    assert_eq!(next(&mut only).await.as_deref(), Some("one"));
    assert_eq!(next(&mut only).await.as_deref(), Some("the client is gone"));
    assert!(!request.can_be_sent_again());
}

#[tokio::test]
async fn the_last_attempt_takes_what_was_kept_and_keeps_nothing_more() {
    let request = kept(vec![data("one"), data("two"), data("three")], 100);
    let mut first = request.once_more();
    next(&mut first).await.unwrap();
    let mut last = request.once_more();
    request.keep_no_more();
    for expected in ["one", "two", "three"] {
        assert_eq!(next(&mut last).await.as_deref(), Some(expected));
    }
    assert!(request.shared.lock().kept.is_empty());
    assert_eq!(next(&mut last).await, None);
}
