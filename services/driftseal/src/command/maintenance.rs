//! `driftseal maintenance start|end|list`: maintenance windows, for one agent or for all.
//!
//! Events in a window, by event time, are measured, but neither tested for drift nor part of a baseline,
//! and a silent agent raises no alert.

use act::maintenance::MAINTENANCE;
use act::{Ending, Request, Target};
use event::Timestamp;

use super::context::Context;
use super::options::{self, ActorArgs, PeriodArgs};
use super::timed::{self, Asked, Subject};
use crate::outcome::{Ended, Failure};

const SUBJECT: Subject =
    Subject { timed: &MAINTENANCE, command: "maintenance", id: "maintenance_id" };

/// What to do with maintenance windows.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Start a maintenance window, now or at a planned time
    Start(StartArgs),
    /// End a maintenance window early
    End(EndArgs),
    /// List the maintenance windows in force
    List,
}

/// Arguments of `driftseal maintenance start`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("agents").required(true)))]
pub struct StartArgs {
    /// Agent
    #[arg(long, value_name = "ID", group = "agents")]
    agent: Option<String>,
    /// All agents
    #[arg(long, group = "agents")]
    all_agents: bool,
    /// Tenant of the agent, if its events have one; with --all-agents, only agents of this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Only in this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `driftseal maintenance end`.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    /// Maintenance window, from `driftseal maintenance list`
    #[arg(value_name = "MAINTENANCE_ID")]
    maintenance_id: String,
    /// When it ended, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = options::parse_time)]
    at: Option<Timestamp>,
    #[command(flatten)]
    actor: ActorArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let asked = match self {
            Self::Start(args) => Asked::Start(args.request()?),
            Self::End(args) => {
                Asked::End(args.maintenance_id, Ending { at: args.at, actor: args.actor.actor() })
            }
            Self::List => Asked::List,
        };
        timed::run(SUBJECT, &config, context.output, asked)?;
        Ok(Ended::Done)
    }
}

impl StartArgs {
    fn request(self) -> Result<Request, Failure> {
        Ok(Request {
            id: uuid::Uuid::now_v7().to_string(),
            period: self.period.period()?,
            actor: self.actor.actor(),
            target: Target {
                tenant_id: self.tenant,
                agent_id: self.agent,
                environment: self.environment,
                ..Target::default()
            },
        })
    }
}
