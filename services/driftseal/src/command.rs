//! The command line. One file per command; to add one, write the file, declare it, and add its line
//! to the list in this file.

pub mod alert;
pub mod baseline;
pub mod completions;
pub mod config;
mod context;
pub mod demo;
pub mod emit;
pub mod evidence;
pub mod log;
pub mod maintenance;
mod options;
pub mod replay;
pub mod run;
pub mod suite;
pub mod suppress;
mod timed;
mod topic;
pub mod topics;
pub mod up;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use self::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};

/// The flight recorder for AI agents: events in, drift alerts and verifiable evidence out.
#[derive(Debug, Parser)]
#[command(name = "driftseal", version, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// Configuration file (TOML); the environment, as in DRIFTSEAL__SECTION__KEY, takes precedence
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Format of the result
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Makes the enum of the commands and its dispatch from one list.
macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident($($arguments:tt)+),)+) => {
        /// The commands.
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[$meta])* $name($($arguments)+),)+
        }

        impl Command {
            fn run(self, context: &Context) -> Result<Ended, Failure> {
                match self {
                    $(Self::$name(arguments) => arguments.run(context),)+
                }
            }
        }
    };
}

commands! {
    /// Show the main job in one process: traffic, drift, alert, seal, pack, verify
    Demo(demo::Args),
    /// Run every role in one process
    Up(up::Args),
    /// Run one role
    Run(run::Args),
    /// Create the transparency log or show its checkpoint
    #[command(subcommand)]
    Log(log::Action),
    /// Create the topics of the event log
    #[command(subcommand)]
    Topics(topics::Action),
    /// Send files of events into the pipeline
    Emit(emit::Args),
    /// List firing alerts, acknowledge or dismiss one
    #[command(subcommand)]
    Alert(alert::Action),
    /// Mute matching alerts of an agent until a deadline
    #[command(subcommand)]
    Suppress(suppress::Action),
    /// Exclude a time range from drift detection
    #[command(subcommand)]
    Maintenance(maintenance::Action),
    /// List baselines, pin an agent to a version, unpin it
    #[command(subcommand)]
    Baseline(baseline::Action),
    /// Check an eval suite, run it on files of events, publish it
    #[command(subcommand)]
    Suite(suite::Action),
    /// Check everything in an archive
    Fsck(evidence::FsckArgs),
    /// Recompute every metric, baseline and alert from an archive and compare
    Replay(replay::ReplayArgs),
    /// Prove that an event is sealed
    Proof(evidence::ProofArgs),
    /// Write an evidence pack
    Export(evidence::ExportArgs),
    /// Verify an evidence pack offline
    Verify(evidence::VerifyArgs),
    /// Check the configuration or print it
    #[command(subcommand)]
    Config(config::Action),
    /// Print the completion script of a shell
    Completions(completions::Args),
}

/// Runs the command of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command of these arguments; the first is the name of the program.
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
    let context = Context::new(Cli::command, cli.config, cli.output);
    match cli.command.run(&context) {
        Ok(ended) => ended.into(),
        Err(failure) => {
            print::note(format!("driftseal: {}", failure.message()));
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests;
