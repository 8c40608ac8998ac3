//! `driftseal suite check|test|publish`: eval suites.

use std::path::{Path, PathBuf};

use event::Timestamp;
use ports::{EventLog, Position};
use serde_json::json;
use suite::{Decision, Suite};

use super::context::Context;
use super::{options, topic};
use crate::emit;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{offline, print, roles};

/// What to do with a suite.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Check a suite: print its digest, or its problems with line numbers
    Check(CheckArgs),
    /// Evaluate events from files offline; exit code 1 if a version fails the gate, 3 if undecided
    Test(TestArgs),
    /// Publish a suite to all partitions of the events topic
    Publish(PublishArgs),
}

/// Arguments of `driftseal suite check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Suite: YAML or JSON (see schemas/suites)
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Arguments of `driftseal suite test`.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Suite: YAML or JSON (see schemas/suites)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Files of events: JSON lines, JSON arrays or CSV, optionally gzipped
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
    input: Vec<PathBuf>,
    /// Mapping from the records of the files to events (TOML, see schemas/mappings)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
}

/// Arguments of `driftseal suite publish`.
#[derive(Debug, clap::Args)]
pub struct PublishArgs {
    /// Suite: YAML or JSON (see schemas/suites)
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Check(args) => args.run(context),
            Self::Test(args) => args.run(context),
            Self::Publish(args) => args.run(context),
        }
    }
}

/// Reads a suite. If it is invalid, that is a usage error, with line numbers.
fn read(file: &Path) -> Result<Suite, Failure> {
    let wrong = |reason: String| Failure::usage(format!("`{}`: {reason}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Suite::parse(&text).map_err(|problems| wrong(problems.to_string()))
}

impl CheckArgs {
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let suite = read(&self.file)?;
        match context.output {
            Output::Text => print::line(summary(&suite)),
            Output::Json => print::json(&json!({
                "suite": suite.name(),
                "suite_digest": suite.digest(),
                "kind": suite.kind().name(),
                "checks": suite.checks().collect::<Vec<_>>(),
                "enabled": suite.enabled(),
            })),
        }
        Ok(Ended::Done)
    }
}

fn summary(suite: &Suite) -> String {
    format!(
        "suite {} with {} check(s) of {} events: no problems{}\nsha256 {}",
        suite.name(),
        suite.checks().count(),
        suite.kind().name(),
        if suite.enabled() { "" } else { "; the suite is disabled" },
        suite.digest()
    )
}

impl TestArgs {
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let suite = read(&self.file)?;
        let mapping = self.mapping.as_deref().map(emit::load_mapping).transpose()?;
        let report = offline::run(&suite, &self.input, mapping.as_ref())?;
        match context.output {
            Output::Text => {
                for rejected in &report.first_rejected {
                    print::note(rejected);
                }
                print::line(report.to_string());
            }
            Output::Json => print::json(&report),
        }
        Ok(ended(&suite, &report))
    }
}

/// The exit code. If events were rejected, the test has failed.
fn ended(suite: &Suite, report: &offline::report::Report) -> Ended {
    if report.rejected > 0 {
        return Ended::Failed;
    }
    match report.decision() {
        Some(Decision::Fail) => Ended::Failed,
        Some(Decision::Undecided) => Ended::Unverifiable,
        None if suite.gate().is_some() => Ended::Unverifiable,
        Some(Decision::Pass) | None => Ended::Done,
    }
}

impl PublishArgs {
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let suite = read(&self.file)?;
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let events = &config.processor.topics.events;
        let time = Timestamp::from_micros(service::clock::now_micros());
        let positions = publish(&*log, events, &suite, time)?;
        match context.output {
            Output::Text => print::line(format!(
                "published suite {} {} to {} partition(s) of {events}",
                suite.name(),
                suite.digest(),
                positions.len()
            )),
            Output::Json => {
                let positions: Vec<_> = positions.iter().map(topic::position).collect();
                print::json(&json!({
                    "suite": suite.name(),
                    "suite_digest": suite.digest(),
                    "topic": events,
                    "positions": positions,
                }));
            }
        }
        Ok(Ended::Done)
    }
}

/// Publishes a suite to all partitions of a topic, each of which applies it from its own offset on.
/// Idempotent: publishing the document in force again changes nothing.
fn publish(
    log: &dyn EventLog,
    events: &str,
    suite: &Suite,
    time: Timestamp,
) -> Result<Vec<Position>, Failure> {
    let mut records = Vec::new();
    for partition in 0..log.partitions(events)? {
        let stamp = options::stamp_at(time);
        let event = act::suite::publish(suite, &stamp).map_err(options::refused)?;
        records.push(topic::record(events, Some(partition), &event));
    }
    topic::publish(log, records).map_err(|failure| {
        let again = "publish again; that does not affect partitions that already have it";
        Failure::new(format!("{}; {again}", failure.message()))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use event::{Decoder, TopicPartition, column};
    use ports::{Polled, Subscription, TopicSpec};
    use sim::MemoryLog;

    fn example(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/suites").join(name)
    }

    #[test]
    fn the_example_is_checked_and_a_wrong_suite_is_told_with_its_lines() {
        let suite = read(&example("support-quality.yaml")).unwrap();
        assert_eq!(
            summary(&suite),
            format!(
                "suite support-quality with 8 check(s) of run.completed events: no problems\n\
                 sha256 {}",
                suite.digest()
            )
        );
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("wrong.yaml");
        std::fs::write(&file, "suite: s\ncheks:\n  - type: regex\n").unwrap();
        let failure = read(&file).unwrap_err();
        assert!(failure.is_usage());
        let expected = format!(
            "`{}`: the suite has 2 problem(s):\n\
             \x20 line 1: `checks` is missing: The checks; an event passes if every \
             applicable check passes.\n\
             \x20 line 2, `cheks`: unknown key; did you mean `checks`?",
            file.display()
        );
        assert_eq!(failure.message(), expected);
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst_version() {
        let suite = read(&example("support-quality.yaml")).unwrap();
        let mut report = offline::run(&suite, &[example("support-quality.jsonl")], None).unwrap();
        assert_eq!(ended(&suite, &report), Ended::Failed);
        report.versions.retain(|version| version.agent_version == "v1");
        assert_eq!(ended(&suite, &report), Ended::Done);
        report.versions.clear();
        assert_eq!(ended(&suite, &report), Ended::Unverifiable);
        report.rejected = 1;
        assert_eq!(ended(&suite, &report), Ended::Failed);
    }

    #[test]
    fn every_partition_has_the_document_at_one_offset() {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: "t".into(), partitions: 3, compacted: false };
        log.create_topics(&[spec]).unwrap();
        let suite = Suite::parse("suite: s\nchecks: [{type: citation_present}]\n").unwrap();
        let positions = publish(&log, "t", &suite, Timestamp::from_micros(1)).unwrap();
        let at: Vec<_> = positions.iter().map(|at| (at.partition.partition, at.offset)).collect();
        assert_eq!(at, [(0, 0), (1, 0), (2, 0)]);
        let partitions: Vec<_> = (0..3).map(|number| TopicPartition::new("t", number)).collect();
        let mut consumer = log.consumer(Subscription::Partitions(partitions.clone())).unwrap();
        let mut ids = std::collections::BTreeSet::new();
        while ids.len() < 3 {
            match consumer.poll(Duration::from_millis(10)).unwrap() {
                Polled::Assigned(_) => {
                    for partition in &partitions {
                        consumer.seek(partition, 0).unwrap();
                    }
                }
                Polled::Batch(batch) => {
                    for record in batch.records() {
                        let decoded = Decoder::new(event::Limits::default()).decode(&record);
                        assert_eq!(decoded.fault, None);
                        assert_eq!(suite::document_of(&decoded.event), Some(suite.canonical()));
                        ids.insert(decoded.event.text(column::EVENT_ID).unwrap().to_owned());
                    }
                }
                Polled::Idle | Polled::Revoked(_) => {}
            }
        }
        assert!(publish(&log, "missing", &suite, Timestamp::from_micros(1)).is_err());
    }
}
