//! The replay of one partition: records and sealed outputs, merged by the origin of the latter.

use std::collections::VecDeque;

use archive::{Archive, ArchiveError};
use governance::Ownership;
use monitor::Destination;
use monitor::replay::Replay;
use segment::manifest::SegmentManifest;
use segment::rows::Check;

use super::options::ReplayOptions;
use super::report::PartitionReplay;
use super::rows::{Broken, Records, SealedOutputs};
use super::starts::starts;

/// The segments of a partition of the events and of the two output partitions of its number.
#[derive(Debug, Default)]
pub(super) struct Job {
    partition: i32,
    pub(super) events: VecDeque<SegmentManifest>,
    pub(super) metrics: VecDeque<SegmentManifest>,
    pub(super) alerts: VecDeque<SegmentManifest>,
}

impl Job {
    pub(super) fn new(partition: i32) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Records to replay.
    pub(super) fn records(&self) -> u64 {
        self.events.iter().map(|manifest| manifest.facts.count).sum()
    }

    /// Replays it. `moved` is told how many records were replayed, and answers whether to go on.
    pub(super) fn run(
        self,
        archive: &Archive,
        options: &ReplayOptions,
        (ownership, check): (&Ownership, Check),
        moved: &mut dyn FnMut(u64) -> bool,
    ) -> Result<PartitionReplay, ArchiveError> {
        let topic = options.events.as_str();
        let first_offset = self.events.front().map_or(0, |manifest| manifest.facts.first_offset);
        let starts = starts(archive, (topic, self.partition), &self.events, ownership)?;
        let mut recalled = None;
        let (fault, unverifiable, replay) = loop {
            let is_first = recalled.is_none();
            let mut replay = Replay::new(topic, self.partition, first_offset, &starts)
                .with_ownership(ownership.clone())
                .with_memory(options.outputs_max, recalled.take().unwrap_or_default());
            let mut merge = Merge {
                records: Records::new(
                    (archive, ownership.trust()),
                    check,
                    (topic, self.partition),
                    self.events.clone(),
                ),
                ended: false,
                metrics: SealedOutputs::new(archive, check, self.metrics.clone()),
                alerts: SealedOutputs::new(archive, check, self.alerts.clone()),
                // What is read a second time was counted.
                moved: &mut |records| moved(if is_first { records } else { 0 }),
            };
            let (fault, unverifiable) = match merge.run(&mut replay) {
                Ok(()) => (None, None),
                Err(Broken::Fault(fault)) => (Some(fault), None),
                Err(Broken::Unverifiable(why)) => (None, Some(why)),
                Err(Broken::Archive(error)) => return Err(error),
            };
            recalled = replay.recalled().filter(|_| is_first);
            if recalled.is_none() {
                break (fault, unverifiable, replay);
            }
        };
        Ok(PartitionReplay {
            topic: topic.to_owned(),
            partition: self.partition,
            first_offset,
            next_offset: replay.next_offset().max(first_offset),
            starts: starts.len() as u64,
            fault,
            unverifiable,
            outcome: replay.finish(),
        })
    }
}

struct Merge<'a, 'm> {
    records: Records<'a>,
    ended: bool,
    metrics: SealedOutputs<'a>,
    alerts: SealedOutputs<'a>,
    moved: &'m mut dyn FnMut(u64) -> bool,
}

impl Merge<'_, '_> {
    /// Takes the output with the earlier origin, once its record was replayed; then what is left.
    fn run(&mut self, replay: &mut Replay) -> Result<(), Broken> {
        loop {
            let metric = self.metrics.peek()?.map(|output| output.origin_offset());
            let alert = self.alerts.peek()?.map(|output| output.origin_offset());
            for (outputs, destination) in
                [(&mut self.metrics, Destination::Metrics), (&mut self.alerts, Destination::Alerts)]
            {
                if outputs.take_lost() {
                    replay.lost_outputs(destination);
                }
            }
            let (destination, origin) = match (metric, alert) {
                (Some(metric), Some(alert)) if metric <= alert => (Destination::Metrics, metric),
                (_, Some(alert)) => (Destination::Alerts, alert),
                (Some(metric), None) => (Destination::Metrics, metric),
                (None, None) => break,
            };
            while replay.next_offset() <= origin && self.advance(replay)? {}
            let outputs = match destination {
                Destination::Metrics => &mut self.metrics,
                Destination::Alerts => &mut self.alerts,
            };
            if let Some(output) = outputs.take() {
                replay.handle_output(destination, output.offset, &output.event, &output.erased);
            }
        }
        while self.advance(replay)? {}
        Ok(())
    }

    /// Replays the next records, if there are any.
    fn advance(&mut self, replay: &mut Replay) -> Result<bool, Broken> {
        if self.ended {
            return Ok(false);
        }
        let records = self.records.advance(replay)?;
        self.ended = records.is_none_or(|records| !(self.moved)(records));
        Ok(!self.ended)
    }
}
