//! `driftseal baseline list|pin|unpin`.
//!
//! The monitor answers in the alerts topic: with `drift.baseline.set` for each stream whose baseline has
//! changed, or with `drift.baseline.refused`.

use event::kind;

use super::context::Context;
use super::options::ActorArgs;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::table::{self, Column};

const COLUMNS: [Column; 11] = [
    ("AGENT", "agent_id"),
    ("ENVIRONMENT", "environment"),
    ("VERSION", "agent_version"),
    ("METRIC", "metric"),
    ("SUITE", "suite"),
    ("BASELINE", "baseline_kind"),
    ("OF_VERSION", "baseline_version"),
    ("OBSERVATIONS", "baseline_count"),
    ("VALUE", "baseline_value"),
    ("DETECTOR", "detector"),
    ("REASON", "reason"),
];

/// What to do with baselines.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List the baselines of all streams
    List(ListArgs),
    /// Compare an agent with one of its versions until it is unpinned
    Pin(PinArgs),
    /// Compare an agent with its configured baseline again
    Unpin(UnpinArgs),
}

/// Arguments of `driftseal baseline list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only this agent
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

/// The agent and the actor.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TargetArgs {
    /// Agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Environment of the agent [default: all]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Tenant of the agent, if its events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Metric, such as run.error_rate [default: all whose baseline is not `rolling`]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `driftseal baseline pin`.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Version to compare with [default: the current version]
    #[arg(long, value_name = "VERSION")]
    of: Option<String>,
    /// Firing alert to accept: observations since its change become the baseline
    #[arg(long, value_name = "ALERT_ID")]
    alert: Option<String>,
}

/// Arguments of `driftseal baseline unpin`.
#[derive(Debug, clap::Args)]
pub struct UnpinArgs {
    #[command(flatten)]
    target: TargetArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let body = match self {
            Self::List(ListArgs { agent }) => {
                let query = agent.as_deref().map(|agent| ("agent_id", agent));
                let query: Vec<(&str, &str)> = query.into_iter().collect();
                let listed = gateway.list("baselines", &query)?;
                table::show(&listed, "baselines", &COLUMNS, "no baselines", context.output);
                return Ok(Ended::Done);
            }
            Self::Pin(PinArgs { target, of, alert }) => target
                .body(kind::DRIFT_BASELINE_PINNED)
                .with_some("agent_version", of)
                .with_some("alert_id", alert),
            Self::Unpin(UnpinArgs { target }) => target.body(kind::DRIFT_BASELINE_UNPINNED),
        };
        let then = "; `driftseal baseline list` shows the baselines once it is in force";
        gateway::show(&gateway.act(&body)?, context.output, then);
        Ok(Ended::Done)
    }
}

impl TargetArgs {
    fn body(self, kind: &str) -> Body {
        self.actor
            .put(Body::of_kind(kind))
            .with("agent_id", self.agent)
            .with_some("tenant_id", self.tenant)
            .with_some("environment", self.environment)
            .with_some("metric", self.metric)
    }
}
