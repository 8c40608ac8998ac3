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
        self.load_and(&Config::problems)
    }

    /// As [`Self::load`], for a process that runs roles: the secrets of this machine are checked too.
    pub(super) fn load_with_secrets(&self) -> Result<Config, Failure> {
        self.load_and(&|config| [config.problems(), config.secret_problems()].concat())
    }

    fn load_and(&self, check: &dyn Fn(&Config) -> Vec<String>) -> Result<Config, Failure> {
        let config = self.read_and(check)?;
        service::telemetry::init(&config.telemetry.level, config.telemetry.format);
        Ok(config.with_prefix())
    }

    /// The effective configuration, validated, as written.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        self.read_and(&Config::problems)
    }

    /// The effective configuration, as written, if `check` finds nothing wrong; else every problem.
    pub(super) fn read_and(
        &self,
        check: &dyn Fn(&Config) -> Vec<String>,
    ) -> Result<Config, Failure> {
        service::config::load(self.file(), check).map_err(|error| Failure::usage(error.to_string()))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}
