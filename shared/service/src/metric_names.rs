//! All metrics: name, type, unit and help text. No other code spells out a name.
//!
//! Names are `driftseal_<role>_<noun>_<unit>` with `_total` for counters, in base units, as
//! `promtool check metrics` wants them. Labels are bounded: partitions, reasons, kinds, states.

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only increases.
    Counter,
    /// Increases and decreases.
    Gauge,
    /// Counts observations in buckets.
    Histogram {
        /// Upper bounds of the buckets, ascending.
        buckets: &'static [f64],
    },
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Unit of the value.
    pub unit: &'static str,
    /// Labels, all bounded.
    pub labels: &'static [&'static str],
    /// Help text.
    pub help: &'static str,
}

/// Buckets of durations, seconds.
const DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

macro_rules! metrics_table {
    ($($constant:ident = $name:literal, $kind:expr, $unit:literal, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*
        /// All metrics, in the order of the table.
        pub const ALL: &[Metric] = &[
            $(Metric { name: $name, kind: $kind, unit: $unit, labels: &[$($label),*], help: $help },)*
        ];
    };
}

metrics_table! {
    BUILD_INFO = "driftseal_build_info", Kind::Gauge, "1", ["version", "role"],
        "Always 1; labels are the version and the role.";
    ROLE_READY = "driftseal_role_ready", Kind::Gauge, "1", ["role"],
        "1 while the role does its work, 0 while it does not; /readyz says why not.";
    GROUP_PARTITIONS_UNOWNED = "driftseal_group_partitions_unowned", Kind::Gauge, "partitions", ["group"],
        "Partitions of a consumer group that no member of it has had for half a minute.";
    TOPIC_SETTINGS_WRONG = "driftseal_topic_settings_wrong", Kind::Gauge, "settings", ["role", "topic"],
        "Settings of a topic that are not as the role needs them; the log and /readyz name them.";
    EVENTS_BUILD_FAILED = "driftseal_events_build_failed_total", Kind::Counter, "events", [],
        "Events of the role itself that did not fit the schema: a bug, which ends the role.";

    SCHEMA_WAIT_SECONDS = "driftseal_schema_wait_seconds", Kind::Gauge, "seconds", ["role", "topic", "partition"],
        "How long a record has waited for its schema, and a partition with it; 0 when none does.";
    LOG_BLOCKED_SECONDS = "driftseal_log_blocked_seconds", Kind::Gauge, "seconds", ["topic", "partition"],
        "How long reading of a partition has waited for a transaction of some application to end; 0 when it does not.";

    HTTP_CONNECTIONS_REFUSED = "driftseal_http_connections_refused_total", Kind::Counter, "connections", ["reason"],
        "Connections refused: the limit of connections, or of those of one client, was reached, or none could be accepted.";
    HTTP_REQUESTS_REFUSED = "driftseal_http_requests_refused_total", Kind::Counter, "requests", ["reason"],
        "Requests refused for their Host, Origin or content type: those of web pages, or a host name that is not configured.";

    ACCESS_FILE_BROKEN = "driftseal_access_file_broken", Kind::Gauge, "1", ["role"],
        "1 while the file of credentials cannot be read again: what was revoked since still works. `role` is that of the credentials.";

    GATEWAY_REQUESTS = "driftseal_gateway_requests_total", Kind::Counter, "requests", ["status"],
        "Requests that the gateway answered, by HTTP status.";
    GATEWAY_REQUESTS_REJECTED = "driftseal_gateway_requests_rejected_total", Kind::Counter, "requests", ["reason"],
        "Requests that the gateway rejected, by reason.";

    COLLECTOR_REQUESTS = "driftseal_collector_requests_total", Kind::Counter, "requests", ["status"],
        "Requests answered, by HTTP status.";
    COLLECTOR_REQUEST_DURATION = "driftseal_collector_request_duration_seconds",
        Kind::Histogram { buckets: DURATION_BUCKETS }, "seconds", [],
        "Time from the head of a request to its response.";
    COLLECTOR_BODY_BYTES = "driftseal_collector_body_bytes_total", Kind::Counter, "bytes", [],
        "Bytes of request bodies, before decompression.";
    COLLECTOR_EVENTS_RECEIVED = "driftseal_collector_events_received_total", Kind::Counter, "events", [],
        "Events in request bodies; equals published + rejected + in flight.";
    COLLECTOR_EVENTS_PUBLISHED = "driftseal_collector_events_published_total", Kind::Counter, "events", [],
        "Events that the log acknowledged.";
    COLLECTOR_EVENTS_REJECTED = "driftseal_collector_events_rejected_total", Kind::Counter, "events", ["reason"],
        "Events rejected, by reason; reported to the sender.";
    COLLECTOR_EVENTS_REMARKED = "driftseal_collector_events_remarked_total", Kind::Counter, "remarks", ["remark"],
        "Remarks on events that were accepted, by what is suspicious; reported to the sender.";
    COLLECTOR_REQUESTS_REJECTED = "driftseal_collector_requests_rejected_total", Kind::Counter, "requests", ["reason"],
        "Requests rejected as a whole, by reason (backpressure, body_too_large and others).";
    COLLECTOR_OTLP_ITEMS = "driftseal_collector_otlp_items_total", Kind::Counter, "items", ["signal"],
        "Spans, log records and metrics in OTLP requests, by signal; metrics are not kept.";
    COLLECTOR_ATTRIBUTES_UNMAPPED = "driftseal_collector_attributes_unmapped_total", Kind::Counter, "attributes", ["mapping"],
        "Attributes of OTLP that no field took, by mapping; they are kept in `attributes`.";
    COLLECTOR_IN_FLIGHT_EVENTS = "driftseal_collector_in_flight_events", Kind::Gauge, "events", [],
        "Events awaiting acknowledgement by the log.";
    COLLECTOR_IN_FLIGHT_BYTES = "driftseal_collector_in_flight_bytes", Kind::Gauge, "bytes", [],
        "Bytes of the bodies of unanswered requests.";

    PROCESSOR_RECORDS_READ = "driftseal_processor_records_read_total", Kind::Counter, "records", [],
        "Records read from the log.";
    PROCESSOR_RECORDS_QUARANTINED = "driftseal_processor_records_quarantined_total", Kind::Counter, "records", ["reason"],
        "Records that did not decode, by reason; they are sealed as quarantine.";
    PROCESSOR_EVENTS_REMARKED = "driftseal_processor_events_remarked_total", Kind::Counter, "remarks", ["remark"],
        "Remarks on records of agent.events, by what is suspicious; see driftseal check.";
    PROCESSOR_EVENTS_WITHOUT_EFFECT = "driftseal_processor_events_without_effect_total", Kind::Counter, "events", ["reason"],
        "Events or values that were left out of the computation, by reason (duplicate, unattributed, too_late and others).";
    PROCESSOR_EVENTS_LATE = "driftseal_processor_events_late_total", Kind::Counter, "events", [],
        "Events that arrived after their window was closed.";
    PROCESSOR_OUTPUTS_PUBLISHED = "driftseal_processor_outputs_published_total", Kind::Counter, "events", ["kind"],
        "Computed events that the log acknowledged, by kind.";
    PROCESSOR_OUTPUTS_SUPPRESSED = "driftseal_processor_outputs_suppressed_total", Kind::Counter, "events", [],
        "Computed events not published because the log already held them.";
    PROCESSOR_ALERTS = "driftseal_processor_alerts_total", Kind::Counter, "alerts", ["state"],
        "Alert events, by state (pending, firing, resolved).";
    PROCESSOR_RECORDS_FORGED = "driftseal_processor_records_forged_total", Kind::Counter, "records", ["reason"],
        "Records that claimed to be the owner's of a partition and were not, by reason.";
    PROCESSOR_ACTS_ADMITTED = "driftseal_processor_acts_admitted_total", Kind::Counter, "acts", [],
        "Acts that the owner of a partition put in force there; each counts in every partition.";
    PROCESSOR_ACTS_REFUSED = "driftseal_processor_acts_refused_total", Kind::Counter, "records", ["reason"],
        "Records of the governance topic that were no acts of this installation, or copies, by reason.";
    PROCESSOR_TICKS_PUBLISHED = "driftseal_processor_ticks_published_total", Kind::Counter, "events", [],
        "Ticks that the log acknowledged.";
    PROCESSOR_SNAPSHOTS = "driftseal_processor_snapshots_total", Kind::Counter, "snapshots", [],
        "Snapshots of state that the log acknowledged.";
    PROCESSOR_SERIES_ACTIVE = "driftseal_processor_series_active", Kind::Gauge, "series", [],
        "Agent versions held in memory.";
    PROCESSOR_SERIES_EVICTED = "driftseal_processor_series_evicted_total", Kind::Counter, "series", [],
        "Agent versions evicted because the limit was reached.";
    PROCESSOR_LAG_RECORDS = "driftseal_processor_lag_records", Kind::Gauge, "records", ["partition"],
        "Consumer lag of a partition, records.";
    PROCESSOR_SCHEMAS = "driftseal_processor_schemas_total", Kind::Counter, "schemas", ["outcome"],
        "Schemas of other writers that were asked for: found, missing, or unavailable (asked again).";
    PROCESSOR_DURATION = "driftseal_processor_batch_duration_seconds",
        Kind::Histogram { buckets: DURATION_BUCKETS }, "seconds", [],
        "Time to process a batch, without waiting for the log.";

    NOTIFIER_RECORDS_READ = "driftseal_notifier_records_read_total", Kind::Counter, "records", [],
        "Records read from the log.";
    NOTIFIER_RECORDS_IGNORED = "driftseal_notifier_records_ignored_total", Kind::Counter, "records", ["reason"],
        "Records of the alerts and governance topics that were not signed by this installation, or were copies, by reason.";
    NOTIFIER_REQUESTS = "driftseal_notifier_requests_total", Kind::Counter, "requests", ["sink", "purpose", "result"],
        "Requests to receivers, by sink, purpose (step, refresh) and result (accepted, refused, busy).";
    NOTIFIER_REQUEST_DURATION = "driftseal_notifier_request_duration_seconds",
        Kind::Histogram { buckets: DURATION_BUCKETS }, "seconds", [],
        "Time from the start of a request to its response.";
    NOTIFIER_NOTIFICATIONS_DELIVERED = "driftseal_notifier_notifications_delivered_total", Kind::Counter, "notifications", ["sink", "step"],
        "Notifications that a receiver accepted, by sink and step (firing, acknowledged, resolved).";
    NOTIFIER_NOTIFICATIONS_SUPPRESSED = "driftseal_notifier_notifications_suppressed_total", Kind::Counter, "notifications", ["sink"],
        "Alerts not sent because they fired under a suppression, by sink.";
    NOTIFIER_DEAD_LETTERS = "driftseal_notifier_dead_letters_total", Kind::Counter, "notifications", ["sink", "reason"],
        "Dead letters, by sink and reason (refused, exhausted, expired, overflow).";
    NOTIFIER_NOTIFICATIONS_PENDING = "driftseal_notifier_notifications_pending", Kind::Gauge, "notifications", ["sink"],
        "Notifications queued or in flight, by sink.";
    NOTIFIER_ALERTS_OPEN = "driftseal_notifier_alerts_open", Kind::Gauge, "alerts", [],
        "Alerts that are firing or await delivery.";
    NOTIFIER_ALERTS_DROPPED = "driftseal_notifier_alerts_dropped_total", Kind::Counter, "alerts", [],
        "Open alerts dropped because the limit was reached while the log was read at the start.";
    NOTIFIER_LAG_RECORDS = "driftseal_notifier_lag_records", Kind::Gauge, "records", ["partition"],
        "Consumer lag of a partition, records.";

    EVIDENCE_CHECKS = "driftseal_evidence_checks_total", Kind::Counter, "checks", ["result"],
        "Checks of the transparency log, by result (ok, not_verified, failed).";
    EVIDENCE_CHECK_DURATION = "driftseal_evidence_check_duration_seconds",
        Kind::Histogram { buckets: DURATION_BUCKETS }, "seconds", [],
        "Time to read and verify the new entries of the transparency log.";
    EVIDENCE_COMMITS_VERIFIED = "driftseal_evidence_commits_verified_total", Kind::Counter, "commits", [],
        "Verified commits of the transparency log.";
    EVIDENCE_LOG_ENTRIES = "driftseal_evidence_log_entries", Kind::Gauge, "entries", [],
        "Verified size of the transparency log, entries.";

    SEALER_RECORDS_READ = "driftseal_sealer_records_read_total", Kind::Counter, "records", [],
        "Records read from the log; equals sealed + pending.";
    SEALER_RECORDS_SEALED = "driftseal_sealer_records_sealed_total", Kind::Counter, "records", [],
        "Records covered by a commit of the transparency log.";
    SEALER_RECORDS_DROPPED = "driftseal_sealer_records_dropped_total", Kind::Counter, "records", ["reason"],
        "Records dropped unsealed, by reason, because their partition was revoked or a commit lost to another sealer; they are read again.";
    SEALER_RECORDS_QUARANTINED = "driftseal_sealer_records_quarantined_total", Kind::Counter, "records", ["reason"],
        "Records sealed as quarantine, by reason.";
    SEALER_PENDING_RECORDS = "driftseal_sealer_pending_records", Kind::Gauge, "records", [],
        "Records read and not sealed yet.";
    SEALER_PENDING_BYTES = "driftseal_sealer_pending_bytes", Kind::Gauge, "bytes", [],
        "Bytes of records not sealed yet.";
    SEALER_SEGMENTS_SEALED = "driftseal_sealer_segments_sealed_total", Kind::Counter, "segments", ["cause"],
        "Segments sealed, by cause (rows, bytes, age, memory, drain).";
    SEALER_SEGMENT_BYTES = "driftseal_sealer_segment_bytes_total", Kind::Counter, "bytes", [],
        "Bytes of Parquet sealed.";
    SEALER_SEAL_DURATION = "driftseal_sealer_seal_duration_seconds",
        Kind::Histogram { buckets: DURATION_BUCKETS }, "seconds", [],
        "Time from a full buffer to the commit.";
    SEALER_COMMIT_CONFLICTS = "driftseal_sealer_commit_conflicts_total", Kind::Counter, "commits", [],
        "Commits lost to another sealer.";
    SEALER_ORPHANS_REMOVED = "driftseal_sealer_orphans_removed_total", Kind::Counter, "segments", [],
        "Stored segments that no commit names and no commit can name any more, removed.";
    SEALER_ORPHANS_WAITING = "driftseal_sealer_orphans_waiting", Kind::Gauge, "segments", [],
        "Stored segments that no commit can name any more, kept until sealer.orphan_wait_secs have passed.";
    SEALER_LOG_ENTRIES = "driftseal_sealer_log_entries", Kind::Gauge, "entries", [],
        "Size of the transparency log, entries.";
    SEALER_CHECKPOINT_TIMESTAMP = "driftseal_sealer_checkpoint_timestamp_seconds", Kind::Gauge, "seconds", [],
        "Time of the last published checkpoint, seconds since the Unix epoch.";
    SEALER_LAG_RECORDS = "driftseal_sealer_lag_records", Kind::Gauge, "records", ["topic"],
        "Consumer lag of a topic: records not sealed yet.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_what_promtool_wants() {
        let mut seen = BTreeSet::new();
        for metric in ALL {
            let name = metric.name;
            assert!(seen.insert(name), "{name} twice");
            assert!(name.starts_with("driftseal_"), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(metric.help.ends_with('.') && !metric.help.contains('\n'), "{name}");
            match metric.kind {
                Kind::Counter => assert!(name.ends_with("_total"), "{name}"),
                Kind::Gauge => {
                    assert!(!name.ends_with("_total") && !name.ends_with("_count"), "{name}")
                }
                Kind::Histogram { buckets } => {
                    assert!(name.ends_with("_seconds"), "{name}");
                    assert!(!buckets.is_empty() && buckets.is_sorted(), "{name}");
                }
            }
            for unit in ["_ms", "_millis", "_kb", "_minutes"] {
                assert!(!name.contains(unit), "{name}: base units only");
            }
        }
    }
}
