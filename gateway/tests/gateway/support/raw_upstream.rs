//! An upstream behind a socket that answers with any bytes it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::http2::{ACK, DATA, END_STREAM, HEADERS, PING, PREFACE, SETTINGS, frame, read_frame};

/// What is answered to the request of a stream.
#[derive(Clone)]
pub(crate) struct Script {
    answer: Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>,
    cuts: bool,
}

impl Script {
    pub(crate) fn new(answer: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), cuts: false }
    }

    /// The connection is cut after the answer.
    pub(crate) fn and_cut(mut self, cuts: bool) -> Self {
        self.cuts = cuts;
        self
    }
}

/// Listens, and answers every request with the script. It ends with the runtime of its test.
pub(crate) async fn listen(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, script.clone()));
        }
    });
    address
}

async fn serve(mut connection: TcpStream, script: Script) {
    let mut preface = [0; PREFACE.len()];
    let greeted = connection.read_exact(&mut preface).await.is_ok()
        && connection.write_all(&frame(SETTINGS, 0, 0, &[])).await.is_ok();
    while greeted && let Ok(received) = read_frame(&mut connection).await {
        let (reply, is_answer) = match (received.kind, received.flags & (ACK | END_STREAM)) {
            (SETTINGS, 0) => (frame(SETTINGS, ACK, 0, &[]), false),
            (PING, 0) => (frame(PING, ACK, 0, &received.payload), false),
            (HEADERS | DATA, END_STREAM) => ((script.answer)(received.stream), true),
            _ => continue,
        };
        if connection.write_all(&reply).await.is_err() || (is_answer && script.cuts) {
            return;
        }
    }
}
