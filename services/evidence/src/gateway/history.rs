//! The acts that were recorded: which identifiers are taken, and what is known of agents, changes and
//! versions. Follows the governance topic from its beginning.
//!
//! Memory is bounded: of an act its identifier and position are kept, of the kinds in [`KEPT`] a few columns
//! too. Beyond the bounds the oldest are forgotten, which is counted: a question that they might answer
//! is answered with "not known".

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use event::{Decoder, Event, Limits, Record, Timestamp, TopicPartition, column, kind, schema};
use governance::{Trust, verify_act};
use merkle::hash::sha256;
use ports::EventLog;
use service::read::read_ranges;

use super::rejection::Rejection;

/// Most identifiers that are remembered.
const IDS_MAX: usize = 500_000;
/// Most acts of which columns are kept.
const ACTS_MAX: usize = 100_000;
/// Most bytes of those columns.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Position of an act: partition and offset.
pub(super) type At = (i32, i64);

/// Kinds of which columns are kept: what readiness is judged by, and what undoes or replaces it.
const KEPT: [&str; 24] = [
    kind::AGENT_REGISTERED,
    kind::AGENT_UPDATED,
    kind::AGENT_RETIRED,
    kind::AGENT_VERSION_CREATED,
    kind::AGENT_VERSION_DEPLOYED,
    kind::AGENT_VERSION_ROLLED_BACK,
    kind::CHANGE_REQUESTED,
    kind::CHANGE_RISK_LINKED,
    kind::CHANGE_APPROVED,
    kind::CHANGE_REJECTED,
    kind::CHANGE_EMERGENCY,
    kind::CHANGE_REVIEWED,
    kind::CORPUS_VERSION_CREATED,
    kind::CORPUS_RETIRED,
    kind::EVAL_SUITE_COMPLETED,
    kind::INCIDENT_OPENED,
    kind::INCIDENT_CLOSED,
    kind::POLICY_VERSION_PUBLISHED,
    kind::POLICY_VERSION_RETIRED,
    kind::POLICY_ACKNOWLEDGED,
    kind::RISK_ASSESSED,
    kind::RISK_DECIDED,
    kind::RISK_ACCEPTED,
    kind::RISK_CLOSED,
];

/// Columns that are kept, beside the subject of the kind.
const COLUMNS: [event::ColumnId; 16] = [
    column::KIND.id(),
    column::EVENT_ID.id(),
    column::TENANT_ID.id(),
    column::ENVIRONMENT.id(),
    column::AGENT_ID.id(),
    column::AGENT_VERSION.id(),
    column::VERSION_DIGEST.id(),
    column::actor::ID.id(),
    column::agent::POLICY_VERSION.id(),
    column::change::RISK.id(),
    column::change::TO_DIGEST.id(),
    column::eval::GATE.id(),
    column::policy::DIGEST.id(),
    column::policy::VERSION.id(),
    column::risk::ACCEPTANCE_EXPIRES_AT.id(),
    column::risk::CHANGE_ID.id(),
];

/// An act of which columns are kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) at: At,
    /// When it was recorded, by the broker's clock.
    pub(super) time: Timestamp,
    pub(super) event: Event<'static>,
    bytes: usize,
}

impl Kept {
    pub(super) fn kind(&self) -> &str {
        self.event.text(column::KIND).unwrap_or_default()
    }

    /// Its subject, as the vocabulary names it for the kind.
    pub(super) fn subject(&self) -> Option<&str> {
        subject(&self.event)
    }
}

/// The subject of an event.
pub(super) fn subject<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let known = schema().kind(event.text(column::KIND)?)?;
    event.get(known.subject?)?.as_text()
}

/// The acts that were recorded.
#[derive(Debug)]
pub(super) struct History {
    /// Where to read on, by partition, with the identity of the topic.
    next: BTreeMap<i32, (String, i64)>,
    decoder: Decoder,
    /// Digests of identifier and tenant, to the first act of that name.
    ids: BTreeMap<[[u8; 16]; 2], At>,
    /// The same in the order in which they were read.
    oldest: VecDeque<[[u8; 16]; 2]>,
    kept: VecDeque<Kept>,
    bytes: usize,
    /// Most identifiers, acts and bytes.
    limits: [usize; 3],
    /// Acts of which columns were kept, and are no longer.
    pub(super) forgotten: u64,
    /// The newest of them.
    forgotten_to: Option<At>,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            next: BTreeMap::new(),
            decoder: Decoder::new(Limits::default()),
            ids: BTreeMap::new(),
            oldest: VecDeque::new(),
            kept: VecDeque::new(),
            bytes: 0,
            limits: [IDS_MAX, ACTS_MAX, BYTES_MAX],
            forgotten: 0,
            forgotten_to: None,
        }
    }

    fn forget(&mut self) {
        *self = Self { limits: self.limits, ..Self::new() };
    }

    /// Reads on to the end of the topic.
    pub(super) fn advance(
        &mut self,
        log: &dyn EventLog,
        topic: &str,
        trust: &Trust,
        wait: Duration,
    ) -> Result<(), Rejection> {
        let id = log.topic_id(topic)?;
        if self.next.values().any(|(known, _)| *known != id) {
            // Another topic of that name: nothing of the old one was recorded.
            self.forget();
        }
        let mut ranges = Vec::new();
        for number in 0..log.partitions(topic)? {
            let partition = TopicPartition::new(topic, number);
            let held = log.offsets(&partition)?;
            let known = self.next.get(&number).map(|(_, next)| *next);
            ranges.push((partition, known.unwrap_or(held.first).max(held.first)..held.next));
        }
        let ends: Vec<_> = ranges.iter().map(|(at, range)| (at.partition, range.end)).collect();
        let decoder = self.decoder.clone();
        let missing = read_ranges(log, ranges, wait, |partition, record| {
            let event = decoder.decode(record).event;
            self.handle((partition.partition, record.offset), trust, record, &event);
        })?;
        if let Some((partition, range)) = missing.first() {
            self.forget();
            return Err(Rejection::Incomplete(format!(
                "no records came for offsets {} to {} of {partition}; what was recorded is not known",
                range.start,
                range.end - 1
            )));
        }
        self.next.extend(ends.into_iter().map(|(number, end)| (number, (id.clone(), end))));
        Ok(())
    }

    fn handle(&mut self, at: At, trust: &Trust, record: &Record<'_>, event: &Event<'_>) {
        let event_id = event.text(column::EVENT_ID).unwrap_or_default();
        let key = [short(event_id), short_of(event.text(column::TENANT_ID))];
        // A copy of an act is nothing, wherever it stands.
        if verify_act(trust, event).is_err() || self.ids.contains_key(&key) {
            return;
        }
        self.ids.insert(key, at);
        self.oldest.push_back(key);
        let [ids_max, acts_max, bytes_max] = self.limits;
        if self.oldest.len() > ids_max
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.ids.remove(&oldest);
        }
        let Some(known) = event.text(column::KIND).filter(|kind| KEPT.contains(kind)) else {
            return;
        };
        let subject = schema().kind(known).and_then(|known| known.subject);
        let mut kept = Event::empty();
        let mut bytes = 256_usize;
        for (id, cell) in event.cells() {
            if COLUMNS.contains(id) || Some(*id) == subject {
                bytes = bytes.saturating_add(64 + cell.as_text().map_or(0, str::len));
                kept.set(*id, cell.clone().into_owned());
            }
        }
        let time = Timestamp::from_millis(record.timestamp_ms);
        self.bytes = self.bytes.saturating_add(bytes);
        self.kept.push_back(Kept { at, time, event: kept, bytes });
        while self.kept.len() > acts_max || self.bytes > bytes_max {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
            self.forgotten += 1;
            self.forgotten_to = self.forgotten_to.max(Some(oldest.at));
        }
    }

    /// The acts of which columns are kept, oldest first.
    pub(super) fn acts(&self) -> impl DoubleEndedIterator<Item = &Kept> {
        self.kept.iter()
    }

    /// Where acts of that identifier were recorded: of each tenant the first.
    pub(super) fn recorded(&self, event_id: &str) -> Vec<At> {
        let id = short(event_id);
        self.ids.range([id, [0; 16]]..=[id, [u8::MAX; 16]]).map(|(_, at)| *at).collect()
    }

    /// Whether everything that was kept after that position is still there.
    pub(super) fn knows_since(&self, at: At) -> bool {
        self.forgotten_to.is_none_or(|to| to <= at)
    }
}

fn short(text: &str) -> [u8; 16] {
    let digest = sha256(text.as_bytes());
    let [first, _] = digest.as_chunks::<16>().0 else { unreachable!("a digest has 32 bytes") };
    *first
}

/// No text and an empty one are different.
fn short_of(text: Option<&str>) -> [u8; 16] {
    text.map_or([0; 16], short)
}

#[cfg(test)]
mod tests {
    use event::EventBuilder;
    use governance::{Id, Installation, sign_act};
    use merkle::note::SigningKey;
    use ports::{Outgoing, TopicSpec, publish_and_wait};
    use sim::MemoryLog;

    use super::*;

    const TOPIC: &str = "g";
    const WAIT: Duration = Duration::from_secs(10);

    #[test]
    fn what_is_forgotten_is_counted_and_the_newest_acts_stay() {
        let log = MemoryLog::new();
        let spec = TopicSpec { name: TOPIC.into(), partitions: 1, compacted: false, kept: false };
        log.create_topics(&[spec]).unwrap();
        let key = SigningKey::from_seed("g", [1; 32]).unwrap();
        let installation =
            Installation { origin: "log.example/a".into(), topic_prefix: String::new() };
        let trust = Trust::parse(installation.clone(), [], [key.verifier().to_vkey()]).unwrap();
        for number in 0..10_u8 {
            let act = EventBuilder::new(kind::CHANGE_APPROVED)
                .set(column::EVENT_ID, format!("id-{number}"))
                .set(column::EVENT_TIME, Timestamp::from_micros(5))
                .set(column::AGENT_ID, "a")
                .set(column::change::ID, "x".repeat(1_000))
                .build()
                .unwrap();
            let act = sign_act(&key, &installation, Id::from_bytes([number; 16]), act).unwrap();
            let record = Outgoing::event_as_json(TOPIC, &act).in_partition(0);
            publish_and_wait(&*log.producer(), vec![record], WAIT).unwrap();
        }
        let read = |limits| {
            let mut history = History { limits, ..History::new() };
            history.advance(&log, TOPIC, &trust, WAIT).unwrap();
            history
        };
        let all = read([100, 100, 1_000_000]);
        assert_eq!((all.acts().count(), all.forgotten), (10, 0));
        assert!(all.knows_since((0, 0)));
        let few = read([4, 3, 1_000_000]);
        assert_eq!((few.acts().count(), few.forgotten), (3, 7));
        assert_eq!(few.acts().map(|act| act.at.1).collect::<Vec<_>>(), [7, 8, 9]);
        assert!(few.knows_since((0, 6)) && !few.knows_since((0, 5)));
        assert_eq!((few.recorded("id-5"), few.recorded("id-6")), (vec![], vec![(0, 6)]));
        let small = read([100, 100, 4_000]);
        assert!(small.acts().count() < 4 && small.forgotten > 6, "{}", small.forgotten);
    }
}
