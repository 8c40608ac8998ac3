//! The results of a suite, as data and as text.

use std::fmt;

use event::plain::Line;
use serde::Serialize;
use suite::{Decision, GateReport, Tally};

use crate::print::grouped;

/// The results of a suite on files of events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the suite.
    pub suite: String,
    /// Its digest.
    pub suite_digest: String,
    /// Events read.
    pub events: u64,
    /// Records and events that were rejected.
    pub rejected: u64,
    /// The first of them: `file:line: reason`.
    pub first_rejected: Vec<String>,
    /// Events that the suite applies to.
    pub judged: u64,
    /// Runs dropped before they ended, because too many were in progress.
    pub runs_forgotten: u64,
    /// Agent versions, ordered by agent, environment and version.
    pub versions: Vec<VersionReport>,
}

/// The results of a suite for a version of an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionReport {
    /// Agent.
    pub agent_id: String,
    /// Environment; empty if the events have none.
    pub environment: String,
    /// Version; empty if the events have none.
    pub agent_version: String,
    /// Trials, passes, and events without an applicable check.
    pub tally: Tally,
    /// Lower confidence bound of the pass rate.
    pub low: f64,
    /// Upper confidence bound of the pass rate.
    pub high: f64,
    /// Confidence of each of the two bounds.
    pub confidence: f64,
    /// The decision of the gate, if the suite has one.
    pub gate: Option<GateReport>,
    /// The results of each check, in the order of the document.
    pub checks: Vec<CheckCounts>,
    /// The first trials that failed.
    pub first_failures: Vec<Failed>,
}

/// The outcomes of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckCounts {
    /// The check.
    pub check: String,
    /// Events that passed.
    pub passed: u64,
    /// Events that failed.
    pub failed: u64,
    /// Events without the input of the check.
    pub not_applicable: u64,
}

/// A trial that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// `file:line`.
    pub place: String,
    /// Its run, if the event has one.
    pub run_id: Option<String>,
    /// The first check that failed.
    pub check: String,
    /// Its explanation.
    pub explanation: String,
}

impl Report {
    /// The worst decision over all versions: fail, then undecided, then pass; `None` without a gate.
    #[must_use]
    pub fn decision(&self) -> Option<Decision> {
        let decisions = || self.versions.iter().filter_map(|version| version.gate.as_ref());
        let any = |wanted| decisions().any(|gate| gate.decision == wanted);
        [Decision::Fail, Decision::Undecided, Decision::Pass].into_iter().find(|one| any(*one))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names come from events.
        let lines: Vec<String> = lines(self).iter().map(|line| Line(line).to_string()).collect();
        f.write_str(&lines.join("\n"))
    }
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![
        format!("suite {} {}", report.suite, report.suite_digest),
        format!(
            "{} events read, {} evaluated, {} rejected",
            grouped(report.events),
            grouped(report.judged),
            grouped(report.rejected)
        ),
    ];
    if report.runs_forgotten > 0 {
        lines.push(format!(
            "{} runs were dropped before they ended: too many were in progress",
            grouped(report.runs_forgotten)
        ));
    }
    if report.versions.is_empty() {
        lines.push(String::new());
        lines.push(
            "the suite applies to none of the events; see its `applies_to` and `sample`".to_owned(),
        );
    }
    for version in &report.versions {
        lines.push(String::new());
        add(&mut lines, version);
    }
    lines
}

fn add(lines: &mut Vec<String>, version: &VersionReport) {
    let tally = version.tally;
    let name = [&version.agent_id, &version.agent_version, &version.environment];
    let name: Vec<&str> =
        name.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let name = if name.is_empty() { "(no agent)".to_owned() } else { name.join(" ") };
    let not_applicable = match tally.not_applicable {
        0 => String::new(),
        count => format!("; {} not applicable", grouped(count)),
    };
    lines.push(format!(
        "{name}: {} of {} passed, {:.2} % to {:.2} % with {} % confidence each way{not_applicable}",
        grouped(tally.passes),
        grouped(tally.trials),
        version.low * 100.0,
        version.high * 100.0,
        rounded(version.confidence * 100.0)
    ));
    if let Some(gate) = &version.gate {
        lines.push(format!("  gate {}: {}", gate.decision.name(), gate.reason));
    }
    let width = version.checks.iter().map(|check| check.check.len()).max().unwrap_or(0);
    for check in &version.checks {
        lines.push(format!(
            "  {:width$}  {} passed, {} failed, {} not applicable",
            check.check,
            grouped(check.passed),
            grouped(check.failed),
            grouped(check.not_applicable)
        ));
    }
    for failed in &version.first_failures {
        let run = failed.run_id.as_ref().map(|run| format!(" run {run}")).unwrap_or_default();
        lines.push(format!("  {}{run}: {}: {}", failed.place, failed.check, failed.explanation));
    }
}

/// A percentage without floating-point noise.
fn rounded(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}
