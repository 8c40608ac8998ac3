//! `driftseal demo`.

use std::path::PathBuf;

use super::context::Context;
use crate::demo::{self, Settings};
use crate::emit::load_mapping;
use crate::outcome::{Ended, Failure};
use crate::print;
use crate::print::Output;

/// Arguments of `driftseal demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Send events from this file instead of generated ones; repeatable
    #[arg(long, value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Mapping from the records of the files to events (TOML, see schemas/mappings)
    #[arg(long, value_name = "FILE", requires = "input")]
    mapping: Option<PathBuf>,
    /// Directory of the demo; the files of an earlier demo in it are removed
    #[arg(long, value_name = "DIR", default_value = "driftseal-demo")]
    dir: PathBuf,
    /// Number of agent runs to generate
    #[arg(long, value_name = "RUNS", default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(500..=100_000))]
    runs: u32,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        if context.file().is_some() {
            return Err(Failure::usage("the demo has a configuration of its own; omit --config"));
        }
        // The demo sends what is quarantined on purpose, and says so at its end.
        let level = "warn,processor::remarks=error";
        service::telemetry::init(level, service::telemetry::Format::Text);
        let mapping = self.mapping.as_deref().map(load_mapping).transpose()?;
        let program = std::env::args().next().unwrap_or_else(|| "driftseal".into());
        let settings = Settings {
            directory: self.dir,
            inputs: self.input,
            mapping,
            runs: self.runs,
            program,
            quiet: context.output == Output::Json,
        };
        let summary = demo::run(&settings)?;
        match context.output {
            Output::Text => print::lines(&summary.to_string()),
            Output::Json => print::json(&summary),
        }
        Ok(if summary.problems.is_empty() { Ended::Done } else { Ended::Failed })
    }
}
