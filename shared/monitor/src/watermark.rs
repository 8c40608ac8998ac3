//! The watermark of a partition: the event time up to which it is assumed to be complete.
//!
//! The watermark is the latest event time minus the lateness, and never moves back. A sender's
//! clock that is ahead cannot advance it: an event time too far ahead of the broker's timestamp is
//! replaced by that timestamp. Ticks of an idle partition advance it: event time is then assumed to
//! advance with the broker's clock since the last event. So historical events get windows of their
//! own time, and no tick makes them late. A tick of a busy partition has no effect, because where
//! producers set the timestamps of records, the time since the last event may be years.
//!
//! Event times and timestamps are foreign, so arithmetic on them saturates.

use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// The watermark, and what it is derived from; microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Watermark {
    at: Option<i64>,
    broker: Option<i64>,
    /// Latest accepted event time.
    event: Option<i64>,
    /// Broker's timestamp of the last accepted event.
    event_broker: Option<i64>,
}

/// The time of an event, after validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The event time, or the broker's timestamp if the event time is too far ahead.
    pub(crate) micros: i64,
    /// Whether the event time was replaced.
    pub(crate) skewed: bool,
}

impl Watermark {
    /// The watermark.
    pub(crate) const fn at(&self) -> Option<i64> {
        self.at
    }

    /// Latest timestamp of the broker.
    pub(crate) const fn log_time(&self) -> Option<i64> {
        self.broker
    }

    /// Records the broker's timestamp of a record; `None` if it has none.
    pub(crate) fn saw_broker_time(&mut self, micros: Option<i64>) {
        self.broker = micros.max(self.broker);
    }

    /// Validates the time of an event in a record with that broker timestamp. As long as no record
    /// had a broker timestamp, the event time is trusted.
    pub(crate) fn place(&self, event: i64, record: Option<i64>, settings: &Settings) -> Placed {
        let skew_max = Settings::micros(settings.future_skew_secs_max);
        match record.or(self.broker) {
            Some(broker) if event > broker.saturating_add(skew_max) => {
                Placed { micros: broker, skewed: true }
            }
            Some(_) | None => Placed { micros: event, skewed: false },
        }
    }

    /// Records an event at a time, in a record with that broker timestamp. Returns whether the
    /// watermark moved.
    pub(crate) fn advance(&mut self, event: i64, broker: Option<i64>, settings: &Settings) -> bool {
        self.event = self.event.max(Some(event));
        self.event_broker = broker.or(self.event_broker);
        self.raise(event.saturating_sub(Settings::micros(settings.lateness_secs)))
    }

    /// Records a tick of an idle partition, with its broker timestamp. Returns whether the
    /// watermark moved. Before the first event a tick has no effect.
    pub(crate) fn tick(&mut self, broker: i64, settings: &Settings) -> bool {
        let (Some(event), Some(event_broker)) = (self.event, self.event_broker) else {
            return false;
        };
        let behind = Settings::micros(settings.lateness_secs)
            .saturating_add(Settings::micros(settings.idle_timeout_secs));
        let idle = broker.saturating_sub(event_broker).max(0);
        self.raise(event.saturating_add(idle).saturating_sub(behind))
    }

    fn raise(&mut self, to: i64) -> bool {
        let moved = self.at.is_none_or(|at| to > at);
        if moved {
            self.at = Some(to);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_clock_ahead_of_the_broker_does_not_drive_it() {
        let settings = Settings::default();
        let mut watermark = Watermark::default();
        let broker = 1_000 * SECOND;
        let year_9999 = event::Timestamp::LATEST.micros();
        let placed = watermark.place(year_9999, Some(broker), &settings);
        assert_eq!(placed, Placed { micros: broker, skewed: true });
        assert!(watermark.advance(placed.micros, Some(broker), &settings));
        assert_eq!(watermark.at(), Some(880 * SECOND));
        assert!(!watermark.place(1_300 * SECOND, Some(broker), &settings).skewed);
        watermark.saw_broker_time(Some(broker));
        assert!(watermark.place(year_9999, None, &settings).skewed);
    }

    #[test]
    fn it_never_goes_back_and_a_tick_leaves_the_idle_timeout() {
        let settings = Settings::default();
        let mut watermark = Watermark::default();
        let broker = Some(1_000 * SECOND);
        assert!(!watermark.tick(999 * SECOND, &settings));
        assert!(watermark.advance(1_000 * SECOND, broker, &settings));
        assert!(!watermark.advance(event::Timestamp::EARLIEST.micros(), broker, &settings));
        assert!(!watermark.tick(1_060 * SECOND, &settings));
        assert!(watermark.tick(1_061 * SECOND, &settings));
        assert_eq!(watermark.at(), Some(881 * SECOND));
    }

    #[test]
    fn a_tick_does_not_make_late_what_is_played_back_from_the_past() {
        let settings = Settings::default();
        let mut watermark = Watermark::default();
        let now = 1_000_000 * SECOND;
        assert!(!watermark.tick(now, &settings));
        assert!(watermark.advance(5_000 * SECOND, Some(now), &settings));
        assert!(watermark.tick(now + 600 * SECOND, &settings));
        assert_eq!(watermark.at(), Some((5_000 + 600 - 180) * SECOND));
    }
}
