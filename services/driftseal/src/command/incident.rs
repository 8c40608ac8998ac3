//! `driftseal incident open|update|close`: incidents of agents.

use event::{Timestamp, kind};
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, list, object, parse_time, text};
use crate::gateway::Body;
use crate::outcome::{Ended, Failure};

/// What happened to an incident.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Open an incident
    Open(OpenArgs),
    /// Record what is newly known
    Update(UpdateArgs),
    /// Close an incident
    Close(UpdateArgs),
}

/// Arguments of `driftseal incident open`.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// Severity
    #[arg(long, value_parser = ["critical", "major", "minor", "info"])]
    severity: String,
    /// How it was noticed
    #[arg(long, value_parser = ["alert", "person", "agent", "customer"])]
    source: Option<String>,
    /// Alert it came from
    #[arg(long, value_name = "ID")]
    alert: Option<String>,
    /// When it began, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    occurred_at: Option<Timestamp>,
    #[command(flatten)]
    args: UpdateArgs,
}

/// Arguments of `driftseal incident update|close`.
#[derive(Debug, clap::Args)]
pub struct UpdateArgs {
    /// Incident
    #[arg(value_name = "INCIDENT_ID")]
    id: String,
    /// Agent affected; may be repeated
    #[arg(long, value_name = "ID")]
    agent: Vec<String>,
    /// Agent version affected; may be repeated
    #[arg(long, value_name = "VERSION")]
    agent_version: Vec<String>,
    /// Run affected; may be repeated
    #[arg(long, value_name = "ID")]
    run: Vec<String>,
    /// Short description
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// What happened
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// Root cause
    #[arg(long, value_name = "TEXT")]
    root_cause: Option<String>,
    /// Corrective action; may be repeated
    #[arg(long, value_name = "TEXT")]
    action: Vec<String>,
    /// Who leads the response
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Change that caused or corrects it
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Open(open) => {
                let more = object([
                    ("severity", Some(json!(open.severity))),
                    ("source", text(open.source)),
                    ("alert_id", text(open.alert)),
                    ("occurred_at", open.occurred_at.map(|time| json!(time.to_string()))),
                ]);
                open.args.run(context, kind::INCIDENT_OPENED, more)
            }
            Self::Update(args) => args.run(context, kind::INCIDENT_UPDATED, object([])),
            Self::Close(args) => args.run(context, kind::INCIDENT_CLOSED, object([])),
        }
    }
}

impl UpdateArgs {
    fn run(
        self,
        context: &Context,
        kind: &str,
        more: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Ended, Failure> {
        let mut incident = object([
            ("id", Some(json!(self.id))),
            ("agents", list(self.agent)),
            ("versions", list(self.agent_version)),
            ("runs", list(self.run)),
            ("title", text(self.title)),
            ("summary", text(self.summary)),
            ("root_cause", text(self.root_cause)),
            ("actions", list(self.action)),
            ("owner", text(self.owner)),
            ("linked_change", text(self.change)),
        ]);
        incident.extend(more);
        let body = Body::of_kind(kind).with("links", json!({"incident": self.id}));
        self.record.record(context, body.with("incident", incident))
    }
}
