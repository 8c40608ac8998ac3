//! The command line. Each command has a file; to add one, write the file, declare it, and add a line to
//! the list in this file.

pub mod act;
pub mod agent;
pub mod alert;
pub mod baseline;
pub mod change;
pub mod check;
pub mod completions;
pub mod config;
pub mod consistency;
mod context;
pub mod corpus;
pub mod demo;
pub mod emit;
pub mod evidence;
pub mod incident;
pub mod log;
pub mod maintenance;
mod options;
pub mod policy;
pub mod quarantine;
pub mod ready;
pub mod replay;
pub mod risk;
pub mod rotate;
pub mod run;
pub mod segments;
pub mod suite;
pub mod suppress;
pub mod token;
pub mod topics;
pub mod up;
pub mod version;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use self::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};

/// The flight recorder for AI agents: events in, drift alerts and verifiable evidence out
#[derive(Debug, Parser)]
#[command(name = "driftseal", version, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// Configuration file (TOML); environment variables, DRIFTSEAL__SECTION__KEY, override it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Format of the result
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Defines the enum of commands and its dispatch from one list.
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
    /// Demonstrate everything in one process: traffic, drift, alert, seal, pack, verify
    Demo(demo::Args),
    /// Run all roles in one process
    Up(up::Args),
    /// Run one role
    Run(run::Args),
    /// Create the transparency log, print its checkpoint, or prove that it went on
    #[command(subcommand)]
    Log(log::Action),
    /// Create the topics of the event log
    #[command(subcommand)]
    Topics(topics::Action),
    /// Check events of files: what would be rejected, quarantined or remarked, without sending
    Check(check::Args),
    /// Send events from files to the collector or to Kafka
    Emit(emit::Args),
    /// List, acknowledge or dismiss alerts
    #[command(subcommand)]
    Alert(alert::Action),
    /// Mute matching alerts of an agent until a deadline
    #[command(subcommand)]
    Suppress(suppress::Action),
    /// Exclude a time range from drift detection
    #[command(subcommand)]
    Maintenance(maintenance::Action),
    /// List baselines, or pin the baseline of an agent to a version
    #[command(subcommand)]
    Baseline(baseline::Action),
    /// Enter an agent into the inventory, change its entry, or retire it
    #[command(subcommand)]
    Agent(agent::Action),
    /// Register a version of an agent, or announce its deployment or rollback
    #[command(subcommand)]
    Version(version::Action),
    /// Request, approve or record a change of an agent
    #[command(subcommand)]
    Change(change::Action),
    /// Whether a version may be deployed, and what is missing; exit code 1 if not, 3 if it is not known
    Ready(ready::Args),
    /// Publish, acknowledge or retire a policy
    #[command(subcommand)]
    Policy(policy::Action),
    /// Record how a risk is judged, and what is done about it
    #[command(subcommand)]
    Risk(risk::Action),
    /// Open, update or close an incident
    #[command(subcommand)]
    Incident(incident::Action),
    /// Publish a version of a retrieval corpus, or retire a corpus
    #[command(subcommand)]
    Corpus(corpus::Action),
    /// Record any act of people and pipelines, as JSON
    Act(act::Args),
    /// Say who may send events and act: make, list, revoke or replace tokens
    #[command(subcommand)]
    Token(token::Action),
    /// Check, test or publish an eval suite
    #[command(subcommand)]
    Suite(suite::Action),
    /// List the records that did not decode
    #[command(subcommand)]
    Quarantine(quarantine::Action),
    /// Verify a whole archive: log, signatures, segments, records
    Fsck(evidence::FsckArgs),
    /// List the committed segments of an archive, or print SQL views over them
    Segments(segments::SegmentsArgs),
    /// Recompute all metrics, baselines and alerts from an archive and compare them
    Replay(replay::ReplayArgs),
    /// Prove that an event is sealed
    Proof(evidence::ProofArgs),
    /// Export an evidence pack of an agent
    Export(evidence::ExportArgs),
    /// Verify an evidence pack, the proof of an event or that the log went on, offline
    Verify(evidence::VerifyArgs),
    /// Check or print the configuration
    #[command(subcommand)]
    Config(config::Action),
    /// Print a shell completion script
    Completions(completions::Args),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs a command line; the first argument is the name of the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let is_help =
                [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind());
            print::written(error.print());
            if is_help {
                return exit_code(Ok(Ended::Done), Output::Text);
            }
            if wants_json(&arguments) {
                let rendered = error.render().to_string();
                let whole = rendered.trim();
                let message = whole.strip_prefix("error: ").unwrap_or(whole);
                print::json_error(&Failure::usage(message));
            }
            return ExitCode::from(2);
        }
    };
    let context = Context::new(Cli::command, cli.config, cli.output);
    let result = cli.command.run(&context);
    exit_code(result, context.output)
}

/// Whether a command line that cannot be parsed asks for JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    let pairs = arguments.iter().zip(arguments.iter().skip(1));
    arguments.iter().any(|argument| argument == "--output=json")
        || pairs.into_iter().any(|(option, value)| option == "--output" && value == "json")
}

/// The exit code; prints the error, if there is one.
fn exit_code(result: Result<Ended, Failure>, output: Output) -> ExitCode {
    let result = result.and_then(|ended| print::finish().map(|()| ended));
    match result {
        Ok(ended) => ended.into(),
        Err(failure) => {
            if output == Output::Json {
                print::json_error(&failure);
            }
            print::note(format!("driftseal: {}", failure.message()));
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests;
