//! Finds the newest usable snapshot of each partition, for all partitions in one pass.
//!
//! While it reads, the entries of all these partitions are in memory; those of a partition are
//! released once its machine is built.

use std::collections::VecDeque;
use std::time::Duration;

use event::{Record, TopicPartition};
use governance::Trust;
use monitor::Processor;
use ports::identity::{Changed, Found, Kept, judge};
use ports::mark::Mark;
use ports::{EventLog, LogError, OffsetRange};
use service::read::{Offsets, read_ranges};
use service::{RoleError, last};
use tracing::warn;
use uuid::Uuid;

use crate::config::Config;
use crate::identity::Identity;
use crate::saved::{Entries, Head, Heads, Keyspace, LastRecord, Ledger};

/// Number of records at the end of a state partition that are searched first for a head.
const STATE_TAIL: i64 = 32;
/// Factor by which that number grows while no head is found.
const STATE_TAIL_GROWTH: i64 = 16;
/// Number of heads that are tried before the partition is computed from its first record.
const HEADS_MAX: usize = 4;

/// A loaded snapshot.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) machine: Processor,
    pub(crate) last_record: Option<LastRecord>,
    pub(crate) output_next: [i64; 2],
    /// Fingerprint of the schema that the outputs so far are written with.
    pub(crate) fingerprint: u64,
    /// See [`crate::saved::Head`].
    pub(crate) begins_at: Option<i64>,
    pub(crate) ledger: Ledger,
}

/// The search for the snapshot of one partition.
struct Search<'a> {
    input: &'a TopicPartition,
    keys: Keyspace,
    state: TopicPartition,
    range: OffsetRange,
    /// Where the partitions of metrics and alerts end.
    outputs_next: [i64; 2],
    /// Offset from which heads are searched.
    from: i64,
    heads: Heads,
    /// Heads that are still to be tried, newest first.
    candidates: VecDeque<Entries>,
    tried: usize,
    loaded: Option<Loaded>,
    is_over: bool,
}

impl<'a> Search<'a> {
    fn begin(
        config: &Config,
        log: &dyn EventLog,
        input: &'a TopicPartition,
        trust: &Trust,
    ) -> Result<Self, LogError> {
        let state = TopicPartition::new(config.topics.state.as_str(), input.partition);
        let range = log.offsets(&state)?;
        let next_of = |topic: &str| {
            log.offsets(&TopicPartition::new(topic, input.partition)).map(|range| range.next)
        };
        let outputs_next = [next_of(&config.topics.metrics)?, next_of(&config.topics.alerts)?];
        let keys = Keyspace::new(trust.installation(), input);
        let (heads, candidates) = (Heads::new(keys.clone()), VecDeque::new());
        let (from, is_over) = (range.next, range.first >= range.next);
        Ok(Self {
            input,
            keys,
            state,
            range,
            outputs_next,
            from,
            heads,
            candidates,
            tried: 0,
            loaded: None,
            is_over,
        })
    }

    /// Turns the heads that were found into candidates, except those tried before.
    fn choose(&mut self) {
        let heads = std::mem::replace(&mut self.heads, Heads::new(self.keys.clone()));
        let new = heads.newest_first().into_iter().take(HEADS_MAX).skip(self.tried);
        for entries in new {
            self.tried += 1;
            self.candidates.push_back(entries);
        }
    }

    /// The newest candidate that was not tried.
    fn candidate(&self) -> Option<&Head> {
        self.candidates.front().map(Entries::head)
    }

    /// Makes sure that the topic is the one that the candidate is of: else its offsets name other records.
    fn judge(&self, found: &Found, key_id: &str) -> Result<(), RoleError> {
        let Some(head) = self.candidate() else { return Ok(()) };
        let last = head.last_record.as_ref().filter(|last| last.key_id == key_id);
        let kept = Kept {
            topic_id: head.topic_id.clone(),
            next_offset: head.next_offset,
            last: last.map(|last| Mark(last.mark)),
        };
        judge(Some(&kept), found)
            .and_then(|_| self.judge_outputs(head, found))
            .map_err(|changed| RoleError::Changed { partition: self.input.clone(), changed })
    }

    /// A state that has read nothing is void for another topic, unless its owner went on after it and
    /// published what it computed.
    fn judge_outputs(&self, head: &Head, found: &Found) -> Result<(), Changed> {
        let [metrics, alerts] = self.outputs_next;
        let has_outputs = metrics > head.metrics_next || alerts > head.alerts_next;
        if head.next_offset > 0 || head.topic_id == found.topic_id || !has_outputs {
            return Ok(());
        }
        let (kept, found) = (head.topic_id.clone(), found.topic_id.clone());
        Err(Changed::AnotherTopic { kept, found, position: head.next_offset })
    }

    /// Resumes from the candidate whose entries were read, or discards it.
    fn resume(&mut self, config: &Config, trust: &Trust) {
        let Some(entries) = self.candidates.pop_front() else { return };
        let head = entries.head().clone();
        let Some((restored, ledger)) =
            entries.finish(new_writer(), config.snapshot_chunk_bytes_max)
        else {
            warn!(partition = %self.input, "skipped a snapshot: it is incomplete");
            return;
        };
        let TopicPartition { topic, partition } = self.input;
        match Processor::resume(topic, *partition, &head.state, restored) {
            Ok(machine) if machine.ownership().trust() != trust => {
                warn!(partition = %self.input, "skipped a snapshot: it was made with other keys, or for another installation");
            }
            Ok(machine) => {
                let output_next = [head.metrics_next, head.alerts_next];
                let (begins_at, fingerprint) = (head.begins_at, head.fingerprint);
                let last_record = head.last_record;
                self.loaded = Some(Loaded {
                    machine,
                    last_record,
                    output_next,
                    fingerprint,
                    begins_at,
                    ledger,
                });
                self.is_over = true;
            }
            Err(error) => {
                warn!(partition = %self.input, %error, "skipped a snapshot: failed to resume")
            }
        }
    }
}

/// The newest usable snapshot of each partition of a topic, in the order of `inputs`.
///
/// # Errors
///
/// Those of the log, and a topic that is not the one that a snapshot is of.
pub(crate) fn load(
    config: &Config,
    log: &dyn EventLog,
    inputs: &[TopicPartition],
    (topic_id, identity): (&str, &Identity),
) -> Result<Vec<Option<Loaded>>, RoleError> {
    let Identity { key, trust } = identity;
    let (marks, key_id) = (identity.marks(), key.key_id_hex());
    let begin = |input| Search::begin(config, log, input, trust);
    let mut searches = inputs.iter().map(begin).collect::<Result<Vec<_>, _>>()?;
    let wait = config.read_wait();
    let mut tail = STATE_TAIL;
    while searches.iter().any(|search| !search.is_over) {
        // Heads are written last, so the newest lies near the end.
        let mut open: Vec<&mut Search<'_>> =
            searches.iter_mut().filter(|search| !search.is_over).collect();
        for search in &mut open {
            search.from = (search.range.next - tail).max(search.range.first);
        }
        let tails = of_each(&open, |search| search.from..search.range.next);
        read_state(log, tails, wait, |state, record| {
            let found = open.iter_mut().find(|search| search.state.partition == state.partition);
            let Some(search) = found else {
                unreachable!("a record of {state}, which is not read")
            };
            search.heads.take(record);
        })?;
        for search in &mut open {
            search.choose();
        }
        loop {
            let mut trying: Vec<&mut Search<'_>> = open
                .iter_mut()
                .map(|search| &mut **search)
                .filter(|search| !search.is_over && !search.candidates.is_empty())
                .collect();
            if trying.is_empty() {
                break;
            }
            let positions: Vec<_> = trying
                .iter()
                .map(|search| {
                    (search.input.clone(), search.candidate().map(|head| head.next_offset))
                })
                .collect();
            let held = last::look(log, &marks, &positions, wait)?;
            for (search, (range, at_last)) in trying.iter().zip(held) {
                let topic_id = topic_id.to_owned();
                search.judge(&Found { topic_id, range, at_last }, &key_id)?;
            }
            let whole = of_each(&trying, |search| search.range.first..search.range.next);
            read_state(log, whole, wait, |state, record| {
                let found =
                    trying.iter_mut().find(|search| search.state.partition == state.partition);
                let Some(entries) = found.and_then(|search| search.candidates.front_mut()) else {
                    unreachable!("a record of {state}, which is not read")
                };
                entries.take(record);
            })?;
            trying.iter_mut().for_each(|search| search.resume(config, trust));
        }
        for search in open {
            search.is_over |= search.from <= search.range.first || search.tried >= HEADS_MAX;
        }
        // However large, a tail begins at the first record at the earliest.
        tail = tail.saturating_mul(STATE_TAIL_GROWTH);
    }
    Ok(searches.into_iter().map(|search| search.loaded).collect())
}

/// A range of the state partition of each search.
fn of_each(
    searches: &[&mut Search<'_>],
    range: impl Fn(&Search<'_>) -> std::ops::Range<i64>,
) -> Vec<Offsets> {
    searches.iter().map(|search| (search.state.clone(), range(search))).collect()
}

/// Reads ranges of the state topic. If the end of a range cannot be read, a newer snapshot may be
/// missed, and more records are processed again.
fn read_state(
    log: &dyn EventLog,
    ranges: Vec<Offsets>,
    silence_max: Duration,
    show: impl FnMut(&TopicPartition, &Record<'_>),
) -> Result<(), LogError> {
    for (partition, range) in read_ranges(log, ranges, silence_max, show)? {
        warn!(%partition, from = range.start, until = range.end, "no records found at the end of a range");
    }
    Ok(())
}

/// A random identifier, unique among the writers of a partition.
pub(crate) fn new_writer() -> u64 {
    let (_, number) = Uuid::now_v7().as_u64_pair();
    number
}
