//! Metrics and the collectors that they are for.

use bojagi_telemetry::metrics::prometheus_client::metrics::counter::Counter;
use bojagi_testkit::Collector;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;

use super::Running;

#[tokio::test]
async fn all_metrics_are_reported_and_once_more_at_the_end() {
    let collector = Collector::start().await;
    let running = Running::to(&collector.endpoint(), |config| config.metrics_seconds = 3_600).await;
    let parcels = Counter::<u64>::default();
    running.metrics.register(|registry| registry.register("parcels", "Parcels wrapped", parcels.clone()));
    parcels.inc_by(3);
    running.stop().await;

    let metrics = collector.metrics();
    let named = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap();
    let Some(Data::Sum(parcels)) = &named("parcels").data else { panic!("a counter is a sum") };
    assert_eq!(parcels.data_points[0].value, Some(Value::AsDouble(3.0)));
    assert!(named("bojagi_telemetry_spans_lost").description.starts_with("Spans that no collector has taken"));
}

#[tokio::test]
async fn no_metrics_are_reported_where_nobody_wants_them() {
    let collector = Collector::start().await;
    let running = Running::to(&collector.endpoint(), |config| config.metrics_seconds = 0).await;
    running.stop().await;
    assert!(collector.metrics().is_empty());
}
