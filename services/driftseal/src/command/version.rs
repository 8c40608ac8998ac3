//! `driftseal version register|deploy|rollback`: versions of agents, announced by a release pipeline.
//!
//! A version that no act names within a minute of its first event is reported as unannounced, and a
//! deployment with a share of traffic below 1 begins a canary.

use std::path::{Path, PathBuf};

use event::kind;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::options::ActorArgs;
use crate::gateway::{self, Body, Gateway};
use crate::outcome::{Ended, Failure};

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
    /// Tenant of the agent, if its events have one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Change that it belongs to
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `driftseal version register`.
#[derive(Debug, clap::Args)]
pub struct RegisterArgs {
    #[command(flatten)]
    agent: AgentArgs,
    /// Name of the version, as its events have it
    #[arg(long, value_name = "VERSION")]
    agent_version: String,
    /// File with the prompt
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    /// Provider of the model
    #[arg(long, value_name = "NAME")]
    model_provider: Option<String>,
    /// Model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Parameter of the model, NAME=VALUE; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// File with the definitions of the tools
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// Digest of a retrieval corpus; may be repeated
    #[arg(long, value_name = "DIGEST")]
    corpus: Vec<String>,
    /// Version of the policy in force
    #[arg(long, value_name = "VERSION")]
    policy: Option<String>,
    /// Commit of the agent's code
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
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
    /// Share of traffic that it receives, from 0 to 1; below 1 it is a canary [default: all]
    #[arg(long, value_name = "SHARE")]
    share: Option<f64>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let gateway = Gateway::open(&context.load()?)?;
        let body = match self {
            Self::Register(args) => args.body()?,
            Self::Deploy(args) => args.body(kind::AGENT_VERSION_DEPLOYED),
            Self::Rollback(args) => args.body(kind::AGENT_VERSION_ROLLED_BACK),
        };
        gateway::show(&gateway.act(&body)?, context.output, "");
        Ok(Ended::Done)
    }
}

impl AgentArgs {
    fn body(self, kind: &str) -> Body {
        self.actor
            .put(Body::of_kind(kind))
            .with("agent_id", self.agent)
            .with_some("tenant_id", self.tenant)
            .with_some("environment", self.environment)
            .with_some("links", self.change.map(|change| json!({"change": change})))
    }
}

impl RegisterArgs {
    fn body(self) -> Result<Body, Failure> {
        let parameters: Map<String, Value> =
            self.parameter.into_iter().map(|(name, value)| (name, json!(value))).collect();
        // Only what is given is part of the digest: absent and empty are different.
        let mut parts = Map::new();
        let mut part = |name: &str, value: Value| parts.insert(name.to_owned(), value);
        if let Some(file) = &self.prompt {
            part("prompt_digest", json!(digest_of(file)?));
        }
        if let Some(provider) = self.model_provider {
            part("model_provider", json!(provider));
        }
        if let Some(model) = self.model {
            part("model_name", json!(model));
        }
        if !parameters.is_empty() {
            part("parameters", Value::Object(parameters));
        }
        if let Some(file) = &self.tools {
            part("tools_digest", json!(digest_of(file)?));
        }
        if !self.corpus.is_empty() {
            part("corpus_digests", json!(self.corpus));
        }
        if let Some(policy) = self.policy {
            part("policy_version", json!(policy));
        }
        let digest = version_digest(&parts);
        if let Some(commit) = self.commit {
            parts.insert("code_commit".to_owned(), json!(commit));
        }
        Ok(self
            .agent
            .body(kind::AGENT_VERSION_CREATED)
            .with("agent_version", self.agent_version)
            .with_some("version_digest", digest)
            .with("agent", parts))
    }
}

/// The digest of a version: SHA-256 of its parts as JSON with sorted keys and without white space;
/// `None` if no part was given.
fn version_digest(parts: &Map<String, Value>) -> Option<String> {
    if parts.is_empty() {
        return None;
    }
    let sorted: std::collections::BTreeMap<&String, &Value> = parts.iter().collect();
    let Ok(text) = serde_json::to_vec(&sorted) else { unreachable!("plain data has a JSON form") };
    Some(sha256(&text))
}

fn digest_of(file: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::usage(format!("failed to read `{}`: {error}", file.display())))?;
    Ok(sha256(&bytes))
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", merkle::hash::to_hex(&merkle::hash::sha256(bytes)))
}

impl DeployArgs {
    fn body(self, kind: &str) -> Body {
        let mut agent = Map::new();
        agent.insert("to_version".to_owned(), json!(self.to));
        if let Some(from) = self.from {
            agent.insert("from_version".to_owned(), json!(from));
        }
        if let Some(share) = self.share {
            agent.insert("traffic_share".to_owned(), json!(share));
        }
        self.agent.body(kind).with("agent_version", self.to).with("agent", agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_every_part_and_on_no_order() {
        let parts = |text: &str| version_digest(&serde_json::from_str(text).unwrap());
        let one = parts(r#"{"model_name":"m","prompt_digest":"p"}"#).unwrap();
        assert_eq!(one, parts(r#"{"prompt_digest":"p","model_name":"m"}"#).unwrap());
        assert_ne!(one, parts(r#"{"prompt_digest":"p","model_name":"n"}"#).unwrap());
        assert_ne!(one, parts(r#"{"prompt_digest":"p"}"#).unwrap());
        assert_eq!(parts("{}"), None);
        assert!(one.starts_with("sha256:") && one.len() == 71, "{one}");
    }
}
