//! A wire that is longer than the one on this machine.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes taken at once.
const CHUNK: usize = 64 * 1024;

/// Listens on a free port of loopback and carries what comes to `server` and back, each way in `delay`. Threads that sleep, because
/// the timers of a runtime are too coarse for this.
///
/// # Errors
/// When there is no port to listen on.
pub fn lay(server: SocketAddr, delay: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming() {
            // Who could not be connected finds the wire cut.
            let _ = client.and_then(|client| connect(client, server, delay));
        }
    });
    Ok(address)
}

fn connect(client: TcpStream, server: SocketAddr, delay: Duration) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
    }
    carry(client.try_clone()?, server.try_clone()?, delay);
    carry(server, client, delay);
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "time that passes is what a wire is made of")]
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (put, take) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            if put.send((Instant::now() + delay, chunk[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, chunk) in take {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&chunk).is_err() {
                break;
            }
        }
        // The other end is told that nothing more comes; it may have gone.
        let _ = to.shutdown(Shutdown::Write);
    });
}
