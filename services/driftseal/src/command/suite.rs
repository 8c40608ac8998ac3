//! `driftseal suite check|test|record|publish`: eval suites.

use std::path::{Path, PathBuf};

use event::kind;
use serde_json::json;
use suite::{Decision, Suite};

use super::context::Context;
use super::options::RecordArgs;
use crate::emit;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{offline, print};

/// What to do with a suite.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Check a suite: print its digest, or its problems with line numbers
    Check(CheckArgs),
    /// Evaluate events from files offline; exit code 1 if a version fails the gate, 3 if undecided
    Test(TestArgs),
    /// Evaluate events of a version offline, and record what the gate decided
    Record(RecordSuiteArgs),
    /// Put a suite in force
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

/// Arguments of `driftseal suite record`.
#[derive(Debug, clap::Args)]
pub struct RecordSuiteArgs {
    #[command(flatten)]
    test: TestArgs,
    /// Agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Digest of the version that made the events, from `driftseal version register`
    #[arg(long, value_name = "DIGEST")]
    digest: String,
    /// Version that made the events [default: the only one of the agent in the files]
    #[arg(long, value_name = "VERSION")]
    agent_version: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// Arguments of `driftseal suite publish`.
#[derive(Debug, clap::Args)]
pub struct PublishArgs {
    /// Suite: YAML or JSON (see schemas/suites)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only for agents of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Name of the person or pipeline that acts
    #[arg(long, value_name = "NAME")]
    by: String,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Check(args) => args.run(context),
            Self::Test(args) => args.run(context),
            Self::Record(args) => args.run(context),
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
            Output::Text => print::lines(&format!("{}\n", summary(&suite))),
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
                print::lines(&format!("{report}\n"));
            }
            Output::Json => print::json(&report),
        }
        Ok(ended(&suite, &report))
    }
}

impl RecordSuiteArgs {
    /// Records a decision for better or worse; the exit code is that of the test.
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let suite = read(&self.test.file)?;
        let mapping = self.test.mapping.as_deref().map(emit::load_mapping).transpose()?;
        let mut report = offline::run(&suite, &self.test.input, mapping.as_ref())?;
        report.versions.retain(|version| {
            version.agent_id == self.agent
                && self.agent_version.as_ref().is_none_or(|own| *own == version.agent_version)
        });
        let [version] = report.versions.as_slice() else {
            let found = report.versions.len();
            return Err(Failure::usage(format!(
                "--agent-version: the files have events of {found} versions or environments of \
                 the agent that the suite judges; it must be one"
            )));
        };
        if report.rejected > 0 {
            let text = format!("{} events are not valid; nothing was recorded", report.rejected);
            return Err(Failure::new(text));
        }
        let Some(gate) = &version.gate else {
            return Err(Failure::usage(format!(
                "`{}`: the suite has no gate",
                self.test.file.display()
            )));
        };
        let eval = json!({
            "suite": suite.name(),
            "suite_digest": suite.digest(),
            "evaluator_type": "code",
            "trials": gate.tally.trials,
            "passes": gate.tally.passes,
            "not_applicable": gate.tally.not_applicable,
            "low": gate.low,
            "high": gate.high,
            "confidence": gate.confidence,
            "pass_rate_min": gate.pass_rate_min,
            "gate": gate.decision.name(),
            "explanation": gate.reason,
            "mode": "offline",
        });
        let body = Body::of_kind(kind::EVAL_SUITE_COMPLETED)
            .with("agent_id", self.agent.as_str())
            .with("agent_version", version.agent_version.as_str())
            .with("version_digest", self.digest.as_str())
            .with("eval", eval);
        let mut recorded = self.record.act(context, body)?;
        if let Some(object) = recorded.as_object_mut() {
            object.insert("gate".to_owned(), json!(gate.decision.name()));
        }
        let then = format!("; {}: {}", gate.decision.name(), gate.reason);
        gateway::show(&recorded, context.output, &then);
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
        let gateway = Gateway::open(&context.load()?)?;
        let body = Body::of_kind(kind::EVAL_SUITE_PUBLISHED)
            .with("document", suite.canonical())
            .with_some("tenant_id", self.tenant)
            .with("by", self.by);
        let mut recorded = gateway.act(&body)?;
        if let Some(object) = recorded.as_object_mut() {
            object.insert("suite".to_owned(), json!(suite.name()));
            object.insert("suite_digest".to_owned(), json!(suite.digest()));
        }
        let then = format!("; suite {} {}", suite.name(), suite.digest());
        gateway::show(&recorded, context.output, &then);
        Ok(Ended::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
