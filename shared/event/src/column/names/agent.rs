//! An agent and its versions.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Float, Map, Text, Texts, TypedColumn, column};

/// Role that approves its high-risk actions.
pub const APPROVER_ROLE: TypedColumn<Text> = column("agent.approver_role");
/// Who built the version.
pub const AUTHOR: TypedColumn<Text> = column("agent.author");
/// Commit of the agent's code.
pub const CODE_COMMIT: TypedColumn<Text> = column("agent.code_commit");
/// Digests of the corpora.
pub const CORPUS_DIGESTS: TypedColumn<Texts> = column("agent.corpus_digests");
/// Categories of data handled.
pub const DATA_CATEGORIES: TypedColumn<Texts> = column("agent.data_categories");
/// Corpora the agent may read.
pub const DECLARED_CORPORA: TypedColumn<Texts> = column("agent.declared_corpora");
/// Destinations the agent may send to.
pub const DECLARED_DESTINATIONS: TypedColumn<Texts> = column("agent.declared_destinations");
/// Tools the agent may use.
pub const DECLARED_TOOLS: TypedColumn<Texts> = column("agent.declared_tools");
/// Who deployed it.
pub const DEPLOYER: TypedColumn<Text> = column("agent.deployer");
/// Short description.
pub const DESCRIPTION: TypedColumn<Text> = column("agent.description");
/// Reference of the data protection impact assessment.
pub const DPIA_REF: TypedColumn<Text> = column("agent.dpia_ref");
/// Version digest before a deployment.
pub const FROM_DIGEST: TypedColumn<Text> = column("agent.from_digest");
/// Agent version before a deployment.
pub const FROM_VERSION: TypedColumn<Text> = column("agent.from_version");
/// Guardrails in force.
pub const GUARDRAILS: TypedColumn<Texts> = column("agent.guardrails");
/// Whether the agent is in the scope of the information security management system.
pub const IN_ISMS_SCOPE: TypedColumn<Bool> = column("agent.in_isms_scope");
/// Intended use and users.
pub const INTENDED_USE: TypedColumn<Text> = column("agent.intended_use");
/// Fingerprint that the provider reports for the model.
pub const MODEL_FINGERPRINT: TypedColumn<Text> = column("agent.model_fingerprint");
/// Requested model.
pub const MODEL_NAME: TypedColumn<Text> = column("agent.model_name");
/// Provider of the model.
pub const MODEL_PROVIDER: TypedColumn<Text> = column("agent.model_provider");
/// Display name.
pub const NAME: TypedColumn<Text> = column("agent.name");
/// Accountable owner.
pub const OWNER: TypedColumn<Text> = column("agent.owner");
/// Model parameters.
pub const PARAMETERS: TypedColumn<Map> = column("agent.parameters");
/// Version of the policy in force.
pub const POLICY_VERSION: TypedColumn<Text> = column("agent.policy_version");
/// Digest of the prompt.
pub const PROMPT_DIGEST: TypedColumn<Text> = column("agent.prompt_digest");
/// Name of the prompt.
pub const PROMPT_NAME: TypedColumn<Text> = column("agent.prompt_name");
/// What the agent is for.
pub const PURPOSE: TypedColumn<Text> = column("agent.purpose");
/// Why it was deployed, rolled back or retired.
pub const REASON: TypedColumn<Text> = column("agent.reason");
/// Risk tier: unacceptable, high, limited, minimal.
pub const RISK_TIER: TypedColumn<Text> = column("agent.risk_tier");
/// Digest of the software bill of materials.
pub const SBOM_DIGEST: TypedColumn<Text> = column("agent.sbom_digest");
/// Business sponsor.
pub const SPONSOR: TypedColumn<Text> = column("agent.sponsor");
/// Digest of the system instructions.
pub const SYSTEM_INSTRUCTIONS_DIGEST: TypedColumn<Text> = column("agent.system_instructions_digest");
/// Version digest after a deployment.
pub const TO_DIGEST: TypedColumn<Text> = column("agent.to_digest");
/// Agent version after a deployment.
pub const TO_VERSION: TypedColumn<Text> = column("agent.to_version");
/// Tool name to the digest of its schema.
pub const TOOL_DIGESTS: TypedColumn<Map> = column("agent.tool_digests");
/// Digest of the tool definitions.
pub const TOOLS_DIGEST: TypedColumn<Text> = column("agent.tools_digest");
/// Share of traffic the deployment receives.
pub const TRAFFIC_SHARE: TypedColumn<Float> = column("agent.traffic_share");
