//! The only wall clock. Roles use it for timestamps, measurements and timeouts, never for decisions.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, UTC.
///
/// # Panics
///
/// If the system clock is before 1970: all timestamps would be wrong.
#[must_use]
pub fn now_ms() -> i64 {
    fits(since_epoch().as_millis())
}

/// Microseconds since the Unix epoch, UTC.
///
/// # Panics
///
/// As [`now_ms`].
#[must_use]
pub fn now_micros() -> i64 {
    fits(since_epoch().as_micros())
}

fn fits(instant: u128) -> i64 {
    let Ok(instant) = i64::try_from(instant) else {
        unreachable!("the system clock is set beyond the year 200,000")
    };
    instant
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that the ban points to")]
fn since_epoch() -> Duration {
    let Ok(since) = SystemTime::now().duration_since(UNIX_EPOCH) else {
        unreachable!("the system clock is set before 1970")
    };
    since
}

/// Measures durations; monotonic.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the ban points to")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Seconds since the start, for histograms.
    #[must_use]
    pub fn elapsed_secs(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        let Ok(elapsed_ms) = u64::try_from(self.0.elapsed().as_millis()) else {
            unreachable!("no process runs for 500 million years")
        };
        elapsed_ms
    }

    /// Whether at least `limit` has passed since the start.
    #[must_use]
    pub fn has_passed(&self, limit: Duration) -> bool {
        self.0.elapsed() >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_agree_and_do_not_stand_in_1970() {
        let ms = now_ms();
        assert!(ms > 1_700_000_000_000);
        assert!((now_micros() / 1_000 - ms).abs() < 10_000);
        assert!(!Stopwatch::start().has_passed(Duration::from_secs(3_600)));
    }
}
