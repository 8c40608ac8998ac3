//! What every command is given: the configuration and the form of its result.

use std::path::{Path, PathBuf};

use crate::Config;
use crate::outcome::Failure;
use crate::print::Output;

/// What every command is given.
#[derive(Debug)]
pub(super) struct Context {
    cli: fn() -> clap::Command,
    config: Option<PathBuf>,
    pub(super) output: Output,
}

impl Context {
    pub(super) const fn new(
        cli: fn() -> clap::Command,
        config: Option<PathBuf>,
        output: Output,
    ) -> Self {
        Self { cli, config, output }
    }

    /// The whole command line.
    pub(super) fn cli(&self) -> clap::Command {
        (self.cli)()
    }

    /// The configuration in force, checked, with the prefix put before every topic; log lines
    /// start as it says.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        let config = self.read()?;
        service::telemetry::init(&config.telemetry.level, config.telemetry.format);
        Ok(config.with_prefix())
    }

    /// The configuration in force, checked, as it was written.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        let config: Config = service::config::load(self.file())
            .map_err(|error| Failure::usage(error.to_string()))?;
        let problems = config.problems();
        if problems.is_empty() {
            return Ok(config);
        }
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Err(Failure::usage(format!(
            "the configuration has {} problem(s):\n{}",
            problems.len(),
            lines.join("\n")
        )))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}
