//! What is logged on the thread of a test.
//!
//! There is one subscriber for all tests, because one that comes later, or for one thread only, may find that others have decided for it
//! what is not worth logging. It keeps what is logged on threads that ask for it; a test of tokio runs on one thread.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use serde_json::Value;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

thread_local! {
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Puts the subscriber in place; every gateway of a test does so before it logs anything.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let kept_here = dynamic_filter_fn(|_, _| KEPT.with_borrow(Option::is_some));
        let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(|| Keeper);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.with_filter(kept_here)))
            .unwrap();
    });
}

struct Keeper;

impl io::Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.with_borrow_mut(|kept| kept.get_or_insert_default().extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of this thread as long as it exists.
pub(crate) struct Log;

impl Log {
    pub(crate) fn begin() -> Self {
        install();
        KEPT.set(Some(Vec::new()));
        Self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(KEPT.with_borrow(Clone::clone).unwrap()).unwrap()
    }

    /// The lines of the access log.
    pub(crate) fn calls(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == "bojagi_gateway::access_log").collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        KEPT.set(None);
    }
}
