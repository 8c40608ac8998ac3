//! The monitor about itself. A tick is what it writes into a partition it reads; alive is the same tick read again, computed and published.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Int, Map, Text, Time, TypedColumn, column};

/// The same for alerts.
pub const ALERTS_NEXT: TypedColumn<Int> = column("monitor.alerts_next");
/// Digest of its code.
pub const CODE_DIGEST: TypedColumn<Text> = column("monitor.code_digest");
/// Detectors in force from this offset on, with the version of each.
pub const DETECTORS: TypedColumn<Map> = column("monitor.detectors");
/// First offset that a monitor without a state computes from.
pub const FIRST_OFFSET: TypedColumn<Int> = column("monitor.first_offset");
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
/// Partition of the events that it watches, where no origin says so.
pub const PARTITION: TypedColumn<Int> = column("monitor.partition");
/// Broker's timestamp of the last record it had read.
pub const READ_UNTIL: TypedColumn<Time> = column("monitor.read_until");
/// Version of the computation that started, but for its metrics and detectors.
pub const SEMANTICS: TypedColumn<Int> = column("monitor.semantics");
/// Settings of the computation from this offset on, as canonical JSON.
pub const SETTINGS: TypedColumn<Text> = column("monitor.settings");
/// Last tick before a gap, by the broker's clock.
pub const SINCE_TIME: TypedColumn<Time> = column("monitor.since_time");
/// First tick after it.
pub const UNTIL_TIME: TypedColumn<Time> = column("monitor.until_time");
/// Event time up to which the partition is taken to be complete.
pub const WATERMARK: TypedColumn<Time> = column("monitor.watermark");
