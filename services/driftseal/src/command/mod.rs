//! The command line. One file per command; to add one, write the file and its line in
//! [`Command`].

mod act;
pub mod alert;
pub mod baseline;
pub mod completions;
pub mod config;
pub mod demo;
pub mod emit;
pub mod evidence;
pub mod log;
pub mod maintenance;
pub mod replay;
pub mod run;
pub mod suite;
pub mod suppress;
pub mod topics;
pub mod up;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

pub(crate) use self::evidence::write_file;
pub use crate::print::Output;
use crate::{Config, print};

/// The flight recorder for AI agents: events in, drift alerts and verifiable evidence out.
#[derive(Debug, Parser)]
#[command(name = "driftseal", version, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// Configuration file (TOML); `DRIFTSEAL__SECTION__KEY` in the environment wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the main job in one process: traffic, drift, alert, seal, pack, verify
    Demo(demo::Args),
    /// Run every role in this process
    Up,
    /// Run one role
    Run(run::Args),
    /// The transparency log: create it, show its checkpoint
    #[command(subcommand)]
    Log(log::Action),
    /// The topics of the event log
    #[command(subcommand)]
    Topics(topics::Action),
    /// Send files of events into the pipeline
    Emit(emit::Args),
    /// Alerts that are firing: show them, take one, end one
    #[command(subcommand)]
    Alert(alert::Action),
    /// Suppressions: tell nobody of certain alerts of an agent until a time
    #[command(subcommand)]
    Suppress(suppress::Action),
    /// Maintenance windows: a time that says nothing about an agent
    #[command(subcommand)]
    Maintenance(maintenance::Action),
    /// Baselines: show what is compared with what, pin a version, take that back
    #[command(subcommand)]
    Baseline(baseline::Action),
    /// Eval suites: check one, run it on a file of events, put it in force
    #[command(subcommand)]
    Suite(suite::Action),
    /// Verify everything in an archive again
    Fsck(evidence::FsckArgs),
    /// Recompute every metric, baseline and alert from an archive and compare
    Replay(replay::ReplayArgs),
    /// Prove that an event is sealed
    Proof(evidence::ProofArgs),
    /// Write an evidence pack
    Export(evidence::ExportArgs),
    /// Verify an evidence pack, offline
    Verify(evidence::VerifyArgs),
    /// The configuration: check it, show what is in force
    #[command(subcommand)]
    Config(config::Action),
    /// Completions for a shell
    Completions(completions::Args),
}

/// How a command ended; the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// 0.
    Done,
    /// 1: it failed, or what was to be verified is wrong.
    Failed,
    /// 3: there is not enough to verify it.
    Unverifiable,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::Failed => Self::FAILURE,
            Ended::Unverifiable => Self::from(3),
        }
    }
}

/// Why a command could not do its work: a message for a person.
#[derive(Debug)]
pub struct Failure {
    message: String,
    usage: bool,
}

impl Failure {
    /// It failed; exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: false }
    }

    /// It was asked wrongly; exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: true }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !message.contains(&cause_text) {
                message.push_str(": ");
                message.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self::new(message)
    }
}

/// Runs the command of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command of these arguments, of which the first is the name of the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            let was_asked =
                [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind());
            return if was_asked { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    let context = Context { config: cli.config, output: cli.output };
    match cli.command.run(&context) {
        Ok(ended) => ended.into(),
        Err(failure) => {
            print::note(format!("driftseal: {}", failure.message));
            if failure.usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

impl Command {
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Demo(args) => args.run(context),
            Self::Up => up::run(context),
            Self::Run(args) => args.run(context),
            Self::Log(action) => action.run(context),
            Self::Topics(action) => action.run(context),
            Self::Emit(args) => args.run(context),
            Self::Alert(action) => action.run(context),
            Self::Suppress(action) => action.run(context),
            Self::Maintenance(action) => action.run(context),
            Self::Baseline(action) => action.run(context),
            Self::Suite(action) => action.run(context),
            Self::Fsck(args) => args.run(context),
            Self::Replay(args) => args.run(context),
            Self::Proof(args) => args.run(context),
            Self::Export(args) => args.run(context),
            Self::Verify(args) => args.run(context),
            Self::Config(action) => action.run(context),
            Self::Completions(args) => args.run(),
        }
    }
}

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    config: Option<PathBuf>,
    pub(crate) output: Output,
}

impl Context {
    /// The configuration in force, checked, with the prefix put before every topic; log lines
    /// start as it says.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        let config = self.read()?;
        service::telemetry::init(&config.telemetry.level, config.telemetry.format);
        Ok(config.with_prefix())
    }

    /// The configuration in force, checked, as it was written.
    pub(crate) fn read(&self) -> Result<Config, Failure> {
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

    pub(crate) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_command_has_two_arguments_of_one_name() {
        Cli::command().debug_assert();
    }
}
