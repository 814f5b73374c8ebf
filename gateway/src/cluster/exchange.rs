//! One request and its answer on an HTTP/2 connection.
//!
//! When nobody waits for the answer any more, whatever is still open is reset with CANCEL at once, also while the endpoint takes no more of
//! the request. That is why this stands on `h2` itself.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt;
use h2::client::SendRequest;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

use super::refusal::ClusterRefusal;

/// Learns how an exchange goes. When it is dropped before the end, nobody waits for the answer any more.
pub(crate) trait Witness: Send + Unpin + 'static {
    /// The answer has begun.
    fn head(&mut self, head: &http::response::Parts);
    /// The answer has ended with these trailers, or without any.
    fn end(&mut self, trailers: Option<&HeaderMap>);
    /// The answer broke off.
    fn broke_off(&mut self);
}

/// Nobody wants to know.
impl Witness for () {
    fn head(&mut self, _: &http::response::Parts) {}
    fn end(&mut self, _: Option<&HeaderMap>) {}
    fn broke_off(&mut self) {}
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error(transparent)]
    Refused(#[from] ClusterRefusal),
    #[error("the connection to the endpoint failed")]
    Http2(#[from] h2::Error),
}

/// Sends a request, whose URI must be absolute, and waits for the beginning of the answer.
pub(crate) async fn exchange<B, W>(
    sender: SendRequest<Bytes>,
    request: Request<B>,
    mut witness: W,
) -> Result<Response<Answer<W>>, ExchangeError>
where
    B: Body<Data = Bytes> + Send + 'static,
    W: Witness,
{
    let mut sender = sender.ready().await.map_err(ClusterRefusal::NotTaken)?;
    let (head, body) = request.into_parts();
    let is_over = body.is_end_stream();
    let (answer, stream) =
        sender.send_request(Request::from_parts(head, ()), is_over).map_err(ClusterRefusal::NotTaken)?;
    let waiting = if is_over { None } else { send_body(body, stream) };

    let answer = match answer.await {
        Ok(answer) => answer,
        Err(error) => {
            witness.broke_off();
            return Err(if was_not_looked_at(&error) {
                ClusterRefusal::NotTaken(error).into()
            } else {
                ExchangeError::Http2(error)
            });
        }
    };
    let (head, stream) = answer.into_parts();
    witness.head(&head);
    let ended = stream.is_end_stream();
    if ended {
        witness.end(None);
    }
    Ok(Response::from_parts(head, Answer { stream, witness, ended, _waiting: waiting }))
}

/// Whether the endpoint says that it has done nothing for the request: RFC 9113, section 8.7.
fn was_not_looked_at(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    // Of the streams of a connection that is closed, only those fail for it that the endpoint has not begun.
    let closed_before = error.is_go_away() && error.is_remote();
    (refused && error.is_remote()) || closed_before
}

/// Exists as long as somebody waits for the answer.
type Waiting = oneshot::Sender<Infallible>;

/// Sends what is there of a request at once, which for most calls is all of it, and leaves the rest to a task.
fn send_body<B>(body: B, stream: SendStream<Bytes>) -> Option<Waiting>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let (waiting, nobody_waits) = oneshot::channel();
    let mut sending = Box::pin(send_until_nobody_waits(body, stream, nobody_waits));
    if sending.as_mut().now_or_never().is_some() {
        return None;
    }
    tokio::spawn(sending);
    Some(waiting)
}

async fn send_until_nobody_waits<B>(body: B, mut stream: SendStream<Bytes>, nobody_waits: oneshot::Receiver<Infallible>)
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let sent_all = tokio::select! {
        biased;
        sent_all = send_frames(body.as_mut(), &mut stream) => sent_all,
        _ = nobody_waits => false,
    };
    if !sent_all {
        stream.send_reset(Reason::CANCEL);
    }
}

/// Whether the whole body was sent, or nothing more can be. A body that fails was given up by the client.
async fn send_frames<B: Body<Data = Bytes>>(mut body: Pin<&mut B>, stream: &mut SendStream<Bytes>) -> bool {
    loop {
        let frame = match std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return false,
            None => {
                // An error is one of the stream, and the answer will tell of it.
                let _ = stream.send_data(Bytes::new(), true);
                return true;
            }
        };
        // Trailers of a request have no meaning in gRPC.
        let Ok(mut chunk) = frame.into_data() else { continue };
        while !chunk.is_empty() {
            stream.reserve_capacity(chunk.len());
            let capacity = if stream.capacity() > 0 {
                stream.capacity()
            } else {
                match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
                    Some(Ok(capacity)) => capacity,
                    Some(Err(_)) | None => return true,
                }
            };
            let part = chunk.split_to(capacity.min(chunk.len()));
            let is_last = chunk.is_empty() && body.is_end_stream();
            if stream.send_data(part, is_last).is_err() || is_last {
                return true;
            }
        }
    }
}

/// The body of an answer. The endpoint may send more when what it sent was taken.
pub(crate) struct Answer<W> {
    stream: RecvStream,
    witness: W,
    ended: bool,
    _waiting: Option<Waiting>,
}

impl<W: Witness> Body for Answer<W> {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let result = match ready!(this.stream.poll_data(cx)) {
            Some(Ok(chunk)) => {
                this.stream.flow_control().release_capacity(chunk.len()).map(|()| Some(Frame::data(chunk)))
            }
            Some(Err(error)) => Err(error),
            None => match ready!(this.stream.poll_trailers(cx)) {
                Ok(trailers) => {
                    this.ended = true;
                    this.witness.end(trailers.as_ref());
                    Ok(trailers.map(Frame::trailers))
                }
                Err(error) => Err(error),
            },
        };
        if result.is_err() {
            this.ended = true;
            this.witness.broke_off();
        }
        Poll::Ready(result.transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        if self.ended { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}
