//! The monitor about itself. A tick is what it writes into a partition it reads; alive is the same tick read again, computed and published.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Bytes, Int, Map, Text, Texts, Time, TypedColumn, column};

/// The acts that are admitted, in governance order: each as JSON with offset, event_id, digest and the fields that have an effect.
pub const ACTS: TypedColumn<Texts> = column("monitor.acts");
/// First offset of the governance topic that is covered.
pub const ADMITTED_FROM: TypedColumn<Int> = column("monitor.admitted_from");
/// First offset of the governance topic that is not covered any more.
pub const ADMITTED_NEXT: TypedColumn<Int> = column("monitor.admitted_next");
/// End of the prefix of the governance topic whose acts in force were admitted; greater than admitted_next where they take several records.
pub const ADMITTED_OF: TypedColumn<Int> = column("monitor.admitted_of");
/// The same for alerts.
pub const ALERTS_NEXT: TypedColumn<Int> = column("monitor.alerts_next");
/// Digest of its code.
pub const CODE_DIGEST: TypedColumn<Text> = column("monitor.code_digest");
/// Detectors in force from this offset on, with the version of each.
pub const DETECTORS: TypedColumn<Map> = column("monitor.detectors");
/// Number of the owner: each one that takes over has a greater one; the first at an epoch wins.
pub const EPOCH: TypedColumn<Int> = column("monitor.epoch");
/// First offset that a monitor without a state computes from.
pub const FIRST_OFFSET: TypedColumn<Int> = column("monitor.first_offset");
/// Number of records that had no effect.
pub const FORGED: TypedColumn<Int> = column("monitor.forged");
/// Offset of the first of these records.
pub const FORGED_AT: TypedColumn<Int> = column("monitor.forged_at");
/// Number of these records by reason.
pub const FORGED_REASONS: TypedColumn<Map> = column("monitor.forged_reasons");
/// Topic id of the governance topic whose acts are admitted.
pub const GOVERNANCE: TypedColumn<Text> = column("monitor.governance");
/// History of the partition: 32 hexadecimal digits that its first owner chose at random.
pub const HISTORY: TypedColumn<Text> = column("monitor.history");
/// Monitor.
pub const ID: TypedColumn<Text> = column("monitor.id");
/// Whether the partition had no event for a tick interval; only such a tick moves event time. True if not said.
pub const IDLE: TypedColumn<Bool> = column("monitor.idle");
/// Records behind.
pub const LAG: TypedColumn<Int> = column("monitor.lag");
/// Seconds behind, at most: from the last record it had read to its tick if records waited, else 0.
pub const LAG_SECS: TypedColumn<Int> = column("monitor.lag_secs");
/// Metrics in force from this offset on, with the version of each; what is not listed is not computed.
pub const METRICS: TypedColumn<Map> = column("monitor.metrics");
/// Offset in its partition of the metrics before which every acknowledged output is.
pub const METRICS_NEXT: TypedColumn<Int> = column("monitor.metrics_next");
/// Next offset it will read.
pub const NEXT_OFFSET: TypedColumn<Int> = column("monitor.next_offset");
/// Owner of the partition that wrote the record: 32 hexadecimal digits, random, new each time a processor opens the partition.
pub const OWNER: TypedColumn<Text> = column("monitor.owner");
/// Partition of the events that it watches, where no origin says so.
pub const PARTITION: TypedColumn<Int> = column("monitor.partition");
/// Broker's timestamp of the last record it had read.
pub const READ_UNTIL: TypedColumn<Time> = column("monitor.read_until");
/// Avro schemas that are known from here on, by the id, GUID or fingerprint with which records name them.
pub const SCHEMAS: TypedColumn<Map> = column("monitor.schemas");
/// Ids, GUIDs and fingerprints that were asked for and have no schema.
pub const SCHEMAS_MISSING: TypedColumn<Texts> = column("monitor.schemas_missing");
/// Whether a record behind schemas_through whose schema is not known is waited for; otherwise it is quarantined.
pub const SCHEMAS_ON: TypedColumn<Bool> = column("monitor.schemas_on");
/// Offset up to which every record whose schema is not known is quarantined.
pub const SCHEMAS_THROUGH: TypedColumn<Int> = column("monitor.schemas_through");
/// Version of the computation that started, but for its metrics and detectors.
pub const SEMANTICS: TypedColumn<Int> = column("monitor.semantics");
/// Number of the record among those of its owner, which grows; 0 is that of monitor.started.
pub const SEQUENCE: TypedColumn<Int> = column("monitor.sequence");
/// Settings of the computation from this offset on, as canonical JSON.
pub const SETTINGS: TypedColumn<Text> = column("monitor.settings");
/// Ed25519 signature of the processor; shared/governance/README.md has the message.
pub const SIGNATURE: TypedColumn<Bytes> = column("monitor.signature");
/// Key of the signature: its name, +, and 8 hexadecimal digits of its identifier.
pub const SIGNED_BY: TypedColumn<Text> = column("monitor.signed_by");
/// Last tick before a gap, by the broker's clock.
pub const SINCE_TIME: TypedColumn<Time> = column("monitor.since_time");
/// First tick after it.
pub const UNTIL_TIME: TypedColumn<Time> = column("monitor.until_time");
/// Event time up to which the partition is taken to be complete.
pub const WATERMARK: TypedColumn<Time> = column("monitor.watermark");
