//! What a collector is told of units.

use bojagi_kernel::{Failure, SystemClock};
use bojagi_store::{Error, Options, Store, StoreRefusal, Tx};
use bojagi_telemetry::TraceContext;
use bojagi_telemetry::metrics::Metrics;
use bojagi_telemetry::otlp::{DEFAULTS, Export, OtlpConfig, Process};
use bojagi_testkit::{Collector, Place};
use tokio::sync::Mutex;

/// One process records for one export at a time.
static TURN: Mutex<()> = Mutex::const_new(());

const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const CLIENT: i32 = 3;
const ERROR: i32 = 2;

on_both! {
    units_are_told_in_the_trace_of_whoever_asks_for_them,
}

async fn unit<T, E>(store: &Store, outcome: Result<T, E>) -> Result<T, E>
where
    T: Send + 'static,
    E: bojagi_store::Reason,
{
    store.write(async move |_: &mut Tx| outcome).await
}

async fn units_are_told_in_the_trace_of_whoever_asks_for_them(place: Place) {
    let _turn = TURN.lock().await;
    let collector = Collector::start().await;
    let mut config: OtlpConfig = toml::from_str(DEFAULTS).unwrap();
    config.flush_milliseconds = 60_000;
    config.endpoint = collector.endpoint();
    let process = Process { name: "shop", version: "0.0.0" };
    let export = Export::start(&config, process, Metrics::of_process("0.0.0")).unwrap().unwrap();

    let options = Options { service: Some("shop"), ..place.store("stock") };
    let store = Store::open(&options, &[], &SystemClock).await.unwrap();
    let of_nobody = Store::open(&place.store("other"), &[], &SystemClock).await.unwrap();
    let caller = TraceContext::root();
    let asked = async {
        unit(&store, Ok::<_, Error>(())).await.unwrap();
        let read: Result<(), Error> = store.read(async |_: &mut Tx| Ok(())).await;
        read.unwrap();
        unit(&store, Err::<(), Failure>(StoreRefusal::Overloaded.into())).await.unwrap_err();
        unit(&store, Err::<(), Error>(Error::Constraint { name: "stock_key".into() })).await.unwrap_err();
        unit(&store, Err::<(), Failure>(Failure::broken("a defect"))).await.unwrap_err();
        unit(&of_nobody, Ok::<_, Error>(())).await.unwrap();
    };
    caller.clone().scope(asked).await;
    TraceContext::parse(UNSAMPLED).unwrap().scope(unit(&store, Ok::<_, Error>(()))).await.unwrap();
    unit(&store, Ok::<_, Error>(())).await.unwrap();
    export.stop().await;

    let spans = collector.spans();
    let system = if store.is_shared() { "postgresql" } else { "sqlite" };
    for told in &spans {
        let (operation, namespace) = (told.attribute("db.operation.name"), told.attribute("db.namespace"));
        assert_eq!(told.span.name, format!("{operation} {namespace}"));
        assert!(namespace.ends_with("stock"), "{namespace}");
        assert_eq!((&*told.service, told.span.kind, &*told.attribute("db.system.name")), ("shop", CLIENT, system));
        let parent = format!("00-{}-{}-01", caller.trace_id(), bojagi_testkit::hex(&told.span.parent_span_id));
        assert_eq!(parent, caller.to_string());
    }
    let told: Vec<_> = spans
        .iter()
        .map(|told| {
            let failed = told.span.status.as_ref().is_some_and(|status| status.code == ERROR);
            (told.attribute("db.operation.name"), failed, told.attribute("error.type"))
        })
        .collect();
    let told: Vec<_> =
        told.iter().map(|(operation, failed, fault)| (operation.as_str(), *failed, fault.as_str())).collect();
    assert_eq!(
        told,
        [
            ("write", false, ""),
            ("read", false, ""),
            ("write", false, ""),
            ("write", false, ""),
            ("write", true, "broken")
        ]
    );
}
