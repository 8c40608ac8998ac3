//! `driftseal version register|deploy|rollback`: versions of agents, announced by a release pipeline.
//!
//! `register` computes the digest of what the version consists of (`schemas/version`). A version that no act names within a minute of its first event is reported as unannounced, and a
//! deployment with a share of traffic below 1 begins a canary.

use event::kind;
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, object, text};
use crate::digest::{Corpus, Source, Sources, Version};
use crate::gateway::{self, Body};
use crate::outcome::{Ended, Failure};
use crate::print::{self, Output};

/// What happened to a version.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Register a version, with the digest of what it consists of
    Register(RegisterArgs),
    /// Announce that a version is deployed, wholly or as a canary
    Deploy(DeployArgs),
    /// Announce that a deployment is undone
    Rollback(DeployArgs),
}

/// The agent and who acts.
#[derive(Debug, Clone, clap::Args)]
pub struct AgentArgs {
    /// Agent
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Environment of the agent
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Change that it belongs to
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    record: RecordArgs,
}

/// Arguments of `driftseal version register`.
#[derive(Debug, clap::Args)]
pub struct RegisterArgs {
    #[command(flatten)]
    agent: AgentArgs,
    /// Name of the version, as its events have it
    #[arg(long, value_name = "VERSION")]
    agent_version: String,
    /// File or directory with the prompt; may be repeated, each then has a name
    #[arg(long, value_name = "[NAME=]PATH", value_parser = source)]
    prompt: Vec<Source>,
    /// Provider of the model
    #[arg(long, value_name = "NAME")]
    model_provider: Option<String>,
    /// Model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Parameter of the model; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// File or directory with the definitions of the tools; may be repeated, each then has a name
    #[arg(long, value_name = "[NAME=]PATH", value_parser = source)]
    tools: Vec<Source>,
    /// Directory or file of a retrieval corpus, or its digest; may be repeated
    #[arg(long, value_name = "PATH|DIGEST", value_parser = Corpus::parse)]
    corpus: Vec<Corpus>,
    /// Policy in force, ID@VERSION
    #[arg(long, value_name = "VERSION")]
    policy: Option<String>,
    /// Commit of the agent's code
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Only compute the digest; nothing is recorded, and no gateway is asked
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `driftseal version deploy|rollback`.
#[derive(Debug, clap::Args)]
pub struct DeployArgs {
    #[command(flatten)]
    agent: AgentArgs,
    /// Version that is deployed from now on
    #[arg(long, value_name = "VERSION")]
    to: String,
    /// Version before it
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// Digest of that version, from `driftseal version register`
    #[arg(long, value_name = "DIGEST")]
    to_digest: Option<String>,
    /// Share of traffic that it receives, from 0 to 1; below 1 it is a canary [default: all]
    #[arg(long, value_name = "SHARE")]
    share: Option<f64>,
}

fn source(text: &str) -> Result<Source, String> {
    if text.is_empty() { Err("expected a path".to_owned()) } else { Ok(Source::parse(text)) }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Register(args) => args.run(context),
            Self::Deploy(args) => args.run(context, kind::AGENT_VERSION_DEPLOYED),
            Self::Rollback(args) => args.run(context, kind::AGENT_VERSION_ROLLED_BACK),
        }
    }
}

impl AgentArgs {
    fn body(&self, kind: &str) -> Body {
        Body::of_kind(kind)
            .with("agent_id", self.agent.as_str())
            .with("reason", self.reason.as_str())
            .with_some("environment", self.environment.as_deref())
            .with_some("links", self.change.as_ref().map(|change| json!({"change": change})))
    }
}

impl RegisterArgs {
    /// Standard output is the digest alone, so that a script can take it.
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let sources = Sources {
            prompts: self.prompt,
            tools: self.tools,
            corpora: self.corpus,
            model_provider: self.model_provider,
            model_name: self.model,
            parameters: self.parameter,
            policy: self.policy,
            commit: self.commit,
        };
        let version = Version::of(&sources)?;
        for remark in &version.remarks {
            print::note(format!("driftseal: {remark}"));
        }
        let mut recorded = json!({});
        if !self.dry_run {
            let mut agent = version.document.clone();
            if !version.tool_digests.is_empty() {
                agent.insert("tool_digests".to_owned(), json!(version.tool_digests));
            }
            let body = self
                .agent
                .body(kind::AGENT_VERSION_CREATED)
                .with("agent_version", self.agent_version)
                .with("version_digest", version.digest.as_str())
                .with("agent", agent);
            recorded = self.agent.record.act(context, body)?;
        }
        match context.output {
            Output::Json => {
                if let Some(object) = recorded.as_object_mut() {
                    object.insert("version_digest".to_owned(), json!(version.digest));
                    object.insert("document".to_owned(), json!(version.document));
                    object.insert("remarks".to_owned(), json!(version.remarks));
                }
                print::json(&recorded);
            }
            Output::Text => {
                if !self.dry_run {
                    print::note(gateway::recorded_line(&recorded));
                }
                print::line(&version.digest);
            }
        }
        Ok(Ended::Done)
    }
}

impl DeployArgs {
    fn run(self, context: &Context, kind: &str) -> Result<Ended, Failure> {
        let agent = object([
            ("to_version", Some(json!(self.to))),
            ("from_version", text(self.from)),
            ("to_digest", text(self.to_digest.clone())),
            ("traffic_share", self.share.map(|share| json!(share))),
        ]);
        let body = self
            .agent
            .body(kind)
            .with("agent_version", self.to)
            .with_some("version_digest", self.to_digest)
            .with("agent", agent);
        self.agent.record.record(context, body)
    }
}
