use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Labelled;
use prometheus_client::metrics::gauge::Gauge as Level;
use prometheus_client::metrics::histogram::Histogram as Classes;
use prometheus_client::registry::Unit;

use super::*;
use crate::metrics::Metrics;

fn named<'m>(metrics: &'m [Metric], name: &str) -> &'m Metric {
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("there is no {name}"))
}

#[test]
fn what_the_registry_shows_is_read() {
    let shown = Metrics::of_process("1.2.3");
    let parcels = Labelled::<Vec<(&'static str, String)>, Counter>::default();
    let open = Level::<i64>::default();
    let took = Classes::new([0.1, 1.0]);
    shown.register(|registry| {
        registry.register("parcels", "Parcels wrapped", parcels.clone());
        registry.register("open", "Parcels that are open", open.clone());
        registry.register_with_unit("took", "How long wrapping took", Unit::Seconds, took.clone());
    });
    parcels.get_or_create(&vec![("cloth", "a \"red\"\\\n one, {silk}".to_owned())]).inc_by(3);
    parcels.get_or_create(&vec![("cloth", "blue".to_owned())]).inc_by(4);
    open.set(-2);
    [0.05, 0.5, 0.7, 30.0].into_iter().for_each(|seconds| took.observe(seconds));

    let metrics = read(&shown.text().unwrap(), 7, 9);
    let Some(Data::Sum(sum)) = &named(&metrics, "parcels").data else { panic!("a counter is a sum") };
    assert!(sum.is_monotonic);
    assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Cumulative);
    let red = wire::text("cloth", "a \"red\"\\\n one, {silk}".to_owned());
    let of_red = sum.data_points.iter().find(|point| point.attributes == [red.clone()]).unwrap();
    assert_eq!(of_red.value, Some(number_data_point::Value::AsDouble(3.0)));
    assert_eq!((of_red.start_time_unix_nano, of_red.time_unix_nano), (7, 9));
    assert_eq!(sum.data_points.len(), 2);

    let Some(Data::Gauge(gauge)) = &named(&metrics, "open").data else { panic!("a gauge is a gauge") };
    assert_eq!(gauge.data_points[0].value, Some(number_data_point::Value::AsDouble(-2.0)));

    let histogram = named(&metrics, "took_seconds");
    assert_eq!(histogram.unit, "s");
    let Some(Data::Histogram(histogram)) = &histogram.data else { panic!("a histogram is a histogram") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.sum), (4, Some(31.25)));
    assert_eq!(point.explicit_bounds, [0.1, 1.0]);
    assert_eq!(point.bucket_counts, [1, 2, 1]);

    let Some(Data::Gauge(build)) = &named(&metrics, "bojagi_build").data else { panic!("an info is a gauge") };
    assert_eq!(build.data_points[0].attributes, [wire::text("version", "1.2.3".to_owned())]);
}

#[test]
fn what_is_no_sample_is_left_out() {
    for line in ["", "name", "name{a=\"b\" 1", "name{a=b} 1", "name one", "name{a=\"b\\"] {
        assert_eq!(Sample::read(line), None, "{line}");
    }
    assert!(read("orphan 1\n# TYPE x mystery\nx 1\n# EOF\n", 0, 1).is_empty());
}
