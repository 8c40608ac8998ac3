//! The monitor's own heartbeats: its liveness, its lag, and its gaps.
//!
//! The owner of a partition writes ticks into it, busy or idle. A tick with its writer's read
//! position is a *heartbeat*. When it is read, it gives:
//!
//! - `monitor.alive`: evidence that writing, reading, computing and publishing work. Without it, at
//!   least one of them does not.
//! - An alert `monitor.lag`, if more than `lag_records_max` records were unread at `lag_ticks_min`
//!   consecutive heartbeats. It resolves after as many without. It is computed after the unread
//!   records, so it is late by the time that they take.
//! - `monitor.gap`, if the time since the previous heartbeat exceeds `monitor_gap_secs`. Events of
//!   that time are processed late.
//!
//! Times are the broker's, and the lag is counted in offsets: both are in the log, so everything
//! can be recomputed. Detecting that heartbeats stop takes a clock: see [`crate::watchdog`].

use event::{Event, EventBuilder, Timestamp, column, kind};
use serde::{Deserialize, Serialize};

use crate::output::Outputs;
use crate::settings::Settings;

/// Name in `drift.metric`.
const METRIC: &str = "monitor.lag";
/// The alert is a page if the lag exceeds `lag_records_max` by this factor.
const PAGE_TIMES: i64 = 10;

/// State of the heartbeats of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Heartbeats {
    /// Broker's time of the last heartbeat, microseconds.
    last: Option<i64>,
    /// Number of consecutive heartbeats on the other side of the limit.
    in_a_row: u32,
    /// Alert of the open episode.
    alert_id: Option<String>,
}

/// A heartbeat as it was read.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    next_offset: i64,
    /// Number of records that its writer had not read.
    lag: i64,
    lag_secs: Option<i64>,
}

/// Whether a tick reports an idle partition, which is the default.
pub(crate) fn is_idle(tick: &Event<'_>) -> bool {
    tick.bool(column::monitor::IDLE).unwrap_or(true)
}

impl Heartbeats {
    /// Handles a tick at an offset, with the broker's time; `watermark` is the one after the tick.
    pub(crate) fn tick(
        &mut self,
        tick: &Event<'_>,
        (offset, at): (i64, i64),
        watermark: Option<i64>,
        settings: &Settings,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(next_offset) = tick.int(column::monitor::NEXT_OFFSET) else { return };
        // What a tick claims is foreign: one that claims to be ahead has no lag.
        let lag = offset.saturating_sub(next_offset).max(0);
        let read_until = tick.time(column::monitor::READ_UNTIL).map(Timestamp::micros);
        let lag_secs = match (lag, read_until) {
            (0, _) => Some(0),
            (_, Some(until)) => Some(at.saturating_sub(until).max(0) / 1_000_000),
            (_, None) => None,
        };
        let beat = Heartbeat { next_offset, lag, lag_secs };
        if let Some(last) = self.last
            && settings.monitor_gap_secs > 0
            && at.saturating_sub(last) > Settings::micros(settings.monitor_gap_secs)
        {
            outputs.push_own(kind::MONITOR_GAP, |builder| {
                beat.describe(builder)
                    .set(column::monitor::SINCE_TIME, instant(last))
                    .set(column::monitor::UNTIL_TIME, instant(at))
            });
        }
        self.last = self.last.max(Some(at));
        outputs.push_own(kind::MONITOR_ALIVE, |builder| {
            beat.describe(builder)
                .set_some(column::monitor::ID, tick.text(column::monitor::ID).map(str::to_owned))
                .set_some(column::monitor::WATERMARK, watermark.map(instant))
        });
        self.compare(&beat, settings, outputs);
    }

    /// Opens or resolves the lag alert.
    fn compare(&mut self, beat: &Heartbeat, settings: &Settings, outputs: &mut Outputs<'_>) {
        let limit = i64::from(settings.lag_records_max);
        let above = limit > 0 && beat.lag > limit;
        if above == self.alert_id.is_some() {
            self.in_a_row = 0;
            return;
        }
        self.in_a_row += 1;
        if self.in_a_row < settings.lag_ticks_min {
            return;
        }
        let beats = self.in_a_row;
        self.in_a_row = 0;
        if let Some(id) = self.alert_id.take() {
            let reason =
                format!("at most {limit} records unread at {beats} consecutive heartbeats");
            beat.alert(kind::DRIFT_ALERT_RESOLVED, &id, &reason, settings, outputs);
        } else {
            let id = outputs.next_id(None);
            let reason =
                format!("more than {limit} records unread at {beats} consecutive heartbeats");
            beat.alert(kind::DRIFT_ALERT_FIRING, &id, &reason, settings, outputs);
            self.alert_id = Some(id);
        }
    }
}

impl Heartbeat {
    fn describe(&self, builder: EventBuilder) -> EventBuilder {
        builder
            .set(column::monitor::NEXT_OFFSET, self.next_offset)
            .set(column::monitor::LAG, self.lag)
            .set_some(column::monitor::LAG_SECS, self.lag_secs)
    }

    fn alert(
        &self,
        kind: &str,
        id: &str,
        reason: &str,
        settings: &Settings,
        outputs: &mut Outputs<'_>,
    ) {
        let is_page = self.lag > i64::from(settings.lag_records_max) * PAGE_TIMES;
        let runbook = Some(settings.runbook_url.as_str()).filter(|url| !url.is_empty());
        #[expect(clippy::cast_precision_loss, reason = "for people; monitor.lag is exact")]
        let observed = self.lag as f64;
        outputs.push_own(kind, |builder| {
            self.describe(builder)
                .set(column::drift::ALERT_ID, id)
                .set(column::drift::METRIC, METRIC)
                .set(column::drift::DIRECTION, "rising")
                .set(column::drift::SEVERITY, if is_page { "page" } else { "ticket" })
                .set(column::drift::OBSERVED, observed)
                .set_some(column::drift::RUNBOOK_URL, runbook)
                .set(column::drift::REASON, reason)
        });
    }
}

fn instant(micros: i64) -> Timestamp {
    let (earliest, latest) = (Timestamp::EARLIEST.micros(), Timestamp::LATEST.micros());
    Timestamp::from_micros(micros.clamp(earliest, latest))
}
