//! Evaluates an eval suite on files of events, without any service: `driftseal suite test`.
//!
//! It uses the same state machine as the processor, in the order of the files. The gate is decided
//! once, at the end.

pub mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use event::{Event, Limits, column};
use mapping::Mapping;
use suite::{Outcome, Suite, SuiteVerdict, Suites, Tally};
use thiserror::Error;

use self::report::{CheckCounts, Failed, Report, VersionReport};
use crate::emit::{EmitError, reader};

/// Failures and rejections kept with their place; further ones are only counted.
const FIRST_MAX: usize = 5;

/// Why a suite was not run.
#[derive(Debug, Error)]
pub enum OfflineError {
    /// A file cannot be read.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The suite is disabled.
    #[error("the suite is disabled (`enabled: false`)")]
    Disabled,
    /// The suite is too large to be published.
    #[error(transparent)]
    Publish(#[from] suite::PublishError),
}

/// Key of a version: agent, environment, version.
type Key = (String, String, String);

/// Evaluates a suite on files, in the order given.
///
/// # Errors
///
/// If a file cannot be read or the suite is disabled. Records that are not valid events are counted.
pub fn run(
    suite: &Suite,
    files: &[PathBuf],
    mapping: Option<&Mapping>,
) -> Result<Report, OfflineError> {
    if !suite.enabled() {
        return Err(OfflineError::Disabled);
    }
    let mut suites = Suites::new(suite::Limits::default());
    suites.publish(suite.canonical(), 0)?;
    let mut report = Report {
        suite: suite.name().to_owned(),
        suite_digest: suite.digest().to_owned(),
        events: 0,
        rejected: 0,
        first_rejected: Vec::new(),
        judged: 0,
        runs_forgotten: 0,
        versions: Vec::new(),
    };
    let mut versions: BTreeMap<Key, VersionReport> = BTreeMap::new();
    for (index, file) in (0_i32..).zip(files) {
        reader::read(file, mapping, &mut |outcome| {
            let place = || place(file, outcome.line);
            let event = match &outcome.event {
                Ok(bytes) => event::decode::decode_json(bytes, Limits::default())
                    .map_err(|fault| fault.to_string()),
                Err(reason) => Err(reason.clone()),
            };
            let mut event = match event {
                Ok(event) => event,
                Err(reason) => {
                    reject(&mut report, &place(), reason);
                    return Ok(());
                }
            };
            identify(&mut event, index, outcome.line);
            report.events += 1;
            for verdict in suites.observe(&event) {
                report.judged += 1;
                let key = key_of(&event);
                let version = versions.entry(key.clone()).or_insert_with(|| empty(suite, key));
                count(version, &event, &verdict, &place);
            }
            Ok(())
        })?;
    }
    report.runs_forgotten = suites.runs_forgotten();
    report.versions = versions.into_values().map(|version| decide(suite, version)).collect();
    Ok(report)
}

fn place(file: &Path, line: u64) -> String {
    format!("{}:{line}", file.display())
}

fn reject(report: &mut Report, place: &str, reason: String) {
    report.rejected += 1;
    if report.first_rejected.len() < FIRST_MAX {
        report.first_rejected.push(format!("{place}: {reason}"));
    }
}

/// Derives the `event_id` of an event without one from its place, so that sampling is repeatable.
fn identify(event: &mut Event<'static>, file: i32, line: u64) {
    if event.text(column::EVENT_ID).is_none_or(str::is_empty) {
        let Ok(line) = i64::try_from(line) else { unreachable!("no file has 2^63 lines") };
        event.set(column::EVENT_ID, event::id::from_position("input", file, line).into());
    }
}

fn key_of(event: &Event<'_>) -> Key {
    let text = |column| event.text(column).unwrap_or_default().to_owned();
    (text(column::AGENT_ID), text(column::ENVIRONMENT), text(column::AGENT_VERSION))
}

fn empty(suite: &Suite, (agent_id, environment, agent_version): Key) -> VersionReport {
    let counts = |check: &str| CheckCounts {
        check: check.to_owned(),
        passed: 0,
        failed: 0,
        not_applicable: 0,
    };
    VersionReport {
        agent_id,
        environment,
        agent_version,
        tally: Tally::default(),
        low: 0.0,
        high: 1.0,
        confidence: 0.0,
        gate: None,
        checks: suite.checks().map(counts).collect(),
        first_failures: Vec::new(),
    }
}

fn count(
    version: &mut VersionReport,
    event: &Event<'_>,
    verdict: &SuiteVerdict,
    place: &dyn Fn() -> String,
) {
    version.tally.count(verdict.passed);
    for (counts, check) in version.checks.iter_mut().zip(&verdict.checks) {
        match check.outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::NotApplicable => counts.not_applicable += 1,
        }
    }
    if version.first_failures.len() < FIRST_MAX
        && let Some((check, explanation)) = verdict.first_failure()
    {
        version.first_failures.push(Failed {
            place: place(),
            run_id: event.text(column::RUN_ID).map(str::to_owned),
            check: check.to_owned(),
            explanation: explanation.to_owned(),
        });
    }
}

/// Decides the gate.
fn decide(suite: &Suite, mut version: VersionReport) -> VersionReport {
    version.gate = suite.gate().map(|gate| gate.decide(version.tally));
    version.confidence = suite.gate().map_or(0.95, |gate| gate.confidence);
    (version.low, version.high) = version.tally.bounds(version.confidence);
    version
}

#[cfg(test)]
mod tests;
