//! The results of the demo.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use evidence::{Exported, FsckReport, Judgement, ReplayReport};
use serde::Serialize;

use super::alert::Alert;
use super::directory::Directory;
use super::watch::Watch;
use crate::emit::sink::Report;
use crate::print::grouped;

/// The events and records that were sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) report: Report,
    /// Records published directly to the topic that do not decode.
    pub(super) strays: u64,
    /// Number of events of each agent.
    pub(super) agents: BTreeMap<String, u64>,
}

/// The results of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Directory with all files.
    pub directory: String,
    /// Events that the collector accepted.
    pub accepted: u64,
    /// Events and records that were rejected.
    pub rejected: u64,
    /// Records published directly to the topic that do not decode.
    pub strays: u64,
    /// Number of events of each agent.
    pub agents: BTreeMap<String, u64>,
    /// Alerts that fired.
    pub alerts: Vec<Alert>,
    /// Agents that were compared with a baseline without an alert.
    pub calm_agents: Vec<String>,
    /// The verified archive.
    pub sealed: Sealed,
    /// The replay of the archive.
    pub replayed: Replayed,
    /// The evidence pack.
    pub pack: Option<Pack>,
    /// Commands to paste.
    pub commands: Vec<String>,
    /// Unexpected results.
    pub problems: Vec<String>,
    /// Duration of the demo, milliseconds.
    pub elapsed_ms: u64,
}

/// The verified archive.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sealed {
    /// Verdict of the verification.
    pub verdict: String,
    /// Events.
    pub events: u64,
    /// Segments.
    pub segments: u64,
    /// Entries of the transparency log.
    pub log_entries: u64,
    /// Quarantined events by reason.
    pub quarantined: BTreeMap<String, u64>,
}

/// The replay of the archive.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Replayed {
    /// Verdict of the replay.
    pub verdict: String,
    /// Records replayed.
    pub records: u64,
    /// Metrics that are equal.
    pub metrics: u64,
    /// Baselines that are equal.
    pub baselines: u64,
    /// Alert events that are equal.
    pub alerts: u64,
    /// Differences.
    pub differences: u64,
}

/// The evidence pack.
#[derive(Debug, Clone, Serialize)]
pub struct Pack {
    /// The file.
    pub file: String,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// The agent.
    pub agent_id: String,
    /// Verdict of its verification with the policy file.
    pub verdict: String,
    /// Number of events.
    pub events: u64,
    /// The checks that passed.
    pub steps: Vec<String>,
}

impl Summary {
    pub(super) fn new(directory: &Directory, program: &str, sent: Sent, watch: Watch) -> Self {
        let root = directory.root().display();
        let noisy: BTreeSet<&String> = watch.alerts.iter().map(|alert| &alert.agent_id).collect();
        let calm_agents =
            watch.watched.iter().filter(|agent| !noisy.contains(agent)).cloned().collect();
        let sql = "SELECT kind, count(*) FROM events GROUP BY ALL ORDER BY ALL";
        let views = directory.views();
        let views = views.display();
        let commands = vec![
            format!(
                "python3 -c \"import duckdb; duckdb.sql(open('{views}').read()); \
                 duckdb.sql('{sql}').show(max_rows = 100)\""
            ),
            format!(
                "{program} verify {} --policy {}",
                directory.pack().display(),
                directory.policy().display()
            ),
            format!("{program} replay {root}/archive --policy {}", directory.policy().display()),
        ];
        Self {
            directory: root.to_string(),
            accepted: sent.report.accepted,
            rejected: sent.report.rejected,
            strays: sent.strays,
            agents: sent.agents,
            alerts: watch.alerts,
            calm_agents,
            sealed: Sealed::default(),
            replayed: Replayed::default(),
            pack: None,
            commands,
            problems: Vec::new(),
            elapsed_ms: 0,
        }
    }

    /// The agent of the first alert, else the agent with most events.
    pub(super) fn agent_to_export(&self) -> Option<String> {
        let first = self.alerts.first().map(|alert| alert.agent_id.clone());
        first.or_else(|| {
            let most = self.agents.iter().max_by_key(|(_, events)| **events);
            most.map(|(agent, _)| agent.clone())
        })
    }

    pub(super) fn take_fsck(&mut self, report: &FsckReport) {
        self.sealed = Sealed {
            verdict: report.verdict.name().to_owned(),
            events: report.events,
            segments: report.segments,
            log_entries: report.entries,
            quarantined: report.quarantined.clone(),
        };
        if report.verdict != Judgement::Verified {
            self.problems.push(format!("the archive is {}", report.verdict.name()));
        }
        let quarantined: u64 = report.quarantined.values().sum();
        if quarantined < self.strays {
            self.problems.push(format!(
                "{} records do not decode, but only {quarantined} were quarantined",
                self.strays
            ));
        }
        let least = self.accepted + self.strays;
        if report.events < least {
            self.problems.push(format!(
                "{least} records were acknowledged, but {} are sealed",
                report.events
            ));
        }
    }

    pub(super) fn take_replay(&mut self, report: &ReplayReport) {
        self.replayed = Replayed {
            verdict: report.verdict.name().to_owned(),
            records: report.records,
            metrics: report.windows,
            baselines: report.baselines,
            alerts: report.alerts,
            differences: report.differences,
        };
        if report.verdict != Judgement::Verified {
            self.problems.push(format!("the replay is {}", report.verdict.name()));
        }
    }

    pub(super) fn take_pack(&mut self, agent: &str, exported: &Exported) {
        let report = &exported.report;
        if report.verdict != Judgement::Verified {
            self.problems.push(format!("the pack is {}:\n{}", report.verdict.name(), report));
        }
        let events = report.verified.as_ref().map_or(0, |verified| verified.facts.events);
        self.pack = Some(Pack {
            file: format!("{}/pack.zip", self.directory),
            bytes: exported.bytes,
            agent_id: agent.to_owned(),
            verdict: report.verdict.name().to_owned(),
            events,
            steps: report
                .steps
                .iter()
                .map(|step| format!("{}: {}", step.name, step.detail))
                .collect(),
        });
    }

    /// Checks the alerts that generated traffic must raise.
    pub(super) fn expect_alerts(&mut self, worse: &str, calm: &str) {
        if !self.alerts.iter().any(|alert| alert.agent_id == worse) {
            self.problems.push(format!("{worse} became worse, but no alert fired"));
        }
        if self.alerts.iter().any(|alert| alert.agent_id == calm) {
            self.problems.push(format!("{calm} performed as before, but an alert fired"));
        }
        if !self.calm_agents.iter().any(|agent| agent == calm) {
            self.problems.push(format!("{calm} was not compared with a baseline"));
        }
    }

    fn write_alerts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pages, tickets): (Vec<_>, Vec<_>) =
            self.alerts.iter().partition(|alert| alert.is_page());
        for alert in pages.into_iter().chain(tickets) {
            writeln!(
                f,
                "{:<11} {} {}: {} {}",
                if alert.is_page() { "alert" } else { "ticket" },
                alert.agent_id,
                alert.agent_version,
                alert.metric,
                alert.effect_text()
            )?;
        }
        if self.alerts.is_empty() {
            writeln!(f, "alert       none")?;
        }
        for agent in &self.calm_agents {
            writeln!(f, "no alert    {agent}: its new version was compared in the same way")?;
        }
        Ok(())
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (reason, count) in &self.quarantined {
            writeln!(f, "quarantine  {count} sealed with its exact bytes; reason {reason}")?;
        }
        writeln!(
            f,
            "archive     {} events in {} segments: {}",
            grouped(self.events),
            self.segments,
            self.verdict
        )
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differences = match self.differences {
            0 => "no differences".to_owned(),
            count => format!("{} differences", grouped(count)),
        };
        writeln!(
            f,
            "replay      {} metrics, {} baselines and {} alert events recomputed from the archive, \
             {differences}: {}",
            grouped(self.metrics),
            self.baselines,
            self.alerts,
            self.verdict
        )
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "pack        {}: {} events of {}, {} KiB: {}",
            self.file,
            grouped(self.events),
            self.agent_id,
            grouped(self.bytes / 1_024),
            self.verdict
        )?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  ok        {step}"))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "minutes at most")]
        let seconds = self.elapsed_ms as f64 / 1_000.0;
        let (accepted, rejected) = (grouped(self.accepted), grouped(self.rejected));
        writeln!(f, "\nevents      {accepted} accepted, {rejected} rejected")?;
        self.write_alerts(f)?;
        write!(f, "{}{}", self.sealed, self.replayed)?;
        if let Some(pack) = &self.pack {
            write!(f, "{pack}")?;
        }
        for problem in &self.problems {
            writeln!(f, "PROBLEM     {problem}")?;
        }
        writeln!(
            f,
            "\nDone in {seconds:.1} s. Commands to paste; the first needs DuckDB (pip install duckdb):\n"
        )?;
        self.commands.iter().try_for_each(|command| writeln!(f, "  {command}"))
    }
}
