//! What a pack holds, and the checks that need no more than that.

use bytes::Bytes;
use event::kind;
use merkle::hash;
use segment::fault::{Distrust, Fault, expect_equal};
use segment::policy::Policy;

use crate::container::name;
use crate::log::LogPart;
use crate::report::Step;
use crate::rows::Rows;
use crate::scope::Scope;
use crate::summary::{PartitionSummary, Summary};
use crate::wanted::Wanted;

/// The parts of a pack that are not derived from the others.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) checkpoint: &'a str,
    /// Payload of the head.
    pub(crate) head: &'a [u8],
    /// The entries of the log that the period needs.
    pub(crate) entries: Vec<&'a str>,
    /// Nodes that prove those before the head.
    pub(crate) nodes: Vec<&'a str>,
    /// Census objects of the segments that touch the period, in the order of the log.
    pub(crate) censuses: Vec<&'a str>,
    /// For each segment with events, which rows these are and what proves them.
    pub(crate) proofs: Vec<&'a str>,
    pub(crate) events: Bytes,
}

impl Content<'_> {
    /// Checks everything, and counts.
    pub(crate) fn check(
        &self,
        scope: &Scope,
        policy: &Policy,
        steps: &mut Vec<Step>,
    ) -> Result<Summary, Distrust> {
        let checkpoint = policy.open_checkpoint(name::CHECKPOINT, self.checkpoint)?;
        steps.push(Step::new(
            "checkpoint signature",
            format!("log `{}` vouches for {} entries", checkpoint.origin, checkpoint.size),
        ));
        let excerpt = LogPart::open(self.head, &self.entries, &self.nodes, &checkpoint, policy)?;
        let count = excerpt.entries.len();
        steps.push(Step::new(
            "log entries",
            format!("{count} are in the signed tree of the log, each signed by a known sealer"),
        ));
        let ends = excerpt.check(scope.period())?;
        steps.push(Step::new(
            "log excerpt",
            format!(
                "the log names the head of commit {}; in {} partitions no segment that could touch \
                 the period is missing",
                excerpt.head.sequence,
                ends.len()
            ),
        ));
        let mut wanted = Wanted::all(scope, excerpt);
        let quarantined = self.check_censuses(scope, &mut wanted)?;
        steps.push(Step::new(
            "censuses",
            format!("of {} segments that touch the period, as sealed", wanted.len()),
        ));
        let mut summary = Summary {
            origin: checkpoint.origin,
            log_size: checkpoint.size,
            log_root: hash::to_hex(&checkpoint.root),
            segments_in_period: wanted.len() as u64,
            segments_with_events: wanted.iter().filter(|w| !w.expected.is_empty()).count() as u64,
            quarantined_of_any_agent: quarantined,
            partitions: PartitionSummary::of(&ends, wanted.iter().map(|w| &w.manifest.facts))?,
            ..Summary::default()
        };
        Rows::new(scope, &self.proofs, &mut wanted).check(&self.events, &mut summary)?;
        steps.push(Step::new(
            "events",
            format!("{} leaves derived again, each in its segment", summary.events_in_segments),
        ));
        check_complete(&wanted)?;
        steps.push(Step::new(
            "completeness",
            format!("as many events of `{}` of each kind as the censuses count", scope.agent_id()),
        ));
        summary.finish();
        Ok(summary)
    }

    /// How many records of any agent are quarantined in the segments.
    fn check_censuses(&self, scope: &Scope, wanted: &mut [Wanted]) -> Result<u64, Fault> {
        const STEP: &str = "censuses of the period";
        expect_equal(STEP, name::CENSUSES, &wanted.len(), &self.censuses.len())?;
        let mut quarantined = 0_u64;
        for (segment, census) in wanted.iter_mut().zip(&self.censuses) {
            let place = format!("census of log entry {} in {}", segment.entry, name::CENSUSES);
            let census = segment.open_census(&place, census.as_bytes())?;
            for ((agent_id, kind), count) in &census.agents {
                if kind == kind::QUARANTINE_ADDED {
                    quarantined = quarantined.checked_add(*count).ok_or_else(|| {
                        Fault::new(STEP, place.as_str(), "counts of 64 bits", "more")
                    })?;
                }
                if agent_id == scope.agent_id() {
                    segment.expected.insert(kind.clone(), *count);
                }
            }
        }
        Ok(quarantined)
    }
}

fn check_complete(wanted: &[Wanted]) -> Result<(), Fault> {
    for segment in wanted {
        if segment.expected != segment.found {
            return Err(Fault::new(
                "completeness",
                format!("segment {} (log entry {})", segment.manifest.parquet_path, segment.entry),
                format!("events of the agent by kind: {:?}", segment.expected),
                format!("{:?}", segment.found),
            ));
        }
    }
    Ok(())
}
