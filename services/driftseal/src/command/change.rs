//! `driftseal change request|approve|reject|implement|emergency|review`: changes of agents.

use event::kind;
use serde_json::{Map, json};

use super::context::Context;
use super::options::ActorArgs;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};

/// A step of a change.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Ask for a change
    Request(Args),
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
    /// Tenant of the agent, if its events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// What is changed, such as prompt, model or tool
    #[arg(long = "type", value_name = "TYPE")]
    change_type: Option<String>,
    /// Version before the change
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// Version after the change
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Ticket in your tracker
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    #[command(flatten)]
    actor: ActorArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let (kind, args) = match self {
            Self::Request(args) => (kind::CHANGE_REQUESTED, args),
            Self::Approve(args) => (kind::CHANGE_APPROVED, args),
            Self::Reject(args) => (kind::CHANGE_REJECTED, args),
            Self::Implement(args) => (kind::CHANGE_IMPLEMENTED, args),
            Self::Emergency(args) => (kind::CHANGE_EMERGENCY, args),
            Self::Review(args) => (kind::CHANGE_REVIEWED, args),
        };
        gateway::show(&gateway.act(&args.body(kind))?, context.output, "");
        Ok(Ended::Done)
    }
}

impl Args {
    fn body(self, kind: &str) -> Body {
        let fields = [
            ("type", self.change_type),
            ("from_version", self.from),
            ("to_version", self.to),
            ("ticket", self.ticket),
        ];
        let mut change = Map::new();
        change.insert("id".to_owned(), json!(self.id));
        for (name, value) in fields {
            if let Some(value) = value {
                change.insert(name.to_owned(), json!(value));
            }
        }
        self.actor
            .put(Body::of_kind(kind))
            .with("agent_id", self.agent)
            .with_some("tenant_id", self.tenant)
            .with("links", json!({"change": self.id}))
            .with("change", change)
    }
}
