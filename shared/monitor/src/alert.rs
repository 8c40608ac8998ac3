//! One stream of zeros and ones of one key: its totals, its test against the baseline, and the
//! life of its alert.
//!
//! ```text
//!        e >= A/10            e >= A, enough observations, effect >= effect_min
//! quiet ----------> pending ------------------------------------------------------> firing
//!   ^                  |  e < A/100                                                   |
//!   +----- resolved <--+--------------------------------------------------------------+
//!                          effect < effect_min/2 in two periods, or another version or baseline
//! ```
//!
//! A *period* is one closed window that began after the alert fired, or as many in a row as it
//! takes to have `observations_min`: silence never resolves an alert. When an alert fires, the
//! detector starts anew. One episode has one `alert_id`: the `event_id` of its first event.
//!
//! Observations count in offset order whenever they arrive. The guarantee needs no other order:
//! it is about each value given those before it.

use std::collections::VecDeque;

use drift::{Confidence, Detector, Localiser, Null, Since, StreamDetector, interval, registry};
use event::{EventBuilder, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::Identity;
use crate::baseline::{NoDetector, Reference, Totals};
use crate::change::LastChange;
use crate::output::{Destination, Outputs};
use crate::settings::Settings;

/// The detector of these streams, by its name in the registry.
const DETECTOR: &str = "esr-bounded";
/// Runs named in an alert.
const EXAMPLES: usize = 3;
/// Periods without effect that resolve an alert.
const CALM_PERIODS: u8 = 2;

/// Where a value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) offset: i64,
    pub(crate) time: i64,
}

/// What a stream needs to know of its surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) agent: &'a Identity,
    pub(crate) version: &'a str,
    /// `run.error_rate` or `eval.fail_rate`.
    pub(crate) metric: &'a str,
    pub(crate) suite: Option<&'a str>,
    pub(crate) last_change: Option<&'a LastChange>,
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Observations of this version so far; the next version's baseline.
    pub(crate) totals: Totals,
    test: Option<Test>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Test {
    reference: Reference,
    bound: f64,
    detector: Detector,
    localiser: Localiser<Mark>,
    /// The last failed runs, oldest first.
    failures: VecDeque<(i64, String)>,
    phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Quiet,
    Pending { id: String },
    Firing { id: String, since: i64, calm: u8, period: Totals },
}

/// Numbers of an alert event.
#[derive(Debug, Clone, Copy)]
struct Finding {
    e_value: f64,
    observations: u64,
    observed: Totals,
    since: Option<Since<Mark>>,
}

impl Stream {
    /// A stream that is compared with a baseline; says so by `drift.baseline.set`, or why it
    /// cannot be compared.
    pub(crate) fn start(
        totals: Totals,
        reference: Reference,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Self {
        let test = Test::new(reference.clone(), context.settings);
        let bound = test.as_ref().map(|test| test.bound);
        let baseline = &reference.totals;
        let set = |builder: EventBuilder| {
            describe(builder, context)
                .set_some("drift.baseline_version", reference.version.as_deref())
                .set("drift.baseline_count", int(baseline.count))
                .set_some("drift.baseline_value", (baseline.count > 0).then(|| baseline.mean()))
                .set_some("drift.bound", bound.as_ref().ok().copied())
                .set_some("drift.reason", bound.err().map(|why| why.reason()))
        };
        let time = outputs.time();
        let kind = "drift.baseline.set";
        outputs.push(Destination::Alerts, kind, time, context.agent, context.version, set);
        Self { totals, test: test.ok() }
    }

    /// Takes the next observation.
    pub(crate) fn observe(
        &mut self,
        failed: bool,
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        self.totals.add(failed);
        if let Some(test) = &mut self.test {
            test.observe(failed, mark, run, context, outputs);
        }
    }

    /// Whether an alert is firing.
    pub(crate) fn is_firing(&self) -> bool {
        matches!(self.test, Some(Test { phase: Phase::Firing { .. }, .. }))
    }

    /// A window of this stream closed for the first time.
    pub(crate) fn window_closed(
        &mut self,
        start: i64,
        observed: Totals,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(test) = &mut self.test else { return };
        let Phase::Firing { since, calm, period, .. } = &mut test.phase else { return };
        if start < *since {
            return;
        }
        period.count = period.count.saturating_add(observed.count);
        period.ones = period.ones.saturating_add(observed.ones);
        if period.count < u64::from(context.settings.observations_min).max(1) {
            return;
        }
        let period = std::mem::take(period);
        let effect = period.mean() - test.reference.totals.mean();
        let is_calm = effect < context.settings.effect_min / 2.0;
        *calm = if is_calm { calm.saturating_add(1) } else { 0 };
        if *calm >= CALM_PERIODS {
            test.resolve(Some(period), "the effect is gone", context, outputs);
        }
    }

    /// Ends an open alert and starts the test anew against the same baseline.
    pub(crate) fn restart(
        &mut self,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        if let Some(test) = &mut self.test {
            test.resolve(None, reason, context, outputs);
        }
    }
}

impl Test {
    fn new(reference: Reference, settings: &Settings) -> Result<Self, NoDetector> {
        let bound = reference.bound(settings)?;
        let make = registry::find(DETECTOR).map(|entry| entry.make);
        let detector = make
            .and_then(|make| make(&Null::AtMost(bound).into(), settings.average_run_length).ok())
            .ok_or(NoDetector::Saturated)?;
        let localiser = Localiser::rising(bound).map_err(|_| NoDetector::Saturated)?;
        let failures = VecDeque::new();
        Ok(Self { reference, bound, detector, localiser, failures, phase: Phase::Quiet })
    }

    fn observe(
        &mut self,
        failed: bool,
        mark: Mark,
        run: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        // The phases need more than the three signals: a pending alert has its own hysteresis.
        self.detector.update(failed.into());
        self.localiser.update(failed.into(), mark);
        if failed {
            self.failures.push_back((mark.offset, run.to_owned()));
            if self.failures.len() > EXAMPLES {
                self.failures.pop_front();
            }
        }
        let threshold = context.settings.average_run_length;
        let e_value = self.detector.statistic();
        if self.phase == Phase::Quiet {
            if e_value * 10.0 < threshold {
                return;
            }
            let id = outputs.next_id();
            self.alert("drift.alert.pending", &id, self.finding(), None, context, outputs);
            self.phase = Phase::Pending { id };
        }
        let Phase::Pending { id } = &self.phase else { return };
        let id = id.clone();
        if e_value * 100.0 < threshold {
            let reason = Some("the evidence has faded");
            self.alert("drift.alert.resolved", &id, self.finding(), reason, context, outputs);
            self.phase = Phase::Quiet;
            return;
        }
        let finding = self.finding();
        let enough = finding.observations >= u64::from(context.settings.observations_min);
        let effect = finding.observed.mean() - self.reference.totals.mean();
        if e_value >= threshold && enough && effect >= context.settings.effect_min {
            self.alert("drift.alert.firing", &id, finding, None, context, outputs);
            self.phase = Phase::Firing { id, since: mark.time, calm: 0, period: Totals::default() };
            self.forget();
        }
    }

    /// Ends the episode, if there is one, and starts anew.
    fn resolve(
        &mut self,
        observed: Option<Totals>,
        reason: &str,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        if let Phase::Pending { id } | Phase::Firing { id, .. } = &self.phase {
            let mut finding = self.finding();
            if let Some(observed) = observed {
                finding = Finding { observed, since: None, ..finding };
            }
            self.alert("drift.alert.resolved", id, finding, Some(reason), context, outputs);
        }
        self.phase = Phase::Quiet;
        self.forget();
    }

    fn forget(&mut self) {
        self.detector.reset();
        self.localiser.reset();
        self.failures.clear();
    }

    fn finding(&self) -> Finding {
        let since = self.localiser.estimate();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of zeros and ones is a count"
        )]
        let observed = since.map_or_else(Totals::default, |since| Totals {
            count: since.observations,
            ones: since.sum as u64,
        });
        let observations = self.detector.observations();
        Finding { e_value: self.detector.statistic(), observations, observed, since }
    }

    fn alert(
        &self,
        kind: &str,
        id: &str,
        finding: Finding,
        reason: Option<&str>,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let settings = context.settings;
        let baseline = self.reference.totals;
        let Finding { e_value, observations, observed, since } = finding;
        let seen = observed.count > 0;
        let effect = observed.mean() - baseline.mean();
        let interval = interval::newcombe(
            (observed.ones, observed.count),
            (baseline.ones, baseline.count),
            Confidence::P95,
        );
        let is_page = seen && effect >= 2.0 * settings.effect_min
            || e_value >= 100.0 * settings.average_run_length;
        let since_offset = since.map(|since| since.mark.offset);
        let examples: Vec<String> = self
            .failures
            .iter()
            .filter(|(offset, _)| since_offset.is_none_or(|since| *offset >= since))
            .map(|(_, run)| run.clone())
            .collect();
        let runbook = Some(settings.runbook_url.as_str()).filter(|url| !url.is_empty());
        let since_time = since.map(|since| since.mark.time);
        let set = |builder: EventBuilder| {
            describe(builder, context)
                .set("drift.alert_id", id)
                .set("drift.severity", if is_page { "page" } else { "ticket" })
                .set("drift.e_value", e_value)
                .set_some("drift.baseline_version", self.reference.version.as_deref())
                .set("drift.baseline_count", int(baseline.count))
                .set("drift.baseline_value", baseline.mean())
                .set("drift.bound", self.bound)
                .set("drift.observations", int(observations))
                .set_some("drift.observed", seen.then(|| observed.mean()))
                .set_some("drift.effect", seen.then_some(effect))
                .set_some("drift.effect_low", interval.map(|interval| interval.low))
                .set_some("drift.effect_high", interval.map(|interval| interval.high))
                .set_some("drift.since_time", since_time.map(Timestamp::from_micros))
                .set_some("drift.since_offset", since_offset)
                .set_some("drift.since_observations", since.map(|since| int(since.observations)))
                .set_some("drift.example_runs", (!examples.is_empty()).then_some(examples))
                .set_some("drift.last_change", context.last_change.map(|c| c.summary.as_str()))
                .set_some("drift.runbook_url", runbook)
                .set_some("drift.reason", reason)
        };
        let time = outputs.time();
        outputs.push(Destination::Alerts, kind, time, context.agent, context.version, set);
    }
}

/// What every event about a stream says.
fn describe(builder: EventBuilder, context: &Context<'_>) -> EventBuilder {
    builder
        .set("drift.metric", context.metric)
        .set_some("drift.suite", context.suite)
        .set("drift.direction", "rising")
        .set("drift.detector", DETECTOR)
        .set("drift.threshold", context.settings.average_run_length)
}

fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
