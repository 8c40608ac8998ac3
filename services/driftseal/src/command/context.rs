//! The context of a command: configuration and output format.

use std::path::{Path, PathBuf};

use crate::Config;
use crate::outcome::Failure;
use crate::print::Output;

/// The context of a command.
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

    /// The definition of the command line.
    pub(super) fn cli(&self) -> clap::Command {
        (self.cli)()
    }

    /// The effective configuration, validated, with the topic prefix applied. Starts logging as
    /// configured.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        let config = self.read()?;
        service::telemetry::init(&config.telemetry.level, config.telemetry.format);
        Ok(config.with_prefix())
    }

    /// The effective configuration, validated, as written.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        let config: Config = service::config::load(self.file())
            .map_err(|error| Failure::usage(error.to_string()))?;
        let problems = config.problems();
        if problems.is_empty() {
            return Ok(config);
        }
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Err(Failure::usage(format!("invalid configuration:\n{}", lines.join("\n"))))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}
