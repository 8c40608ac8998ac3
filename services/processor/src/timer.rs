//! The timer of the ticks of a partition, and what a tick reports that needs no query of the log.

use std::time::Duration;

use event::{Event, Record, TimestampType, column, kind};
use service::clock::Stopwatch;

/// The timer of the ticks of one partition.
#[derive(Debug)]
pub(crate) struct TickTimer {
    /// `None` before the first tick, which is due at once and shows the backlog.
    since_tick: Option<Stopwatch>,
    /// Since the last event that is not a tick, our own or another monitor's.
    since_event: Stopwatch,
    /// Broker's timestamp of the last record, milliseconds.
    read_until_ms: Option<i64>,
}

impl TickTimer {
    pub(crate) fn start() -> Self {
        Self { since_tick: None, since_event: Stopwatch::start(), read_until_ms: None }
    }

    /// A record was read.
    pub(crate) fn handle_record(&mut self, record: &Record<'_>, event: &Event<'_>) {
        if event.text(column::KIND) != Some(kind::MONITOR_TICK) {
            self.since_event = Stopwatch::start();
        }
        if record.timestamp_type != TimestampType::None {
            self.read_until_ms = self.read_until_ms.max(Some(record.timestamp_ms));
        }
    }

    /// Whether a tick is due; if so, the next one is due an interval later. An interval of zero
    /// disables ticks.
    pub(crate) fn take_due(&mut self, interval: Duration) -> bool {
        let passed = self.since_tick.as_ref().is_none_or(|since| since.has_passed(interval));
        let due = !interval.is_zero() && passed;
        if due {
            self.since_tick = Some(Stopwatch::start());
        }
        due
    }

    /// Whether the partition had no event for an interval.
    pub(crate) fn is_idle(&self, interval: Duration) -> bool {
        self.since_event.has_passed(interval)
    }

    pub(crate) const fn read_until_ms(&self) -> Option<i64> {
        self.read_until_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tick_is_due_at_once_and_none_without_an_interval() {
        let mut timer = TickTimer::start();
        assert!(!timer.take_due(Duration::ZERO));
        assert!(timer.take_due(Duration::from_secs(3_600)));
        assert!(!timer.take_due(Duration::from_secs(3_600)));
        assert!(!timer.is_idle(Duration::from_secs(3_600)));
    }
}
