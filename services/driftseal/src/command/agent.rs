//! `driftseal agent register|update|retire`: the inventory of agents.

use event::kind;
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, list, object, text};
use crate::gateway::Body;
use crate::outcome::{Ended, Failure};

/// What happened to an agent.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Enter an agent into the inventory
    Register(Args),
    /// Change the entry of an agent
    Update(Args),
    /// Take an agent out of service
    Retire(RetireArgs),
}

/// Arguments of `driftseal agent register|update`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Agent
    #[arg(value_name = "AGENT_ID")]
    id: String,
    /// Environment of the agent
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Display name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// What the agent is for
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Intended use and users
    #[arg(long, value_name = "TEXT")]
    intended_use: Option<String>,
    /// Accountable owner
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Role that approves its high-risk actions
    #[arg(long, value_name = "ROLE")]
    approver_role: Option<String>,
    /// Risk tier
    #[arg(long, value_parser = ["unacceptable", "high", "limited", "minimal"])]
    risk_tier: Option<String>,
    /// Whether the agent is in the scope of the information security management system
    #[arg(long, value_name = "BOOL")]
    in_isms_scope: Option<bool>,
    /// Category of data that it handles; may be repeated
    #[arg(long, value_name = "CATEGORY")]
    data_category: Vec<String>,
    /// Tool that it may use; may be repeated
    #[arg(long, value_name = "NAME")]
    tool: Vec<String>,
    /// Corpus that it may read; may be repeated
    #[arg(long, value_name = "ID")]
    corpus: Vec<String>,
    /// Destination that it may send to; may be repeated
    #[arg(long, value_name = "NAME")]
    destination: Vec<String>,
    /// Reference of the data protection impact assessment
    #[arg(long, value_name = "REF")]
    dpia: Option<String>,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// Arguments of `driftseal agent retire`.
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// Agent
    #[arg(value_name = "AGENT_ID")]
    id: String,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    record: RecordArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Register(args) => args.run(context, kind::AGENT_REGISTERED),
            Self::Update(args) => args.run(context, kind::AGENT_UPDATED),
            Self::Retire(args) => {
                let agent = object([("reason", Some(json!(args.reason)))]);
                let body = Body::of_kind(kind::AGENT_RETIRED).with("agent_id", args.id);
                args.record.record(context, body.with("agent", agent))
            }
        }
    }
}

impl Args {
    fn run(self, context: &Context, kind: &str) -> Result<Ended, Failure> {
        let agent = object([
            ("name", text(self.name)),
            ("purpose", text(self.purpose)),
            ("intended_use", text(self.intended_use)),
            ("owner", text(self.owner)),
            ("approver_role", text(self.approver_role)),
            ("risk_tier", text(self.risk_tier)),
            ("in_isms_scope", self.in_isms_scope.map(|is_in| json!(is_in))),
            ("data_categories", list(self.data_category)),
            ("declared_tools", list(self.tool)),
            ("declared_corpora", list(self.corpus)),
            ("declared_destinations", list(self.destination)),
            ("dpia_ref", text(self.dpia)),
            ("reason", text(self.reason)),
        ]);
        if agent.is_empty() {
            let text = "an entry says something: give at least --owner or --purpose";
            return Err(Failure::usage(text));
        }
        let body = Body::of_kind(kind)
            .with("agent_id", self.id)
            .with_some("environment", self.environment)
            .with("agent", agent);
        self.record.record(context, body)
    }
}
