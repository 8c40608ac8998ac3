//! Names of kinds.
// Generated from schemas/events by `make bless`; do not edit.

/// Sealed records were read: a query, an export or a proof.
pub const ACCESS_ARCHIVE_READ: &str = "access.archive.read";
/// A credential was created; its secret is never recorded.
pub const ACCESS_CREDENTIAL_CREATED: &str = "access.credential.created";
/// A credential was revoked.
pub const ACCESS_CREDENTIAL_REVOKED: &str = "access.credential.revoked";
/// A credential was replaced.
pub const ACCESS_CREDENTIAL_ROTATED: &str = "access.credential.rotated";
/// A request was refused for want of a right.
pub const ACCESS_DENIED: &str = "access.denied";
/// A right was granted.
pub const ACCESS_GRANTED: &str = "access.granted";
/// A right was reviewed.
pub const ACCESS_REVIEWED: &str = "access.reviewed";
/// A right was withdrawn.
pub const ACCESS_REVOKED: &str = "access.revoked";
/// An agent entered the inventory.
pub const AGENT_REGISTERED: &str = "agent.registered";
/// An agent was taken out of service.
pub const AGENT_RETIRED: &str = "agent.retired";
/// The entry of an agent in the inventory changed.
pub const AGENT_UPDATED: &str = "agent.updated";
/// A version was built; its digest covers prompt, model, parameters, tools, corpora and policy.
pub const AGENT_VERSION_CREATED: &str = "agent.version.created";
/// A version was deployed.
pub const AGENT_VERSION_DEPLOYED: &str = "agent.version.deployed";
/// A deployment was undone.
pub const AGENT_VERSION_ROLLED_BACK: &str = "agent.version.rolled_back";
/// The action was executed under the decision.
pub const APPROVAL_CONSUMED: &str = "approval.consumed";
/// The decision.
pub const APPROVAL_DECIDED: &str = "approval.decided";
/// An agent asks for a decision before it acts.
pub const APPROVAL_REQUESTED: &str = "approval.requested";
/// An audit session took place.
pub const ATTESTATION_AUDIT_SESSION: &str = "attestation.audit_session";
/// A person stated something under their identity.
pub const ATTESTATION_MADE: &str = "attestation.made";
/// Management reviewed the system.
pub const ATTESTATION_MANAGEMENT_REVIEW: &str = "attestation.management_review";
/// A statement was withdrawn.
pub const ATTESTATION_WITHDRAWN: &str = "attestation.withdrawn";
/// The change was approved.
pub const CHANGE_APPROVED: &str = "change.approved";
/// The change was made before it was approved.
pub const CHANGE_EMERGENCY: &str = "change.emergency";
/// The change was made.
pub const CHANGE_IMPLEMENTED: &str = "change.implemented";
/// The change was rejected.
pub const CHANGE_REJECTED: &str = "change.rejected";
/// A change was asked for.
pub const CHANGE_REQUESTED: &str = "change.requested";
/// An emergency change was reviewed afterwards.
pub const CHANGE_REVIEWED: &str = "change.reviewed";
/// A risk decision was linked to the change.
pub const CHANGE_RISK_LINKED: &str = "change.risk_linked";
/// The offset of a producer's clock was measured.
pub const CLOCK_SYNC: &str = "clock.sync";
/// A setting changed.
pub const CONFIG_CHANGED: &str = "config.changed";
/// An exception ended.
pub const CONTROL_EXCEPTION_CLOSED: &str = "control.exception.closed";
/// An exception from a control was accepted.
pub const CONTROL_EXCEPTION_RECORDED: &str = "control.exception.recorded";
/// A mapping of controls to tests was published.
pub const CONTROL_MAPPING_PUBLISHED: &str = "control.mapping.published";
/// A control test ran.
pub const CONTROL_TEST_COMPLETED: &str = "control.test.completed";
/// A document entered a corpus.
pub const CORPUS_DOCUMENT_ADDED: &str = "corpus.document.added";
/// A document left a corpus.
pub const CORPUS_DOCUMENT_REMOVED: &str = "corpus.document.removed";
/// The quality of a corpus was checked.
pub const CORPUS_QUALITY_CHECKED: &str = "corpus.quality.checked";
/// A corpus entered the inventory.
pub const CORPUS_REGISTERED: &str = "corpus.registered";
/// A corpus was taken out of use.
pub const CORPUS_RETIRED: &str = "corpus.retired";
/// A version of a corpus was built.
pub const CORPUS_VERSION_CREATED: &str = "corpus.version.created";
/// Data of a watched class was found.
pub const DATA_DETECTED: &str = "data.detected";
/// Data may have left its boundary.
pub const DATA_LEAK_SUSPECTED: &str = "data.leak.suspected";
/// Data was masked before it was recorded.
pub const DATA_MASKED: &str = "data.masked";
/// A person acknowledged an alert.
pub const DRIFT_ALERT_ACKNOWLEDGED: &str = "drift.alert.acknowledged";
/// A person dismissed an alert, with a reason.
pub const DRIFT_ALERT_DISMISSED: &str = "drift.alert.dismissed";
/// An alert fired.
pub const DRIFT_ALERT_FIRING: &str = "drift.alert.firing";
/// Evidence is growing; nobody is notified.
pub const DRIFT_ALERT_PENDING: &str = "drift.alert.pending";
/// An alert ended.
pub const DRIFT_ALERT_RESOLVED: &str = "drift.alert.resolved";
/// A person pins the baseline of an agent's metrics.
pub const DRIFT_BASELINE_PINNED: &str = "drift.baseline.pinned";
/// A request about baselines could not be followed.
pub const DRIFT_BASELINE_REFUSED: &str = "drift.baseline.refused";
/// A stream has a new baseline.
pub const DRIFT_BASELINE_SET: &str = "drift.baseline.set";
/// A person releases a pinned baseline.
pub const DRIFT_BASELINE_UNPINNED: &str = "drift.baseline.unpinned";
/// The comparison of a canary ended.
pub const DRIFT_CANARY_ENDED: &str = "drift.canary.ended";
/// A canary is compared with the current version.
pub const DRIFT_CANARY_STARTED: &str = "drift.canary.started";
/// A suppression is in force.
pub const DRIFT_SUPPRESSION_APPLIED: &str = "drift.suppression.applied";
/// A suppression is no longer in force.
pub const DRIFT_SUPPRESSION_CLOSED: &str = "drift.suppression.closed";
/// A person ends a suppression early.
pub const DRIFT_SUPPRESSION_ENDED: &str = "drift.suppression.ended";
/// A suppression could not be followed.
pub const DRIFT_SUPPRESSION_REFUSED: &str = "drift.suppression.refused";
/// A person mutes matching alerts until a deadline.
pub const DRIFT_SUPPRESSION_STARTED: &str = "drift.suppression.started";
/// A version or digest ran that no event announced.
pub const DRIFT_VERSION_UNPLANNED: &str = "drift.version.unplanned";
/// Values and salts were destroyed; proofs stay valid.
pub const ERASURE_COMPLETED: &str = "erasure.completed";
/// A request was refused, for example under a legal hold.
pub const ERASURE_REFUSED: &str = "erasure.refused";
/// A data subject or an officer asks for erasure.
pub const ERASURE_REQUESTED: &str = "erasure.requested";
/// A version of an evaluation data set was published.
pub const EVAL_DATASET_PUBLISHED: &str = "eval.dataset.published";
/// One evaluation of one run or item.
pub const EVAL_RESULT: &str = "eval.result";
/// A suite judged a version.
pub const EVAL_SUITE_COMPLETED: &str = "eval.suite.completed";
/// A version of a suite is in force.
pub const EVAL_SUITE_PUBLISHED: &str = "eval.suite.published";
/// Numbers of a source are missing.
pub const GAP_DETECTED: &str = "gap.detected";
/// The cause of a gap is known.
pub const GAP_EXPLAINED: &str = "gap.explained";
/// Records of the governance topic were not acts of the gateway; they had no effect.
pub const GOVERNANCE_FORGED: &str = "governance.forged";
/// A legal hold was placed.
pub const HOLD_PLACED: &str = "hold.placed";
/// A legal hold was released.
pub const HOLD_RELEASED: &str = "hold.released";
/// It was closed.
pub const INCIDENT_CLOSED: &str = "incident.closed";
/// Its effect was stopped.
pub const INCIDENT_CONTAINED: &str = "incident.contained";
/// An authority or customer was notified.
pub const INCIDENT_NOTIFIED: &str = "incident.notified";
/// An incident was opened.
pub const INCIDENT_OPENED: &str = "incident.opened";
/// Lessons were drawn from it.
pub const INCIDENT_REVIEWED: &str = "incident.reviewed";
/// Its severity was decided.
pub const INCIDENT_TRIAGED: &str = "incident.triaged";
/// Something new is known.
pub const INCIDENT_UPDATED: &str = "incident.updated";
/// A key may be known to others.
pub const KEY_COMPROMISED: &str = "key.compromised";
/// A key was created.
pub const KEY_CREATED: &str = "key.created";
/// A key is no longer used.
pub const KEY_RETIRED: &str = "key.retired";
/// A key was replaced by another.
pub const KEY_ROTATED: &str = "key.rotated";
/// A maintenance window is in force.
pub const MAINTENANCE_APPLIED: &str = "maintenance.applied";
/// A person ends a maintenance window early.
pub const MAINTENANCE_ENDED: &str = "maintenance.ended";
/// A maintenance window could not be followed.
pub const MAINTENANCE_REFUSED: &str = "maintenance.refused";
/// A person excludes a time range from drift detection.
pub const MAINTENANCE_STARTED: &str = "maintenance.started";
/// A memory record was created, updated or deleted.
pub const MEMORY_CHANGED: &str = "memory.changed";
/// Memory was read.
pub const MEMORY_READ: &str = "memory.read";
/// A window closed.
pub const METRIC_WINDOW: &str = "metric.window";
/// A model was called.
pub const MODEL_INVOKED: &str = "model.invoked";
/// Acts of the governance topic are in force from this offset on.
pub const MONITOR_ADMITTED: &str = "monitor.admitted";
/// The path from the log through the processor works.
pub const MONITOR_ALIVE: &str = "monitor.alive";
/// Settings are in force from this offset on.
pub const MONITOR_CONFIGURED: &str = "monitor.configured";
/// Heartbeats of a partition stopped.
pub const MONITOR_DEAD: &str = "monitor.dead";
/// Records of a partition claimed to be the monitor's and were not its current owner's; they had no effect.
pub const MONITOR_FORGED: &str = "monitor.forged";
/// Ticks were missing for a time.
pub const MONITOR_GAP: &str = "monitor.gap";
/// Heartbeats of a partition are back.
pub const MONITOR_RECOVERED: &str = "monitor.recovered";
/// Whether the partition waits for schemas of other writers, and those that were found: README.md, "Schemas of other writers".
pub const MONITOR_SCHEMAS: &str = "monitor.schemas";
/// An owner took over a partition, or the computation began without a state.
pub const MONITOR_STARTED: &str = "monitor.started";
/// Broker time passed.
pub const MONITOR_TICK: &str = "monitor.tick";
/// A receiver accepted it.
pub const NOTIFICATION_DELIVERED: &str = "notification.delivered";
/// A receiver could not be told.
pub const NOTIFICATION_FAILED: &str = "notification.failed";
/// A suppression kept it from a receiver.
pub const NOTIFICATION_SUPPRESSED: &str = "notification.suppressed";
/// A drill of an intervention was held.
pub const OVERSIGHT_DRILL_COMPLETED: &str = "oversight.drill.completed";
/// The intervention took effect.
pub const OVERSIGHT_INTERVENTION_CONFIRMED: &str = "oversight.intervention.confirmed";
/// A person asks to stop, pause or take over.
pub const OVERSIGHT_INTERVENTION_REQUESTED: &str = "oversight.intervention.requested";
/// A person judged a sampled run.
pub const OVERSIGHT_REVIEW_COMPLETED: &str = "oversight.review.completed";
/// A person may no longer review or approve.
pub const OVERSIGHT_REVIEWER_DISQUALIFIED: &str = "oversight.reviewer.disqualified";
/// A person may review or approve.
pub const OVERSIGHT_REVIEWER_QUALIFIED: &str = "oversight.reviewer.qualified";
/// A pack was exported.
pub const PACK_EXPORTED: &str = "pack.exported";
/// A restore of the archive was tested.
pub const PACK_RESTORE_TESTED: &str = "pack.restore.tested";
/// A pack was verified.
pub const PACK_VERIFIED: &str = "pack.verified";
/// A person acknowledged a policy version.
pub const POLICY_ACKNOWLEDGED: &str = "policy.acknowledged";
/// A rule decided about an action.
pub const POLICY_DECISION: &str = "policy.decision";
/// A policy version was published.
pub const POLICY_VERSION_PUBLISHED: &str = "policy.version.published";
/// A policy version is no longer in force.
pub const POLICY_VERSION_RETIRED: &str = "policy.version.retired";
/// A record did not decode.
pub const QUARANTINE_ADDED: &str = "quarantine.added";
/// Segments were deleted under a policy.
pub const RETENTION_APPLIED: &str = "retention.applied";
/// A retention policy is in force.
pub const RETENTION_POLICY_SET: &str = "retention.policy.set";
/// Documents were retrieved.
pub const RETRIEVAL_PERFORMED: &str = "retrieval.performed";
/// The owner accepted the residual risk.
pub const RISK_ACCEPTED: &str = "risk.accepted";
/// A risk was assessed.
pub const RISK_ASSESSED: &str = "risk.assessed";
/// A risk no longer applies.
pub const RISK_CLOSED: &str = "risk.closed";
/// The treatment of a risk was decided.
pub const RISK_DECIDED: &str = "risk.decided";
/// A run ended.
pub const RUN_COMPLETED: &str = "run.completed";
/// A run began.
pub const RUN_STARTED: &str = "run.started";
/// A witness or time-stamping authority confirmed a checkpoint.
pub const SEGMENT_CHECKPOINT_ANCHORED: &str = "segment.checkpoint.anchored";
/// A checkpoint of the log was signed.
pub const SEGMENT_CHECKPOINT_SIGNED: &str = "segment.checkpoint.signed";
/// Segments were rewritten as one.
pub const SEGMENT_COMPACTED: &str = "segment.compacted";
/// A segment was sealed.
pub const SEGMENT_SEALED: &str = "segment.sealed";
/// A producer is alive; source.epoch and source.seq say how far it is.
pub const SOURCE_HEARTBEAT: &str = "source.heartbeat";
/// A producer is known.
pub const SOURCE_REGISTERED: &str = "source.registered";
/// A producer has not been heard for longer than it promised.
pub const SOURCE_SILENT: &str = "source.silent";
/// A supplier changed its service or terms.
pub const SUPPLIER_CHANGED: &str = "supplier.changed";
/// A supplier entered the inventory.
pub const SUPPLIER_REGISTERED: &str = "supplier.registered";
/// A supplier is no longer used.
pub const SUPPLIER_RETIRED: &str = "supplier.retired";
/// A supplier was reviewed.
pub const SUPPLIER_REVIEWED: &str = "supplier.reviewed";
/// A line or event was written to a log.
pub const TELEMETRY_LOG_WRITTEN: &str = "telemetry.log.written";
/// A piece of work ended: a step of a run, or of a program around it.
pub const TELEMETRY_SPAN_ENDED: &str = "telemetry.span.ended";
/// A tool call was blocked.
pub const TOOL_BLOCKED: &str = "tool.blocked";
/// A tool is about to be called.
pub const TOOL_CALLED: &str = "tool.called";
/// A tool call ended.
pub const TOOL_COMPLETED: &str = "tool.completed";
