//! Who may change something. The callers are made up, so that no test needs a second machine.

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// A process that notices when it is asked to drain, and whose log is filtered by what was said last.
#[derive(Default)]
struct Process {
    drains: AtomicBool,
    filter: Mutex<String>,
}

impl Operated for Process {
    fn is_ready(&self) -> bool {
        true
    }

    fn upstreams(&self) -> BTreeMap<String, ClusterStatus> {
        BTreeMap::new()
    }

    fn config(&self) -> Result<Value, serde_json::Error> {
        Ok(Value::Null)
    }

    fn begin_drain(&self) {
        self.drains.store(true, Ordering::SeqCst);
    }
}

struct Log(Arc<Process>);

impl LogFilter for Log {
    fn get(&self) -> Result<String, String> {
        Ok(self.0.filter.lock().unwrap().clone())
    }

    fn set(&self, filter: &str) -> Result<(), String> {
        filter.clone_into(&mut self.0.filter.lock().unwrap());
        Ok(())
    }
}

/// What a caller at `peer` is told by a door that is open to other machines.
async fn told(process: &Arc<Process>, peer: &str, request: &str) -> String {
    let admin =
        Admin::of(Arc::<Process>::clone(process), Metrics::of_process("1.2.3"), Arc::new(Log(Arc::clone(process))));
    let visit = Visit { only_loopback: false, may_change: guard::may_change(peer.parse::<IpAddr>().unwrap()) };
    let (mut client, server) = duplex(64 * 1024);
    let served = tokio::spawn(serve_connection(server, admin.pages, visit));
    let request =
        format!("{request} HTTP/1.1\r\nhost: order:9901\r\nconnection: close\r\ncontent-length: 4\r\n\r\nwarn");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    served.await.unwrap();
    answer
}

#[tokio::test]
async fn what_changes_something_is_for_callers_from_loopback() {
    let process = Arc::new(Process::default());
    for stranger in ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1"] {
        for request in ["POST /drain", "PUT /log-level"] {
            let answer = told(&process, stranger, request).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{stranger}: {answer}");
            assert!(answer.contains("only from loopback"), "{answer}");
        }
        for request in ["GET /ready", "GET /metrics", "GET /log-level"] {
            let answer = told(&process, stranger, request).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{stranger}: {answer}");
        }
    }
    assert!(!process.drains.load(Ordering::SeqCst));
    assert_eq!(*process.filter.lock().unwrap(), "");

    for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        *process.filter.lock().unwrap() = String::new();
        process.drains.store(false, Ordering::SeqCst);
        assert!(told(&process, here, "PUT /log-level").await.starts_with("HTTP/1.1 200 "), "{here}");
        assert!(told(&process, here, "POST /drain").await.starts_with("HTTP/1.1 202 "), "{here}");
        assert_eq!(*process.filter.lock().unwrap(), "warn");
        assert!(process.drains.load(Ordering::SeqCst));
    }
}
