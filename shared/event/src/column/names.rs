//! Columns of the envelope, and a module for each group of fields.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Int, Map, Text, Texts, Time, TypedColumn, column};

pub mod access;
pub mod actor;
pub mod agent;
pub mod approval;
pub mod attestation;
pub mod change;
pub mod config;
pub mod control;
pub mod corpus;
pub mod data;
pub mod drift;
pub mod erasure;
pub mod eval;
pub mod governance;
pub mod hold;
pub mod incident;
pub mod key;
pub mod links;
pub mod maintenance;
pub mod memory;
pub mod metric;
pub mod model;
pub mod monitor;
pub mod notification;
pub mod origin;
pub mod oversight;
pub mod pack;
pub mod policy;
pub mod producer;
pub mod quarantine;
pub mod retention;
pub mod retrieval;
pub mod risk;
pub mod run;
pub mod segment;
pub mod source;
pub mod supplier;
pub mod telemetry;
pub mod tool;

/// Paths of all columns, in ascending byte order; a column's number is its place here.
pub(crate) const PATHS: &[&str] = &[
    "access.approver", "access.credential_id", "access.credential_type", "access.decision",
    "access.expires_at", "access.id", "access.principal", "access.principal_type", "access.purpose",
    "access.query_digest", "access.reason", "access.resource", "access.reviewer", "access.right",
    "access.role", "access.rows", "access.scope", "access.segments",
    "actor.authn", "actor.credential", "actor.evidence_level", "actor.id", "actor.type",
    "agent.approver_role", "agent.author", "agent.code_commit", "agent.corpus_digests",
    "agent.data_categories", "agent.declared_corpora", "agent.declared_destinations",
    "agent.declared_tools", "agent.deployer", "agent.description", "agent.dpia_ref",
    "agent.from_digest", "agent.from_version", "agent.guardrails", "agent.in_isms_scope",
    "agent.intended_use", "agent.model_fingerprint", "agent.model_name", "agent.model_provider",
    "agent.name", "agent.owner", "agent.parameters", "agent.policy_version", "agent.prompt_digest",
    "agent.prompt_name", "agent.purpose", "agent.reason", "agent.risk_tier", "agent.sbom_digest",
    "agent.sponsor", "agent.system_instructions_digest", "agent.to_digest", "agent.to_version",
    "agent.tool_digests", "agent.tools_digest", "agent.traffic_share",
    "agent_id", "agent_version",
    "approval.action_digest", "approval.approver_authn", "approval.approver_id",
    "approval.authority", "approval.context_digest", "approval.decided_at",
    "approval.eligible_approvers", "approval.escalated_to", "approval.expires_at",
    "approval.final_action_digest", "approval.id", "approval.justification", "approval.matched",
    "approval.nonce", "approval.operation", "approval.original_action_digest", "approval.outcome",
    "approval.risk_tier", "approval.target", "approval.time_to_decision_ms",
    "approval.tool_call_id", "approval.training_ref",
    "attestation.auditor", "attestation.controls", "attestation.document_digest",
    "attestation.expires_at", "attestation.framework", "attestation.id", "attestation.period_end",
    "attestation.period_start", "attestation.role", "attestation.signer", "attestation.statement",
    "attestation.type",
    "attributes",
    "change.approver", "change.author", "change.emergency_reason", "change.eval_run",
    "change.from_digest", "change.from_version", "change.id", "change.reason", "change.review_due",
    "change.risk", "change.rollback_plan", "change.ticket", "change.title", "change.to_digest",
    "change.to_version", "change.type",
    "config.change_id", "config.component", "config.key", "config.new_digest", "config.old_digest",
    "config.reason",
    "control.claim", "control.compensating", "control.control_id", "control.detail",
    "control.duration_ms", "control.exception_id", "control.exception_ids", "control.exceptions",
    "control.expires_at", "control.framework", "control.log_root", "control.log_size",
    "control.mapping_digest", "control.owner", "control.parameters", "control.period_end",
    "control.period_start", "control.population", "control.population_root", "control.result",
    "control.test_digest", "control.test_id",
    "conversation_id",
    "corpus.change_id", "corpus.data_class", "corpus.digest", "corpus.document_digest",
    "corpus.document_id", "corpus.documents", "corpus.from_digest", "corpus.id", "corpus.licence",
    "corpus.owner", "corpus.pii_findings", "corpus.pii_scan", "corpus.quality_score",
    "corpus.retention_days", "corpus.source",
    "data.class", "data.count", "data.destination", "data.method", "data.paths", "data.rule",
    "data.rule_version",
    "data_class",
    "drift.alert_id", "drift.baseline_count", "drift.baseline_kind", "drift.baseline_value",
    "drift.baseline_version", "drift.bound", "drift.category", "drift.category_after",
    "drift.category_before", "drift.detector", "drift.direction", "drift.e_value", "drift.effect",
    "drift.effect_high", "drift.effect_low", "drift.effect_unit", "drift.example_runs",
    "drift.from", "drift.jensen_shannon", "drift.kolmogorov_smirnov", "drift.last_change",
    "drift.last_change_id", "drift.metric", "drift.observations", "drift.observed", "drift.outcome",
    "drift.pairs", "drift.psi", "drift.reason", "drift.runbook_url", "drift.severity",
    "drift.since_observations", "drift.since_offset", "drift.since_time", "drift.suite",
    "drift.suppressed_by", "drift.suppression_id", "drift.threshold", "drift.traffic_share",
    "drift.until", "drift.wasserstein",
    "environment",
    "erasure.basis", "erasure.certificate_digest", "erasure.columns", "erasure.due_at",
    "erasure.id", "erasure.log_entry", "erasure.reason", "erasure.salts_destroyed",
    "erasure.segments", "erasure.subject_ref", "erasure.values",
    "eval.cases", "eval.category", "eval.confidence", "eval.contains_pii", "eval.dataset",
    "eval.dataset_digest", "eval.document", "eval.evaluator_digest", "eval.evaluator_id",
    "eval.evaluator_type", "eval.explanation", "eval.gate", "eval.high", "eval.item", "eval.label",
    "eval.lineage", "eval.low", "eval.mode", "eval.name", "eval.not_applicable",
    "eval.pass_rate_min", "eval.passed", "eval.passes", "eval.score", "eval.suite",
    "eval.suite_digest", "eval.threshold", "eval.trials",
    "event_id", "event_time",
    "governance.nonce", "governance.signature", "governance.signed_by",
    "hold.agents", "hold.case_id", "hold.custodian", "hold.id", "hold.period_end",
    "hold.period_start", "hold.reason",
    "incident.actions", "incident.agents", "incident.alert_id", "incident.authority",
    "incident.awareness_at", "incident.contained_at", "incident.deadline", "incident.id",
    "incident.linked_change", "incident.notified_at", "incident.occurred_at", "incident.owner",
    "incident.root_cause", "incident.runs", "incident.severity", "incident.source",
    "incident.summary", "incident.title", "incident.versions",
    "key.algorithm", "key.custody", "key.id", "key.name", "key.public_key", "key.purpose",
    "key.reason", "key.successor", "key.valid_from", "key.valid_until",
    "kind",
    "links.approval", "links.causation", "links.change", "links.incident", "links.policy_version",
    "links.risk", "links.suite",
    "maintenance.from", "maintenance.id", "maintenance.reason", "maintenance.until",
    "memory.content", "memory.digest", "memory.duration_ms", "memory.from_digest",
    "memory.operation", "memory.record_id", "memory.records", "memory.source_run",
    "memory.store_id",
    "metric.categories", "metric.count", "metric.high", "metric.low", "metric.maintenance",
    "metric.name", "metric.p50", "metric.p90", "metric.p95", "metric.p99", "metric.revision",
    "metric.suite", "metric.sum", "metric.unit", "metric.value", "metric.window_end",
    "metric.window_start",
    "model.cached_tokens", "model.cost_usd", "model.duration_ms", "model.error_type",
    "model.fingerprint", "model.finish_reasons", "model.input", "model.input_tokens",
    "model.max_tokens", "model.output", "model.output_chars", "model.output_tokens",
    "model.provider", "model.reasoning_tokens", "model.request_model", "model.response_id",
    "model.response_model", "model.retries", "model.seed", "model.status", "model.temperature",
    "model.time_to_first_token_ms",
    "monitor.acts", "monitor.admitted_from", "monitor.admitted_next", "monitor.admitted_of",
    "monitor.alerts_next", "monitor.code_digest", "monitor.detectors", "monitor.epoch",
    "monitor.first_offset", "monitor.forged", "monitor.forged_at", "monitor.forged_reasons",
    "monitor.governance", "monitor.history", "monitor.id", "monitor.idle", "monitor.lag",
    "monitor.lag_secs", "monitor.metrics", "monitor.metrics_next", "monitor.next_offset",
    "monitor.owner", "monitor.partition", "monitor.read_until", "monitor.schemas",
    "monitor.schemas_missing", "monitor.schemas_on", "monitor.schemas_through", "monitor.semantics",
    "monitor.sequence", "monitor.settings", "monitor.signature", "monitor.signed_by",
    "monitor.since_time", "monitor.until_time", "monitor.watermark",
    "notification.alert_id", "notification.attempts", "notification.detail", "notification.reason",
    "notification.request_digest", "notification.sink", "notification.status_code",
    "notification.step", "notification.suppressed_by",
    "on_behalf_of",
    "origin.offset", "origin.ordinal", "origin.partition", "origin.semantics", "origin.topic",
    "oversight.after", "oversight.before", "oversight.course_digest",
    "oversight.effect_confirmed_at", "oversight.id", "oversight.reason", "oversight.requested_at",
    "oversight.result", "oversight.reviewer", "oversight.sample_seed", "oversight.scenario",
    "oversight.seconds_spent", "oversight.target", "oversight.target_type",
    "oversight.time_to_effect_ms", "oversight.type", "oversight.valid_until", "oversight.verdict",
    "pack.agents", "pack.controls", "pack.digest", "pack.duration_ms", "pack.events",
    "pack.framework", "pack.log_root", "pack.log_size", "pack.period_end", "pack.period_start",
    "pack.recipient", "pack.size_bytes", "pack.verdict", "pack.verifier", "pack.withheld",
    "parent_span_id",
    "policy.approver", "policy.author", "policy.digest", "policy.duration_ms",
    "policy.effective_from", "policy.engine_digest", "policy.id", "policy.inputs_digest",
    "policy.outcome", "policy.person", "policy.reason", "policy.review_due", "policy.risk_tier",
    "policy.rule_id", "policy.rules_changed", "policy.title", "policy.tool_call_id",
    "policy.version",
    "producer.auth_method", "producer.cause", "producer.duplicates", "producer.expected_kinds",
    "producer.first_seq", "producer.gap_epoch", "producer.heartbeat_interval_ms",
    "producer.last_seq", "producer.missing", "producer.name", "producer.skew_ms",
    "quarantine.detail", "quarantine.encoding", "quarantine.headers", "quarantine.key",
    "quarantine.pointer", "quarantine.reason", "quarantine.value",
    "received_at",
    "retention.agents", "retention.before", "retention.days_max", "retention.days_min",
    "retention.events", "retention.families", "retention.policy_id", "retention.reason",
    "retention.segments", "retention.skipped_holds",
    "retrieval.access_labels", "retrieval.corpus_digest", "retrieval.corpus_id",
    "retrieval.document_digests", "retrieval.document_ids", "retrieval.documents",
    "retrieval.duration_ms", "retrieval.error_type", "retrieval.query", "retrieval.query_digest",
    "retrieval.scores", "retrieval.status", "retrieval.top_k",
    "risk.acceptance_expires_at", "risk.asset", "risk.change_id", "risk.controls",
    "risk.criteria_version", "risk.id", "risk.impact", "risk.justification", "risk.likelihood",
    "risk.owner", "risk.residual_score", "risk.review_due", "risk.scenario", "risk.score",
    "risk.title", "risk.treatment",
    "run.cost_usd", "run.duration_ms", "run.error_type", "run.handed_over_to", "run.initiator",
    "run.input", "run.input_digest", "run.input_tokens", "run.output", "run.output_chars",
    "run.output_digest", "run.output_tokens", "run.refused", "run.status", "run.steps",
    "run.tools_called", "run.trigger",
    "run_id", "schema_version",
    "segment.anchor", "segment.anchor_name", "segment.anchor_token_digest", "segment.first_offset",
    "segment.log_root", "segment.log_size", "segment.next_offset", "segment.partition",
    "segment.path", "segment.records", "segment.replaces", "segment.root", "segment.size_bytes",
    "segment.topic",
    "source.epoch", "source.id", "source.seq",
    "span_id", "subject_refs",
    "supplier.certifications", "supplier.exit_plan", "supplier.id", "supplier.model",
    "supplier.name", "supplier.rating", "supplier.region", "supplier.review_due",
    "supplier.reviewer", "supplier.service", "supplier.subprocessors", "supplier.terms_digest",
    "telemetry.body", "telemetry.duration_ms", "telemetry.error_type", "telemetry.name",
    "telemetry.severity", "telemetry.status", "telemetry.type",
    "tenant_id",
    "tool.action_digest", "tool.approval_id", "tool.arguments", "tool.arguments_digest",
    "tool.call_id", "tool.destination", "tool.duration_ms", "tool.error_type", "tool.name",
    "tool.policy_decision", "tool.privileged", "tool.result", "tool.result_digest", "tool.retries",
    "tool.schema_digest", "tool.server", "tool.server_digest", "tool.side_effect", "tool.status",
    "tool.type",
    "version_digest", "version_rule",
];

/// The agent; also the Kafka key.
pub const AGENT_ID: TypedColumn<Text> = column("agent_id");
/// Version of the agent as its producer names it; metrics are grouped by it.
pub const AGENT_VERSION: TypedColumn<Text> = column("agent_version");
/// Everything the sender wrote for which there is no field: dotted path to text, JSON where it was not text.
pub const ATTRIBUTES: TypedColumn<Map> = column("attributes");
/// Conversation the run belongs to.
pub const CONVERSATION_ID: TypedColumn<Text> = column("conversation_id");
/// Classification of the data handled.
pub const DATA_CLASS: TypedColumn<Text> = column("data_class");
/// Deployment environment, for example production.
pub const ENVIRONMENT: TypedColumn<Text> = column("environment");
/// Identifier of the event: UUIDv7 from producers, derived from the position or origin otherwise.
pub const EVENT_ID: TypedColumn<Text> = column("event_id");
/// When it happened, by the producer's clock; the broker's timestamp where the producer gave none.
pub const EVENT_TIME: TypedColumn<Time> = column("event_time");
/// What happened, as family.verb; the families list their kinds.
pub const KIND: TypedColumn<Text> = column("kind");
/// Delegation chain, nearest principal first.
pub const ON_BEHALF_OF: TypedColumn<Texts> = column("on_behalf_of");
/// Parent of the span.
pub const PARENT_SPAN_ID: TypedColumn<Text> = column("parent_span_id");
/// When the collector received it.
pub const RECEIVED_AT: TypedColumn<Time> = column("received_at");
/// One run of the agent (trace id).
pub const RUN_ID: TypedColumn<Text> = column("run_id");
/// Minor version of this schema that the writer knew.
pub const SCHEMA_VERSION: TypedColumn<Int> = column("schema_version");
/// Span inside the run.
pub const SPAN_ID: TypedColumn<Text> = column("span_id");
/// Pseudonymous handles of the data subjects the event concerns.
pub const SUBJECT_REFS: TypedColumn<Texts> = column("subject_refs");
/// Tenant the agent belongs to.
pub const TENANT_ID: TypedColumn<Text> = column("tenant_id");
/// Digest over prompt, model, parameters, tools, corpora and policy of the version.
pub const VERSION_DIGEST: TypedColumn<Text> = column("version_digest");
/// Which rule resolved agent_version, for example producer or mapping.
pub const VERSION_RULE: TypedColumn<Text> = column("version_rule");
