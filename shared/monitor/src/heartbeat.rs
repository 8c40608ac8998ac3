//! The monitor's own heartbeats: that it is alive, how far it lags, and when it was away.
//!
//! The owner of a partition writes ticks into it, busy or idle. A tick that carries its writer's
//! read position is a *heartbeat*. Reading it gives:
//!
//! - `monitor.alive`: evidence that writing, reading, computing and publishing work. Its absence
//!   means that one of them does not.
//! - An alert `monitor.lag`: at `lag_ticks_min` heartbeats in a row more than `lag_records_max`
//!   records were unread. It resolves after as many without. It is computed behind the unread
//!   records, so it is late by the time that these take.
//! - `monitor.gap`: the time since the heartbeat before exceeds `monitor_gap_secs`. Events of that
//!   time are computed late.
//!
//! Times are the broker's, lag is counted in offsets: all of it is in the log, so all of it can be
//! recomputed. Noticing that heartbeats stop takes a clock: see [`crate::watchdog`].

use event::{Event, EventBuilder, Timestamp, column, kind};
use serde::{Deserialize, Serialize};

use crate::output::Outputs;
use crate::settings::Settings;

/// Name in `drift.metric`.
const METRIC: &str = "monitor.lag";
/// A lag of more than this many times `lag_records_max` pages.
const PAGE_TIMES: u64 = 10;

/// State of the heartbeats of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Heartbeats {
    /// Broker's time of the last heartbeat, microseconds.
    last: Option<i64>,
    /// Heartbeats in a row on the other side of the limit.
    in_a_row: u32,
    /// The open episode.
    alert_id: Option<String>,
}

/// A heartbeat as it was read.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    next_offset: i64,
    /// Records that its writer had not read.
    lag: u64,
    lag_secs: Option<i64>,
}

/// Whether a tick reports an idle partition; one without that field does.
pub(crate) fn is_idle(tick: &Event<'_>) -> bool {
    tick.bool(column::monitor::IDLE).unwrap_or(true)
}

impl Heartbeats {
    /// A tick was read at an offset, with that broker's time; the watermark has moved by it.
    pub(crate) fn tick(
        &mut self,
        tick: &Event<'_>,
        (offset, at): (i64, i64),
        watermark: Option<i64>,
        settings: &Settings,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(next_offset) = tick.int(column::monitor::NEXT_OFFSET) else { return };
        let lag = u64::try_from(offset.saturating_sub(next_offset)).unwrap_or_default();
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
        let limit = u64::from(settings.lag_records_max);
        let above = limit > 0 && beat.lag > limit;
        if above == self.alert_id.is_some() {
            self.in_a_row = 0;
            return;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row < settings.lag_ticks_min {
            return;
        }
        let beats = self.in_a_row;
        self.in_a_row = 0;
        if let Some(id) = self.alert_id.take() {
            let reason = format!("at most {limit} records waited at {beats} heartbeats in a row");
            beat.alert(kind::DRIFT_ALERT_RESOLVED, &id, &reason, settings, outputs);
        } else {
            let id = outputs.next_id(None);
            let reason = format!("more than {limit} records waited at {beats} heartbeats in a row");
            beat.alert(kind::DRIFT_ALERT_FIRING, &id, &reason, settings, outputs);
            self.alert_id = Some(id);
        }
    }
}

impl Heartbeat {
    fn lag(&self) -> i64 {
        i64::try_from(self.lag).unwrap_or(i64::MAX)
    }

    fn describe(&self, builder: EventBuilder) -> EventBuilder {
        builder
            .set(column::monitor::NEXT_OFFSET, self.next_offset)
            .set(column::monitor::LAG, self.lag())
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
        let is_page = self.lag > u64::from(settings.lag_records_max).saturating_mul(PAGE_TIMES);
        let runbook = Some(settings.runbook_url.as_str()).filter(|url| !url.is_empty());
        #[expect(clippy::cast_precision_loss, reason = "for a person; monitor.lag is exact")]
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
