//! `driftseal suppress add|end|list`: mutes matching alerts of an agent until a deadline.
//!
//! Detection continues and alerts are recorded; those that are still firing when the suppression ends
//! are sent then.

use act::suppression::SUPPRESSION;
use act::{Ending, Request, Target};

use super::context::Context;
use super::options::{ActorArgs, PeriodArgs};
use super::timed::{self, Asked, Subject};
use crate::outcome::{Ended, Failure};

const SUBJECT: Subject = Subject { timed: &SUPPRESSION, command: "suppress", id: "suppression_id" };

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
        let config = context.load()?;
        let asked = match self {
            Self::Add(args) => Asked::Start(args.request()?),
            Self::End(args) => {
                Asked::End(args.suppression_id, Ending { at: None, actor: args.actor.actor() })
            }
            Self::List => Asked::List,
        };
        timed::run(SUBJECT, &config, context.output, asked)?;
        Ok(Ended::Done)
    }
}

impl AddArgs {
    fn request(self) -> Result<Request, Failure> {
        Ok(Request {
            id: uuid::Uuid::now_v7().to_string(),
            period: self.period.period()?,
            actor: self.actor.actor(),
            target: Target {
                tenant_id: self.tenant,
                agent_id: Some(self.agent),
                environment: self.environment,
                agent_version: self.agent_version,
                metric: self.metric,
                suite: self.suite,
                severity: self.severity,
            },
        })
    }
}
