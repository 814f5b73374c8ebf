//! The record of a tour: what was asked, what came back, how long it took, in which trace.

use std::io::Write;
use std::time::{Duration, Instant};

use bojagi_telemetry::{Span, SpanKind};
use serde::Serialize;
use serde_json::{Value, json};

use super::TourError;

/// One thing that was asked of the shop, with what followed.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The scene that it belongs to.
    pub scene: &'static str,
    /// What was asked.
    pub asked: String,
    /// What came back, or what differed.
    pub answered: String,
    /// What followed, as far as the API shows it.
    pub details: Vec<String>,
    /// From the question to the last check, in milliseconds.
    pub took_ms: f64,
    /// The W3C trace id of the calls.
    pub trace_id: String,
    /// False when it was not as expected.
    pub passed: bool,
}

/// What came back: a value for later scenes, and its story.
pub(super) struct Told<T> {
    value: T,
    answered: String,
    details: Vec<String>,
}

impl<T> Told<T> {
    pub(super) fn new(value: T, answered: impl Into<String>) -> Self {
        Self { value, answered: answered.into(), details: Vec::new() }
    }

    /// With a line about what followed.
    pub(super) fn and(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// With more lines.
    pub(super) fn and_all(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}

/// Records a tour, and prints it as it goes.
pub struct Timeline {
    begun: Instant,
    scene: &'static str,
    steps: Vec<Step>,
    printer: Option<Box<dyn Write + Send>>,
}

impl Timeline {
    /// A timeline that only records.
    #[must_use]
    pub fn silent() -> Self {
        Self { begun: Instant::now(), scene: "", steps: Vec::new(), printer: None }
    }

    /// A timeline that is printed as text while it grows.
    pub fn printed_to(printer: impl Write + Send + 'static) -> Self {
        Self { printer: Some(Box::new(printer)), ..Self::silent() }
    }

    /// Everything so far.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How long the tour has been going on.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The whole tour as one JSON object, with its outcome.
    #[must_use]
    pub fn to_json(&self, outcome: &Result<(), TourError>) -> Value {
        json!({
            "outcome": if outcome.is_ok() { "passed" } else { "failed" },
            "difference": outcome.as_ref().err().map(ToString::to_string),
            "took_ms": milliseconds(self.took()),
            "steps": self.steps,
        })
    }

    /// Begins a scene.
    pub(super) fn scene(&mut self, title: &'static str) -> Result<(), TourError> {
        self.scene = title;
        match &mut self.printer {
            Some(printer) => Ok(writeln!(printer, "\n{title}")?),
            None => Ok(()),
        }
    }

    /// Does what `asked` says, in a trace of its own, and records how it went.
    pub(super) async fn step<T>(
        &mut self,
        asked: impl Into<String>,
        work: impl Future<Output = Result<Told<T>, TourError>>,
    ) -> Result<T, TourError> {
        let span = Span::begin("tour", SpanKind::Internal, self.scene, None);
        let (trace, begun) = (span.context(), Instant::now());
        let trace_id = trace.trace_id();
        let outcome = trace.scope(work).await;
        drop(span);

        let mut step = Step {
            scene: self.scene,
            asked: asked.into(),
            answered: String::new(),
            details: Vec::new(),
            took_ms: milliseconds(begun.elapsed()),
            trace_id,
            passed: outcome.is_ok(),
        };
        let value = match outcome {
            Ok(told) => {
                (step.answered, step.details) = (told.answered, told.details);
                Ok(told.value)
            }
            Err(error) => {
                step.answered = error.to_string();
                step.details = vec![format!("trace {}", step.trace_id)];
                Err(error)
            }
        };
        self.record(step)?;
        value
    }

    fn record(&mut self, step: Step) -> Result<(), TourError> {
        if let Some(printer) = &mut self.printer {
            let mark = if step.passed { "ok" } else { "NO" };
            writeln!(printer, "  {mark} {:>8.1} ms  {}", step.took_ms, step.asked)?;
            for line in std::iter::once(&step.answered).chain(&step.details) {
                writeln!(printer, "                  {line}")?;
            }
        }
        self.steps.push(step);
        Ok(())
    }
}

/// An amount of won as people read it.
pub(super) fn krw(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut shown = String::from(if amount < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// With a tenth, which is as exact as anybody reads it.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use bojagi_telemetry::TraceContext;

    use super::super::expect;
    use super::*;

    #[test]
    fn amounts_are_grouped_by_thousands() {
        let shown = [0, 999, -1_000, 27_094, 1_234_567].map(krw);
        assert_eq!(shown, ["0", "999", "-1,000", "27,094", "1,234,567"]);
    }

    #[tokio::test]
    async fn a_tour_tells_what_passed_and_what_differed() {
        let mut timeline = Timeline::silent();
        timeline.scene("Shopping").unwrap();
        let trace = timeline.step("a trace", async { Ok(Told::new(TraceContext::current(), "here").and("and more")) });
        let trace = trace.await.unwrap().unwrap().trace_id();
        let differs = async { expect::equal("sum", 1, 2).map(|()| Told::new((), "")) };
        let outcome = timeline.step("a sum", differs).await;

        let json = timeline.to_json(&outcome);
        assert_eq!(json["outcome"], "failed");
        assert_eq!(json["difference"], "sum: expected 1, got 2");
        assert_eq!(json["steps"][0]["scene"], "Shopping");
        assert_eq!(json["steps"][0]["details"][0], "and more");
        assert_eq!(json["steps"][0]["trace_id"], trace);
        assert_eq!(json["steps"][1]["answered"], "sum: expected 1, got 2");
        assert_eq!(json["steps"][1]["passed"], false);
    }
}
