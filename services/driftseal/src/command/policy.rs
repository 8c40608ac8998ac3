//! `driftseal policy publish|acknowledge|retire`: policies that govern agents, and who has read them.

use std::path::PathBuf;

use event::{Timestamp, kind};
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, object, parse_policy, parse_time, text};
use crate::digest;
use crate::gateway::Body;
use crate::outcome::{Ended, Failure};
use crate::print;

/// What happened to a policy.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Record that a version of a policy is in force, with the digest of its text
    Publish(PublishArgs),
    /// Record that a person has acknowledged a version
    Acknowledge(AcknowledgeArgs),
    /// Record that a version is no longer in force
    Retire(RetireArgs),
}

/// Arguments of `driftseal policy publish`.
#[derive(Debug, clap::Args)]
pub struct PublishArgs {
    /// Policy and its version, such as refunds@7
    #[arg(value_name = "ID@VERSION", value_parser = parse_policy)]
    policy: (String, String),
    /// File or directory with its text
    #[arg(long, value_name = "PATH")]
    file: PathBuf,
    /// Title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Who wrote it
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Who approved it
    #[arg(long, value_name = "NAME")]
    approver: Option<String>,
    /// From when it is in force, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    effective_from: Option<Timestamp>,
    /// When it must be reviewed, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    review_due: Option<Timestamp>,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// Arguments of `driftseal policy acknowledge`.
#[derive(Debug, clap::Args)]
pub struct AcknowledgeArgs {
    /// Policy and its version, such as refunds@7
    #[arg(value_name = "ID@VERSION", value_parser = parse_policy)]
    policy: (String, String),
    /// Who has acknowledged it
    #[arg(long, value_name = "NAME")]
    person: String,
    #[command(flatten)]
    record: RecordArgs,
}

/// Arguments of `driftseal policy retire`.
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// Policy and its version, such as refunds@7
    #[arg(value_name = "ID@VERSION", value_parser = parse_policy)]
    policy: (String, String),
    /// Reason
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    record: RecordArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Publish(args) => args.run(context),
            Self::Acknowledge(args) => {
                let policy = object([("person", Some(json!(args.person)))]);
                let body = body(kind::POLICY_ACKNOWLEDGED, args.policy, policy);
                args.record.record(context, body)
            }
            Self::Retire(args) => {
                let policy = object([("reason", Some(json!(args.reason)))]);
                let body = body(kind::POLICY_VERSION_RETIRED, args.policy, policy);
                args.record.record(context, body)
            }
        }
    }
}

impl PublishArgs {
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let mut remarks = Vec::new();
        let digest = digest::of(&self.file, &mut remarks)?.0;
        for remark in &remarks {
            print::note(format!("driftseal: {remark}"));
        }
        let time = |time: Option<Timestamp>| time.map(|time| json!(time.to_string()));
        let policy = object([
            ("digest", Some(json!(digest))),
            ("title", text(self.title)),
            ("author", text(self.author)),
            ("approver", text(self.approver)),
            ("effective_from", time(self.effective_from)),
            ("review_due", time(self.review_due)),
            ("reason", text(self.reason)),
        ]);
        self.record.record(context, body(kind::POLICY_VERSION_PUBLISHED, self.policy, policy))
    }
}

fn body(
    kind: &str,
    (id, version): (String, String),
    mut policy: serde_json::Map<String, serde_json::Value>,
) -> Body {
    policy.insert("id".to_owned(), json!(id));
    policy.insert("version".to_owned(), json!(version));
    Body::of_kind(kind).with("policy", policy)
}
