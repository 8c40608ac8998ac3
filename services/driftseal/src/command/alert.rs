//! `driftseal alert list|acknowledge|dismiss`.
//!
//! Acknowledging tells receivers that somebody is working on an alert; dismissing ends it for them.
//! Neither affects the monitor, which resolves the alert when the effect is gone.

use event::kind;

use super::context::Context;
use super::options::ActorArgs;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};
use crate::table::{self, Column};

const COLUMNS: [Column; 12] = [
    ("ALERT_ID", "alert_id"),
    ("SEVERITY", "severity"),
    ("AGENT", "agent_id"),
    ("ENVIRONMENT", "environment"),
    ("VERSION", "agent_version"),
    ("METRIC", "metric"),
    ("SINCE", "since"),
    ("FIRED_AT", "fired_at"),
    ("ACKNOWLEDGED_AT", "acknowledged_at"),
    ("ACKNOWLEDGED_BY", "acknowledged_by"),
    ("SUPPRESSED_BY", "suppressed_by"),
    ("LAST_CHANGE_ID", "last_change_id"),
];

/// What to do with alerts.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List firing alerts: `since` is when the change began, `…_at` are times of the broker
    List,
    /// Acknowledge an alert: tell its receivers that somebody is working on it
    Acknowledge(AnswerArgs),
    /// Dismiss an alert: end it for its receivers, as known or false
    Dismiss(AnswerArgs),
}

/// Arguments of `driftseal alert acknowledge|dismiss`.
#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    /// Alert, from `driftseal alert list`
    #[arg(value_name = "ALERT_ID")]
    alert_id: String,
    #[command(flatten)]
    actor: ActorArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let (args, kind) = match self {
            Self::List => {
                let listed = gateway.list("alerts", &[])?;
                table::show(&listed, "alerts", &COLUMNS, "no alert is firing", context.output);
                return Ok(Ended::Done);
            }
            Self::Acknowledge(args) => (args, kind::DRIFT_ALERT_ACKNOWLEDGED),
            Self::Dismiss(args) => (args, kind::DRIFT_ALERT_DISMISSED),
        };
        let body = args.actor.put(Body::of_kind(kind)).with("alert_id", args.alert_id);
        gateway::show(&gateway.act(&body)?, context.output, "");
        Ok(Ended::Done)
    }
}
