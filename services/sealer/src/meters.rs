//! What the sealer counts. `read = sealed + pending + dropped`, at every moment between two steps.

use event::Reason;
use metrics::{counter, gauge, histogram};
use segment::sealer::Cause;
use service::metric_names as names;
use service::metrics::count;

/// Totals since the start; the same numbers as in the metrics of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) read: u64,
    pub(crate) sealed: u64,
    pub(crate) dropped: u64,
    pub(crate) segments: u64,
    pub(crate) quarantined: u64,
    pub(crate) conflicts: u64,
    pub(crate) orphans: u64,
}

/// Why records were let go unsealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// They were delivered before, or are of a partition that is not ours any more.
    Redelivered,
    /// Their partition went to another sealer.
    Revoked,
    /// Another sealer sealed them first.
    Fenced,
    /// The process ends without draining.
    Shutdown,
}

impl Dropped {
    const fn name(self) -> &'static str {
        match self {
            Self::Redelivered => "redelivered",
            Self::Revoked => "revoked",
            Self::Fenced => "fenced",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Counters and gauges of a sealer.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    pub(crate) totals: Totals,
}

impl Meters {
    pub(crate) fn read(&mut self, records: usize) {
        self.totals.read += count(records);
        counter!(names::SEALER_RECORDS_READ).increment(count(records));
    }

    pub(crate) fn dropped(&mut self, records: usize, reason: Dropped) {
        if records > 0 {
            self.totals.dropped += count(records);
            counter!(names::SEALER_RECORDS_DROPPED, "reason" => reason.name())
                .increment(count(records));
        }
    }

    pub(crate) fn sealed(&mut self, records: u64, parquet_bytes: u64, cause: Cause) {
        self.totals.sealed += records;
        self.totals.segments += 1;
        counter!(names::SEALER_RECORDS_SEALED).increment(records);
        counter!(names::SEALER_SEGMENTS_SEALED, "cause" => cause.name()).increment(1);
        counter!(names::SEALER_SEGMENT_BYTES).increment(parquet_bytes);
    }

    pub(crate) fn quarantined(&mut self, reasons: &[(Reason, u64)]) {
        for (reason, records) in reasons {
            self.totals.quarantined += *records;
            counter!(names::SEALER_RECORDS_QUARANTINED, "reason" => reason.name())
                .increment(*records);
        }
    }

    pub(crate) fn conflict(&mut self) {
        self.totals.conflicts += 1;
        counter!(names::SEALER_COMMIT_CONFLICTS).increment(1);
    }

    pub(crate) fn orphans_removed(&mut self, segments: usize) {
        self.totals.orphans += count(segments);
        counter!(names::SEALER_ORPHANS_REMOVED).increment(count(segments));
    }

    pub(crate) fn orphans_waiting(&self, segments: usize) {
        gauge!(names::SEALER_ORPHANS_WAITING).set(float(count(segments)));
    }

    pub(crate) fn committed(&self, log_size: u64, seconds: f64, now_ms: i64) {
        histogram!(names::SEALER_SEAL_DURATION).record(seconds);
        // A clock before 1970 is wrong by so much that 0 says it best.
        let now_ms = u64::try_from(now_ms).unwrap_or(0);
        gauge!(names::SEALER_CHECKPOINT_TIMESTAMP).set(float(now_ms) / 1_000.0);
        self.log_size(log_size);
    }

    pub(crate) fn log_size(&self, entries: u64) {
        gauge!(names::SEALER_LOG_ENTRIES).set(float(entries));
    }

    pub(crate) fn pending(&self, records: usize, bytes: usize) {
        gauge!(names::SEALER_PENDING_RECORDS).set(float(count(records)));
        gauge!(names::SEALER_PENDING_BYTES).set(float(count(bytes)));
    }

    pub(crate) fn lag(&self, topic: &str, records: u64) {
        gauge!(names::SEALER_LAG_RECORDS, "topic" => topic.to_owned()).set(float(records));
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
const fn float(number: u64) -> f64 {
    number as f64
}
