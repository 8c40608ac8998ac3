//! Samples the calls of a run for the detectors: at most one per run.
//!
//! The calls of one run depend on each other: an agent that searches once searches again, and a
//! tool that is down fails every call. A detector that treats them as independent finds changes
//! where there are none (on tau-bench, in four of ten random halves of one version). So one call of
//! each run is sampled, with all its measurements: the first with probability 1/2, the second with
//! 1/4, and so on, decided by the id of the run alone. Then similar runs give one value each from
//! the same distribution. A run with few calls may give none: half of the runs with one call, an
//! eighth of those with three. An event without a run counts as a run of its own. Windows count
//! every call.
//!
//! **Bound.** The last [`RUNS_MAX`] runs are remembered. A run that continues after that many
//! others counts as new.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Number of runs that are remembered.
const RUNS_MAX: usize = 128;
/// Index of the last call that may still be sampled.
const CALLS_MAX: u32 = 7;

/// Samples the calls of runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Sampler {
    /// Digests of runs with the number of their calls so far; the latest run is last.
    runs: VecDeque<(u32, u32)>,
}

impl Sampler {
    /// Whether the next call of a run is the sampled one.
    pub(crate) fn sample(&mut self, run: Option<&str>) -> bool {
        let Some(run) = run.filter(|run| !run.is_empty()) else { return true };
        let (digest, sampled) = lot(run);
        // From the end: runs in progress are among the latest.
        let at = self.runs.iter().rposition(|(known, _)| *known == digest);
        let seen = at.and_then(|at| self.runs.remove(at)).map_or(0, |(_, seen)| seen);
        // Only the first calls can be sampled, so a count that saturates does no harm.
        self.runs.push_back((digest, seen.saturating_add(1)));
        if self.runs.len() > RUNS_MAX {
            self.runs.pop_front();
        }
        seen == sampled
    }
}

/// Digest of a run's id, and index of the sampled call, from 0: FNV-1a (Fowler, Noll, Vo) with the
/// last step of splitmix64, so that similar ids have unrelated digests.
fn lot(run: &str) -> (u32, u32) {
    let hash = run.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = mixed(hash);
    let Ok(digest) = u32::try_from(hash >> 32) else { unreachable!("the upper half has 32 bits") };
    (digest, hash.trailing_ones().min(CALLS_MAX))
}

/// The last step of splitmix64 (Steele, Lea, Flood 2014).
pub(crate) const fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_run_at_most_one_call_counts_and_the_place_is_a_fair_lot() {
        let mut sampler = Sampler::default();
        let mut places = [0_u32; 4];
        // Four runs at a time, a call of each in turn.
        for group in 0..1_000 {
            let mut sampled = [0; 4];
            for place in 0..12 {
                for (run, sampled) in sampled.iter_mut().enumerate() {
                    if sampler.sample(Some(&format!("run-{group}-{run}"))) {
                        *sampled += 1;
                        if let Some(count) = places.get_mut(place) {
                            *count += 1;
                        }
                    }
                }
            }
            assert_eq!(sampled, [1; 4]);
        }
        for (count, expected) in places.into_iter().zip([2_000_i32, 1_000, 500, 250]) {
            let count = i32::try_from(count).unwrap();
            assert!((count - expected).abs() < 130, "{count} {expected}");
        }
        assert!(sampler.sample(None) && sampler.sample(Some("")));
    }

    #[test]
    fn it_remembers_no_more_runs_than_it_says() {
        let mut sampler = Sampler::default();
        for run in 0..1_000 {
            sampler.sample(Some(&run.to_string()));
        }
        assert_eq!(sampler.runs.len(), RUNS_MAX);
    }
}
