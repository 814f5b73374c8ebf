//! A wire to a server that can be cut at a commit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// When the wire is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Never.
    Never,
    /// Before the server has heard of the next commit.
    BeforeCommit,
    /// When the server has heard of it, before it can answer.
    AfterCommit,
}

/// Passes on what is said, until it is told to cut.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut) = (listener.local_addr().unwrap(), Arc::new(AtomicU8::new(Cut::Never as u8)));
        let armed = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&armed)));
            }
        });
        Self { address, cut }
    }

    /// Cuts the wire of whoever commits next.
    pub(crate) fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, armed: Arc<AtomicU8>) {
    let (mut said, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            said_now = client.read(&mut said) => {
                let Ok(length @ 1..) = said_now else { return };
                let commits = said[..length].windows(6).any(|word| word == b"COMMIT");
                let cut = if commits { armed.swap(Cut::Never as u8, Ordering::SeqCst) } else { Cut::Never as u8 };
                if cut == Cut::BeforeCommit as u8 {
                    return;
                }
                server.write_all(&said[..length]).await.unwrap();
                if cut == Cut::AfterCommit as u8 {
                    // The answer shows that it was done; the client never sees it.
                    assert!(server.read(&mut answered).await.unwrap() > 0);
                    return;
                }
            }
            answered_now = server.read(&mut answered) => {
                let Ok(length @ 1..) = answered_now else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
