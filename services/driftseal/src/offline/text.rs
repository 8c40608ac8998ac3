//! The report of a suite, for people.

use super::{Report, VersionReport};
use crate::print::grouped;

/// The report as text.
pub(super) fn of(report: &Report) -> String {
    let mut lines = vec![
        format!("suite {} {}", report.suite, report.suite_digest),
        format!(
            "{} events read, {} judged, {} rejected",
            grouped(report.events),
            grouped(report.judged),
            grouped(report.rejected)
        ),
    ];
    if report.runs_forgotten > 0 {
        lines.push(format!(
            "{} runs were forgotten before they ended: too many were going on at once",
            grouped(report.runs_forgotten)
        ));
    }
    if report.versions.is_empty() {
        lines.push(String::new());
        lines.push(
            "no event is one that the suite judges: see its `applies_to` and `sample`".to_owned(),
        );
    }
    for version in &report.versions {
        lines.push(String::new());
        add(&mut lines, version);
    }
    lines.join("\n") + "\n"
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
    let width = version.checks.iter().map(|check| check.check.len()).max().unwrap_or_default();
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

/// A percentage without the noise of the last bits.
fn rounded(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}
