//! `driftseal suppress add|end|list`: mutes matching alerts of an agent until a deadline.
//!
//! Detection continues and alerts are recorded; those that are still firing when the suppression ends
//! are sent then.

use event::kind;

use super::context::Context;
use super::options::{ActorArgs, PeriodArgs};
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::table::{self, Column};

const COLUMNS: [Column; 9] = [
    ("SUPPRESSION_ID", "suppression_id"),
    ("AGENT", "agent_id"),
    ("ENVIRONMENT", "environment"),
    ("VERSION", "agent_version"),
    ("METRIC", "metric"),
    ("SUITE", "suite"),
    ("SEVERITY", "severity"),
    ("FROM", "from"),
    ("UNTIL", "until"),
];

/// What to do with suppressions.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Mute matching alerts of an agent until a deadline
    Add(AddArgs),
    /// End a suppression early; alerts that are still firing are sent
    End(EndArgs),
    /// List the suppressions in force
    List,
}

/// Arguments of `driftseal suppress add`.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Tenant of the agent, if its events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Only in this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only alerts of this version
    #[arg(long, value_name = "VERSION")]
    agent_version: Option<String>,
    /// Only alerts of this metric, such as run.error_rate
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Only alerts of this eval suite
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Only alerts of this severity
    #[arg(long, value_name = "SEVERITY", value_parser = ["page", "ticket"])]
    severity: Option<String>,
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `driftseal suppress end`.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    /// Suppression, from `driftseal suppress list`
    #[arg(value_name = "SUPPRESSION_ID")]
    suppression_id: String,
    #[command(flatten)]
    actor: ActorArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let body = match self {
            Self::List => {
                let listed = gateway.list("suppressions", &[])?;
                let none = "no suppression is in force";
                table::show(&listed, "suppressions", &COLUMNS, none, context.output);
                return Ok(Ended::Done);
            }
            Self::Add(args) => args.body(),
            Self::End(args) => args
                .actor
                .put(Body::of_kind(kind::DRIFT_SUPPRESSION_ENDED))
                .with("suppression_id", args.suppression_id),
        };
        let then = "; `driftseal suppress list` shows what is in force";
        gateway::show(&gateway.act(&body)?, context.output, then);
        Ok(Ended::Done)
    }
}

impl AddArgs {
    fn body(self) -> Body {
        let body = self.actor.put(Body::of_kind(kind::DRIFT_SUPPRESSION_STARTED));
        self.period
            .put(body)
            .with("agent_id", self.agent)
            .with_some("tenant_id", self.tenant)
            .with_some("environment", self.environment)
            .with_some("agent_version", self.agent_version)
            .with_some("metric", self.metric)
            .with_some("suite", self.suite)
            .with_some("severity", self.severity)
    }
}
