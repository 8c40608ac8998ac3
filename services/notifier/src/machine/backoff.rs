//! Backoff before the next attempt: exponential and bounded. Its jitter is derived, not random, so that
//! equal histories have equal waits.

use service::metrics::count;

use super::plan::DeliveryLimits;

/// Wait before the attempt after `attempts` failed ones, milliseconds. One half is fixed, the other is
/// jitter by alert, sink and attempt, so that alerts that failed together are not retried together.
pub(super) fn wait_ms(limits: &DeliveryLimits, attempts: u32, alert_id: &str, sink: usize) -> i64 {
    assert!(attempts > 0, "a retry follows an attempt");
    // 40 doublings of a millisecond are beyond any bound of the configuration.
    let doublings = (attempts - 1).min(40);
    let whole = limits.backoff_ms.saturating_mul(1_i64 << doublings).min(limits.backoff_ms_max);
    let whole = whole.unsigned_abs();
    let half = whole / 2;
    let seed = alert_id.bytes().fold(count(sink), |seed, byte| mix(seed ^ u64::from(byte)));
    let spread = mix(seed ^ u64::from(attempts)) % (whole - half + 1);
    // At most the whole, which was an `i64`.
    (half + spread).cast_signed()
}

/// One step of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
/// 2014).
const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_are_spread_over_their_upper_half() {
        let limits = DeliveryLimits {
            backoff_ms: 1_000,
            backoff_ms_max: 60_000,
            ..DeliveryLimits::default()
        };
        for attempts in 1..=100 {
            let whole = (1_000_i64 << (attempts - 1).min(20)).min(60_000);
            let mut seen = std::collections::BTreeSet::new();
            for alert in 0..50 {
                let wait = wait_ms(&limits, attempts, &format!("alert-{alert}"), 0);
                assert!((whole / 2..=whole).contains(&wait), "{attempts}: {wait}");
                seen.insert(wait);
            }
            assert!(seen.len() > 40, "{attempts}: {} different waits", seen.len());
        }
        let again = || wait_ms(&limits, 3, "a", 1);
        assert_eq!(again(), again());
    }

    #[test]
    fn no_wait_stays_no_wait() {
        let limits =
            DeliveryLimits { backoff_ms: 0, backoff_ms_max: 0, ..DeliveryLimits::default() };
        assert_eq!(wait_ms(&limits, 9, "a", 0), 0);
    }
}
