//! Who only asks whether somebody listens, as a kubelet does every few seconds.

use std::cell::Cell;
use std::sync::Once;

use bojagi_testkit::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::certificates;
use super::process::Process;

thread_local! {
    static WARNINGS: Cell<usize> = const { Cell::new(0) };
}

/// Counts warnings, each on its thread; a test of tokio runs on one.
struct Counter;

impl Counter {
    fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Self).unwrap());
        // Another test may have come by a line at the very moment at which the counter came.
        tracing::callsite::rebuild_interest_cache();
    }
}

impl Subscriber for Counter {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.is_event()
    }

    fn event(&self, _: &Event<'_>) {
        WARNINGS.set(WARNINGS.get() + 1);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_client_that_leaves_without_a_word_is_no_warning() {
    Counter::install();
    let item = Process::of_item("a", &certificates()).await;
    let says = async |words: &[u8]| {
        let mut client = TcpStream::connect(item.address).await.unwrap();
        client.write_all(words).await.unwrap();
        client.shutdown().await.unwrap();
        // Over when the process has made up its mind; how it closes does not matter.
        let _ = client.read_to_end(&mut Vec::new()).await;
    };
    says(b"").await;
    assert_eq!(WARNINGS.get(), 0);
    says(b"GET / HTTP/1.1\r\n\r\n").await;
    eventually("what is no TLS is worth a warning", async || WARNINGS.get() == 1).await;
}
