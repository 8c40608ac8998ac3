//! How much a credential may be used for.

use event::Timestamp;

/// Microseconds of a second.
const SECOND: i128 = 1_000_000;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// How much a credential may be used for; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Events per second, on average. A body is taken whole while anything is left of the last second; what it
    /// exceeds is waited for.
    pub events_per_second: Option<u64>,
    /// Bytes of bodies per second, decompressed, likewise.
    pub bytes_per_second: Option<u64>,
    /// Events per day of UTC. A body that exceeds it is refused.
    pub events_per_day: Option<u64>,
}

/// A quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// Seconds after which something is left again; at least 1.
    pub retry_after_secs: u64,
    /// Name of the limit, as in the file of credentials.
    pub limit: &'static str,
}

/// What was used of a quota. It begins full.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    events: Bucket,
    bytes: Bucket,
    day: i64,
    today: u64,
}

/// What is left of a rate, in millionths; below zero, what is to be waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    left: i128,
    at: Option<Timestamp>,
}

impl Bucket {
    /// Fills up to what a second brings.
    fn fill(&mut self, per_second: u64, now: Timestamp) {
        let rate = i128::from(per_second);
        self.left = match self.at {
            None => rate * SECOND,
            // A clock that was set back brings nothing.
            Some(at) => {
                let passed = i128::from(now.micros()) - i128::from(at.micros());
                (self.left + rate * passed.max(0)).min(rate * SECOND)
            }
        };
        self.at = Some(now);
    }

    /// Seconds until something is left.
    fn wait(&self, per_second: u64) -> Option<u64> {
        if self.left > 0 {
            return None;
        }
        let per_second = i128::from(per_second.max(1)) * SECOND;
        let secs = (per_second - self.left) / per_second;
        Some(u64::try_from(secs).unwrap_or(u64::MAX).max(1))
    }
}

impl Meter {
    /// Takes so many events and bytes, or nothing. None of both asks whether a body would be looked at.
    ///
    /// # Errors
    ///
    /// Which limit is used up, and for how long.
    pub fn take(
        &mut self,
        quota: &Quota,
        (events, bytes): (usize, usize),
        now: Timestamp,
    ) -> Result<(), Exhausted> {
        for (bucket, rate, limit) in [
            (&mut self.events, quota.events_per_second, "events_per_second"),
            (&mut self.bytes, quota.bytes_per_second, "bytes_per_second"),
        ] {
            let Some(rate) = rate else { continue };
            bucket.fill(rate, now);
            if let Some(retry_after_secs) = bucket.wait(rate) {
                return Err(Exhausted { retry_after_secs, limit });
            }
        }
        let (events, bytes) = (count(events), count(bytes));
        if let Some(per_day) = quota.events_per_day {
            let day = now.micros().div_euclid(DAY);
            if day > self.day {
                (self.day, self.today) = (day, 0);
            }
            let after = self.today.saturating_add(events);
            if after > per_day || self.today == per_day {
                let left = DAY - now.micros().rem_euclid(DAY);
                let retry_after_secs = u64::try_from(left / 1_000_000).unwrap_or(0) + 1;
                return Err(Exhausted { retry_after_secs, limit: "events_per_day" });
            }
            self.today = after;
        }
        self.events.left -= i128::from(events) * SECOND;
        self.bytes.left -= i128::from(bytes) * SECOND;
        Ok(())
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_790_000_000_000_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(START + ms * 1_000)
    }

    #[test]
    fn a_rate_holds_on_average_and_large_bodies_are_waited_for() {
        let quota = Quota { events_per_second: Some(10), ..Quota::default() };
        let mut meter = Meter::default();
        assert_eq!(meter.take(&quota, (4, 0), at(0)), Ok(()));
        assert_eq!(meter.take(&quota, (40, 0), at(0)), Ok(()), "something was left");
        let waits = |secs| Err(Exhausted { retry_after_secs: secs, limit: "events_per_second" });
        assert_eq!(meter.take(&quota, (1, 0), at(0)), waits(4), "34 are to be waited for");
        assert_eq!(meter.take(&quota, (0, 0), at(3_300)), waits(1));
        assert_eq!(meter.take(&quota, (1, 0), at(3_500)), Ok(()));
        // A clock that is set back brings nothing, and takes nothing.
        assert_eq!(meter.take(&quota, (1, 0), at(-90_000)), waits(1));
        let bytes = Quota { bytes_per_second: Some(1), ..Quota::default() };
        let mut meter = Meter::default();
        assert_eq!(meter.take(&bytes, (9, 2), at(0)), Ok(()));
        assert_eq!(meter.take(&bytes, (9, 2), at(0)).unwrap_err().limit, "bytes_per_second");
        assert_eq!(Meter::default().take(&Quota::default(), (9, 9), at(0)), Ok(()));
    }

    #[test]
    fn a_day_has_its_quota_and_the_next_one_a_new_one() {
        let quota = Quota { events_per_day: Some(5), ..Quota::default() };
        let mut meter = Meter::default();
        assert_eq!(meter.take(&quota, (4, 0), at(0)), Ok(()));
        let refused = meter.take(&quota, (2, 0), at(0)).unwrap_err();
        assert_eq!(refused.limit, "events_per_day");
        let midnight = i64::try_from(refused.retry_after_secs).unwrap() * 1_000;
        assert_eq!(meter.take(&quota, (1, 0), at(0)), Ok(()), "what is left is taken");
        assert!(meter.take(&quota, (0, 0), at(0)).is_err());
        assert!(meter.take(&quota, (1, 0), at(midnight - 2_000)).is_err());
        assert_eq!(meter.take(&quota, (5, 0), at(midnight)), Ok(()));
        assert!(meter.take(&quota, (1, 0), at(0)).is_err(), "a clock set back gives no new day");
    }

    proptest! {
        /// Whatever the bodies and pauses: never more than the rate allows, plus one body and a second.
        #[test]
        fn no_more_is_taken_than_the_rate_allows(
            steps in proptest::collection::vec((0_i64..3_000, 1_usize..50), 1..60),
        ) {
            let quota = Quota { events_per_second: Some(7), ..Quota::default() };
            let (mut meter, mut now, mut taken) = (Meter::default(), 0, 0);
            for (pause, events) in steps {
                now += pause;
                if meter.take(&quota, (events, 0), at(now)).is_ok() {
                    taken += events;
                }
            }
            let allowed = 7 * (now / 1_000 + 2) + 50;
            prop_assert!(i64::try_from(taken).unwrap() <= allowed, "{taken} of {allowed}");
        }
    }
}
