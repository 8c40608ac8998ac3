//! `driftseal maintenance start|end|list`: maintenance windows, for one agent or for all.
//!
//! Events in a window, by event time, are measured, but neither tested for drift nor part of a baseline,
//! and a silent agent raises no alert.

use event::{Timestamp, kind};

use super::context::Context;
use super::options::{self, ActorArgs, PeriodArgs};
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::table::{self, Column};

const COLUMNS: [Column; 6] = [
    ("MAINTENANCE_ID", "maintenance_id"),
    ("TENANT", "tenant_id"),
    ("AGENT", "agent_id"),
    ("ENVIRONMENT", "environment"),
    ("FROM", "from"),
    ("UNTIL", "until"),
];

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
        let gateway = Gateway::open(&context.load()?)?;
        let body = match self {
            Self::List => {
                let listed = gateway.list("maintenance", &[])?;
                let none = "no maintenance window is in force";
                table::show(&listed, "maintenance", &COLUMNS, none, context.output);
                return Ok(Ended::Done);
            }
            Self::Start(args) => args.body(),
            Self::End(args) => args
                .actor
                .put(Body::of_kind(kind::MAINTENANCE_ENDED))
                .with("maintenance_id", args.maintenance_id)
                .with_some("ended_at", args.at.map(|at| at.to_string())),
        };
        let then = "; `driftseal maintenance list` shows what is in force";
        gateway::show(&gateway.act(&body)?, context.output, then);
        Ok(Ended::Done)
    }
}

impl StartArgs {
    fn body(self) -> Body {
        let body = self.actor.put(Body::of_kind(kind::MAINTENANCE_STARTED));
        self.period
            .put(body)
            .with_some("agent_id", self.agent)
            .with("all_agents", self.all_agents)
            .with_some("tenant_id", self.tenant)
            .with_some("environment", self.environment)
    }
}
