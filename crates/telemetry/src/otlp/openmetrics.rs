//! Metrics in the text format of OpenMetrics, read into the messages of OTLP, as the two specifications map them:
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.
//!
//! The text is the one form in which the registry shows everything without a compiler of protocol buffers in its build. Only
//! what our own registry writes is read: a line of another form is left out.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, number_data_point,
};

use super::wire;

/// All metrics in `text`, counted since `began` and read at `now`, both in nanoseconds since 1970.
pub(super) fn read(text: &str, began: u64, now: u64) -> Vec<Metric> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(comment) => describe(&mut families, comment),
            None => {
                let family = families.last_mut();
                if let (Some(family), Some(sample)) = (family, Sample::read(line)) {
                    family.take(sample, began, now);
                }
            }
        }
    }
    families.into_iter().filter_map(Family::into_metric).collect()
}

/// Takes a line such as `HELP name text`.
fn describe(families: &mut Vec<Family>, comment: &str) {
    let mut words = comment.splitn(3, ' ');
    let (Some(word), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else { return };
    if families.last().is_none_or(|family| family.name != name) {
        families.push(Family { name: name.to_owned(), ..Family::default() });
    }
    let Some(family) = families.last_mut() else { return };
    match word {
        "HELP" => rest.clone_into(&mut family.help),
        "TYPE" => rest.clone_into(&mut family.kind),
        "UNIT" => unit(rest).clone_into(&mut family.unit),
        _ => {}
    }
}

/// A unit as UCUM writes it.
fn unit(name: &str) -> &str {
    match name {
        "seconds" => "s",
        "bytes" => "By",
        other => other,
    }
}

/// All samples under one name.
#[derive(Default)]
struct Family {
    name: String,
    help: String,
    kind: String,
    unit: String,
    numbers: Vec<NumberDataPoint>,
    histograms: Vec<HistogramDataPoint>,
}

impl Family {
    fn take(&mut self, sample: Sample<'_>, began: u64, now: u64) {
        let Some(suffix) = sample.name.strip_prefix(self.name.as_str()) else { return };
        if self.kind == "histogram" {
            return self.take_of_histogram(suffix, sample, began, now);
        }
        self.numbers.push(NumberDataPoint {
            attributes: sample.attributes(),
            start_time_unix_nano: if self.kind == "counter" { began } else { 0 },
            time_unix_nano: now,
            value: Some(number_data_point::Value::AsDouble(sample.value)),
            ..NumberDataPoint::default()
        });
    }

    /// A histogram is several samples: its sum, its count, and how many were at or below each bound.
    fn take_of_histogram(&mut self, suffix: &str, mut sample: Sample<'_>, began: u64, now: u64) {
        let bound = sample.labels.iter().position(|(name, _)| *name == "le").map(|place| sample.labels.remove(place).1);
        let attributes = sample.attributes();
        if self.histograms.last().is_none_or(|point| point.attributes != attributes) {
            self.histograms.push(HistogramDataPoint {
                attributes,
                start_time_unix_nano: began,
                time_unix_nano: now,
                ..HistogramDataPoint::default()
            });
        }
        let Some(point) = self.histograms.last_mut() else { return };
        let count = sample.value as u64;
        match suffix {
            "_sum" => point.sum = Some(sample.value),
            "_count" => point.count = count,
            "_bucket" => {
                // The text adds up from the lowest class; the message does not.
                let below: u64 = point.bucket_counts.iter().sum();
                point.bucket_counts.push(count.saturating_sub(below));
                point
                    .explicit_bounds
                    .extend(bound.and_then(|bound| bound.parse().ok()).filter(|bound: &f64| bound.is_finite()));
            }
            _ => {}
        }
    }

    fn into_metric(self) -> Option<Metric> {
        let temporality = AggregationTemporality::Cumulative.into();
        let data = match self.kind.as_str() {
            "histogram" => {
                Data::Histogram(Histogram { data_points: self.histograms, aggregation_temporality: temporality })
            }
            "counter" => {
                Data::Sum(Sum { data_points: self.numbers, aggregation_temporality: temporality, is_monotonic: true })
            }
            "gauge" | "info" => Data::Gauge(Gauge { data_points: self.numbers }),
            _ => return None,
        };
        let (name, description, unit) = (self.name, self.help, self.unit);
        Some(Metric { name, description, unit, data: Some(data), ..Metric::default() })
    }
}

/// A line such as `name{label="value"} 3`.
#[derive(Debug, PartialEq)]
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl<'a> Sample<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let name_ends = line.find(['{', ' '])?;
        let (name, rest) = line.split_at(name_ends);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(labels) => read_labels(labels)?,
            None => (Vec::new(), rest),
        };
        let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
        Some(Self { name, labels, value })
    }

    fn attributes(&self) -> Vec<KeyValue> {
        self.labels.iter().map(|(name, value)| wire::text(name, value.clone())).collect()
    }
}

/// Reads `a="b",c="d"}` and answers what follows it.
fn read_labels(mut text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.trim_start_matches(',').split_once("=\"")?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let ended = loop {
            match characters.next()? {
                (place, '"') => break place,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name, value));
        text = &rest[ended + 1..];
    }
}

#[cfg(test)]
mod tests;
