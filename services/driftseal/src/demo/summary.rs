//! What came of the demo.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use evidence::{FsckReport, Judgement, PackReport, ReplayReport};
use serde::Serialize;

use super::alert::Alert;
use super::directory::Directory;
use super::watch::Watch;
use crate::emit::sink::Report;
use crate::print::grouped;

/// What was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) report: Report,
    /// Records that were put on the topic itself and do not decode.
    pub(super) strays: u64,
    /// Events of each agent.
    pub(super) agents: BTreeMap<String, u64>,
}

/// What came of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Where everything is.
    pub directory: String,
    /// Events that the collector accepted.
    pub accepted: u64,
    /// Events and records that were rejected.
    pub rejected: u64,
    /// Records that were put on the topic itself although they do not decode.
    pub strays: u64,
    /// Events of each agent.
    pub agents: BTreeMap<String, u64>,
    /// Alerts that fired.
    pub alerts: Vec<Alert>,
    /// Agents that were compared with a baseline and did not alert.
    pub calm_agents: Vec<String>,
    /// What sealing came to.
    pub sealed: Sealed,
    /// What recomputing everything from the archive came to.
    pub replayed: Replayed,
    /// The evidence pack.
    pub pack: Option<Pack>,
    /// Lines to paste.
    pub commands: Vec<String>,
    /// What turned out otherwise than it should.
    pub problems: Vec<String>,
    /// How long it took, milliseconds.
    pub elapsed_ms: u64,
}

/// What sealing came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sealed {
    /// Verdict of checking everything again.
    pub verdict: String,
    /// Events.
    pub events: u64,
    /// Segments.
    pub segments: u64,
    /// Entries of the transparency log.
    pub log_entries: u64,
    /// Events in quarantine, by reason.
    pub quarantined: BTreeMap<String, u64>,
}

/// What recomputing everything from the archive came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Replayed {
    /// Whether everything that is sealed is as recomputed.
    pub verdict: String,
    /// Records replayed.
    pub records: u64,
    /// Metrics that are the same.
    pub metrics: u64,
    /// Baselines that are the same.
    pub baselines: u64,
    /// Alert events that are the same.
    pub alerts: u64,
    /// Differences.
    pub differences: u64,
}

/// The evidence pack.
#[derive(Debug, Clone, Serialize)]
pub struct Pack {
    /// The file.
    pub file: String,
    /// Its size.
    pub bytes: usize,
    /// The agent.
    pub agent_id: String,
    /// Verdict of verifying it with the policy file.
    pub verdict: String,
    /// Events in it.
    pub events: u64,
    /// The checks that held.
    pub steps: Vec<String>,
}

impl Summary {
    pub(super) fn new(directory: &Directory, program: &str, sent: Sent, watch: Watch) -> Self {
        let root = directory.root().display();
        let noisy: BTreeSet<&String> = watch.alerts.iter().map(|alert| &alert.agent_id).collect();
        let calm_agents =
            watch.watched.iter().filter(|agent| !noisy.contains(agent)).cloned().collect();
        let sql = format!(
            "SELECT kind, count(*) FROM read_parquet('{root}/archive/data/v1/**/*.parquet', \
             hive_partitioning = true) GROUP BY ALL ORDER BY ALL"
        );
        let commands = vec![
            format!("python3 -c \"import duckdb; duckdb.sql('''{sql}''').show(max_rows = 100)\""),
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

    /// The agent of the first alert, else the one with most events.
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
                "{} records do not decode, but only {quarantined} are in quarantine",
                self.strays
            ));
        }
        let least = self.accepted + self.strays;
        if report.events < least {
            self.problems
                .push(format!("{least} records were acknowledged, {} are sealed", report.events));
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

    pub(super) fn take_pack(&mut self, agent: &str, bytes: usize, report: &PackReport) {
        if report.verdict != Judgement::Verified {
            self.problems.push(format!("the pack is {}:\n{}", report.verdict.name(), report));
        }
        let events = report.summary.as_ref().map_or(0, |summary| summary.events);
        self.pack = Some(Pack {
            file: format!("{}/pack.zip", self.directory),
            bytes,
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

    /// Generated traffic has a known story.
    pub(super) fn expect_alerts(&mut self, worse: &str, calm: &str) {
        if !self.alerts.iter().any(|alert| alert.agent_id == worse) {
            self.problems.push(format!("{worse} became worse, and no alert fired"));
        }
        if self.alerts.iter().any(|alert| alert.agent_id == calm) {
            self.problems.push(format!("{calm} stayed as it was, and an alert fired"));
        }
        if !self.calm_agents.iter().any(|agent| agent == calm) {
            self.problems.push(format!("{calm} was not compared with a baseline"));
        }
    }

    /// The summary for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        self.write(&mut text).unwrap_or(());
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "minutes at most")]
        let seconds = self.elapsed_ms as f64 / 1_000.0;
        writeln!(to)?;
        writeln!(
            to,
            "events      {} accepted, {} rejected",
            grouped(self.accepted),
            grouped(self.rejected)
        )?;
        for (reason, count) in &self.sealed.quarantined {
            writeln!(to, "quarantine  {count} sealed with their bytes and the reason {reason}")?;
        }
        let (pages, tickets): (Vec<_>, Vec<_>) =
            self.alerts.iter().partition(|alert| alert.is_page());
        for alert in pages.into_iter().chain(tickets) {
            writeln!(
                to,
                "{:<11} {} {}: {} {}",
                if alert.is_page() { "alert" } else { "ticket" },
                alert.agent_id,
                alert.agent_version,
                alert.metric,
                alert.effect_text()
            )?;
        }
        if self.alerts.is_empty() {
            writeln!(to, "alert       none")?;
        }
        for agent in &self.calm_agents {
            writeln!(to, "no alert    {agent}: its new version was watched the same way")?;
        }
        writeln!(
            to,
            "sealed      {} events in {} segments: {}",
            grouped(self.sealed.events),
            self.sealed.segments,
            self.sealed.verdict
        )?;
        let Replayed { verdict, metrics, baselines, alerts, differences, .. } = &self.replayed;
        let difference = match differences {
            0 => "no difference".to_owned(),
            count => format!("{} differences", grouped(*count)),
        };
        writeln!(
            to,
            "replayed    {} metrics, {baselines} baselines and {alerts} alert events recomputed \
             from the archive, {difference}: {verdict}",
            grouped(*metrics)
        )?;
        if let Some(pack) = &self.pack {
            writeln!(
                to,
                "pack        {}: {} events of {}, {} KiB",
                pack.file,
                grouped(pack.events),
                pack.agent_id,
                pack.bytes / 1_024
            )?;
            for step in &pack.steps {
                writeln!(to, "  ok        {step}")?;
            }
            writeln!(to, "{}", pack.verdict)?;
        }
        for problem in &self.problems {
            writeln!(to, "PROBLEM     {problem}")?;
        }
        writeln!(
            to,
            "\n{seconds:.1} s. Paste these; the first needs DuckDB (pip install duckdb):\n"
        )?;
        for command in &self.commands {
            writeln!(to, "  {command}")?;
        }
        Ok(())
    }
}
