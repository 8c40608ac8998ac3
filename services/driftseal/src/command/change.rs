//! `driftseal change request|link-risk|approve|reject|implement|emergency|review`: changes of agents.

use event::{Timestamp, kind};
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, object, parse_time, text};
use crate::gateway::Body;
use crate::outcome::{Ended, Failure};

/// A step of a change.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Ask for a change
    Request(Args),
    /// Link a risk to a change
    LinkRisk(Args),
    /// Approve a change
    Approve(Args),
    /// Reject a change
    Reject(Args),
    /// Record that a change was made
    Implement(Args),
    /// Record that a change was made before it was approved
    Emergency(Args),
    /// Review an emergency change afterwards
    Review(Args),
}

/// Arguments of all steps.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change
    #[arg(value_name = "CHANGE_ID")]
    id: String,
    /// Agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Environment that it is for
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// What is changed, such as prompt, model or tool
    #[arg(long = "type", value_name = "TYPE")]
    change_type: Option<String>,
    /// Version before the change
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// Version after the change
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Digest of the version after the change, from `driftseal version register`
    #[arg(long, value_name = "DIGEST")]
    to_digest: Option<String>,
    /// Risk that was considered
    #[arg(long, value_name = "ID")]
    risk: Option<String>,
    /// Ticket in your tracker
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// When an emergency change must be reviewed, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    review_due: Option<Timestamp>,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    record: RecordArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let (kind, args) = match self {
            Self::Request(args) => (kind::CHANGE_REQUESTED, args),
            Self::LinkRisk(args) => (kind::CHANGE_RISK_LINKED, args),
            Self::Approve(args) => (kind::CHANGE_APPROVED, args),
            Self::Reject(args) => (kind::CHANGE_REJECTED, args),
            Self::Implement(args) => (kind::CHANGE_IMPLEMENTED, args),
            Self::Emergency(args) => (kind::CHANGE_EMERGENCY, args),
            Self::Review(args) => (kind::CHANGE_REVIEWED, args),
        };
        if kind == kind::CHANGE_RISK_LINKED && args.risk.is_none() {
            return Err(Failure::usage("--risk: is required"));
        }
        let body = Body::of_kind(kind)
            .with("agent_id", args.agent)
            .with_some("environment", args.environment)
            .with("reason", args.reason)
            .with("links", json!({"change": args.id}))
            .with(
                "change",
                object([
                    ("id", Some(json!(args.id))),
                    ("type", text(args.change_type)),
                    ("from_version", text(args.from)),
                    ("to_version", text(args.to)),
                    ("to_digest", text(args.to_digest)),
                    ("risk", text(args.risk)),
                    ("ticket", text(args.ticket)),
                    ("review_due", args.review_due.map(|due| json!(due.to_string()))),
                ]),
            );
        args.record.record(context, body)
    }
}
